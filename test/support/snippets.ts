/**
 * The programs of a document: its fenced snippets, as they stand there, with the results that their comments state turned
 * into assertions.
 *
 *   expression;       // true: why            what it must be; also behind console.log(…) and const x = …
 *   statement;        // throws NotHeldError  what it must throw; with `await` in it, reject with
 *   // main.js                                as first line: the snippet is that file, and belongs to the named ones
 *                                             before and after it; what runs is main
 *   ```text dump                              what the program before it prints, but for frames of Node's own
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A snippet, or several named ones that belong together. */
export interface Program {
  title: string;
  folder: string;
  main: string;
  /** How many results its comments state. */
  stated: number;
  /** What it prints, where the document shows it. */
  printed?: string;
  /** With what it ends. */
  code: number;
}

/** What the fences of programs say, and how their files end. */
export type Fences = Readonly<Record<string, string>>;

const FENCES: Fences = { js: 'js', javascript: 'js', ts: 'ts', typescript: 'ts' };
const LOG = 'console.log(';
const LITERAL = /^(true|false|undefined|null|Infinity|-?[\d_.]+|'[^']*'|\[[^\]]*\])(?=$|[:;] )/;

/** The snippet with its assertions; each line stays where it was. */
function withChecks(code: string, first: number, common: boolean): { code: string; stated: number } {
  let stated = 0;
  const lines = code.split('\n').map((line) => {
    const [, indent, statement, comment] = /^(\s*)(\S.*); \/\/ (.*)$/.exec(line) ?? [];
    if (!statement || !comment) return line;
    const [, error] = /^throws (\w+)/.exec(comment) ?? [];
    const [, literal] = LITERAL.exec(comment) ?? [];
    if (!error && !literal) return line;
    const number = first + stated++;
    if (error) {
      const fails = statement.includes('await ') ? 'await $assert.rejects(async ' : '$assert.throws(';
      return `${indent}${fails}() => { ${statement}; }, { name: '${error}' }); $reached(${number});`;
    }
    const check = `$check(${number}, ${literal}, `;
    const [, variable] = /^(?:const|let) (\w+) =/.exec(statement) ?? [];
    if (variable) return `${indent}${statement}; ${check}${variable});`;
    return `${indent}${statement.includes(LOG) ? statement.replace(LOG, check) : `${check}${statement})`};`;
  });
  const prelude =
    (common
      ? "const $assert = require('node:assert/strict'); const { appendFileSync: $append } = require('node:fs'); "
      : "import $assert from 'node:assert/strict'; import { appendFileSync as $append } from 'node:fs'; ") +
    "const $reached = (n) => $append(process.env.REACHED ?? '', n + ' '); " +
    'const $check = (n, expected, actual) => { $assert.deepStrictEqual(actual, expected); $reached(n); };';
  return { code: `${prelude} ${lines.join('\n')}`, stated };
}

/** The programs of a text, written into folders of `workshop`. */
export function programsOf(text: string, heading: string, workshop: string, fences: Fences = FENCES): Program[] {
  const found: Program[] = [];
  let open: Program | undefined;
  let title = heading;
  let language: string | undefined;
  let code: string[] = [];

  const finish = (extension: string, number: number): void => {
    const [, name] = /^\/\/ ([\w.-]+\.[cm]?[jt]s)$/.exec(code[0] ?? '') ?? [];
    if (!name || !open || existsSync(join(open.folder, name))) {
      const folder = join(workshop, String(number));
      mkdirSync(folder, { recursive: true });
      open = { title: `${title} (line ${number})`, folder, main: name ?? `snippet.${extension}`, stated: 0, code: 0 };
      found.push(open);
    }
    if (code.some((line) => /dumpLater\(.* exit: true/.test(line))) open.code = 1;
    if (name?.startsWith('main.')) open.main = name;
    const checked = withChecks(code.join('\n'), open.stated, /\.cjs$/.test(name ?? ''));
    open.stated += checked.stated;
    writeFileSync(join(open.folder, name ?? open.main), checked.code);
    if (!name) open = undefined;
  };

  for (const [index, line] of text.split('\n').entries()) {
    const [, info] = /^```(.*)$/.exec(line) ?? [];
    if (language !== undefined) {
      if (info === undefined) code.push(line);
      else {
        const extension = fences[language];
        if (extension) finish(extension, index - code.length);
        if (language === 'text dump') found.at(-1)!.printed = code.join('\n');
        language = undefined;
      }
    } else if (info !== undefined) {
      language = info;
      code = [];
    } else if (line.startsWith('#')) {
      title = line.replace(/^#+ /, '');
      open = undefined;
    }
  }
  return found;
}

export interface Ran {
  code: unknown;
  output: string;
}

/** Runs a file with this Node. */
export function runFile(file: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd: dirname(file), env: { ...process.env, ...env }, timeout: 20_000, killSignal: 'SIGKILL' };
    execFile(process.execPath, [file, ...args], options as object, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, output: `${stdout}${stderr}` });
    });
  });
}

/** Runs a program; also tells how many of the results that it states were compared with the comments. */
export async function runProgram({ folder, main }: Program): Promise<Ran & { compared: number }> {
  const reached = join(folder, 'reached');
  const ran = await runFile(join(folder, main), [], { REACHED: reached });
  const numbers = existsSync(reached) ? readFileSync(reached, 'utf8').trim().split(' ') : [];
  return { ...ran, compared: new Set(numbers).size };
}
