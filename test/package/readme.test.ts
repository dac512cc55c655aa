/**
 * Every JavaScript and TypeScript snippet of README.md and docs/ runs as it stands there, in a process of its own.
 *
 *   expression;       // true: why            what it must be; also behind console.log(…) and const x = …
 *   statement;        // throws NotHeldError  what it must throw; with `await` in it, reject with
 *   // main.js                                as first line: the snippet is that file, and belongs to the named ones
 *                                             before and after it; what runs is main
 *   ```text dump                              what the program before it prints, but for frames of Node's own
 *
 * What is for a page or for a bundler (```js page, ```js config) runs elsewhere: docs/browser.md.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as threading from 'lockwork';
import * as inspect from 'lockwork/inspect';
import { afterAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** Inside the package, so that `import … from 'lockwork'` finds it; ignored by git. */
mkdirSync(join(root, 'build'), { recursive: true });
const workshop = mkdtempSync(join(root, 'build', 'snippets-'));
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

/** A snippet, or several named ones that belong together. */
interface Program {
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

const EXTENSIONS: Record<string, string> = { js: 'js', javascript: 'js', ts: 'ts', typescript: 'ts' };
const LOG = 'console.log(';
const LITERAL = /^(true|false|undefined|null|Infinity|-?[\d_.]+|'[^']*'|\[[^\]]*\])(?=$|[:;] )/;

/** The snippet with the results that it states turned into assertions; each line stays where it was. */
function withChecks(code: string, first: number): { code: string; stated: number } {
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
    "import $assert from 'node:assert/strict'; import { appendFileSync as $append } from 'node:fs'; " +
    "const $reached = (n) => $append(process.env.REACHED ?? '', n + ' '); " +
    'const $check = (n, expected, actual) => { $assert.deepStrictEqual(actual, expected); $reached(n); };';
  return { code: `${prelude} ${lines.join('\n')}`, stated };
}

/** A paragraph for each thread and each primitive: threads come in the order in which the platform has started them. */
function paragraphs(printed: string): string[] {
  const told = printed
    .trim()
    .split('\n')
    .filter((line) => !/^ +at .*node:/.test(line))
    .join('\n')
    .replace(/^\(node:\d+\)/m, '(node:…)')
    .replaceAll(/file:\/\/\/\S*\//g, 'file:///…/');
  // A circle may be told from any of its threads on.
  const round = (_: string, start: string, circle: string) => start + circle.split('; ').sort().join('; ');
  return told
    .replaceAll(/^(.*wait for each other: |DEADLOCK: )(.*)$/gm, round)
    .split(/\n(?! )/)
    .sort();
}

/** The programs of a document, written to the disk. */
function programs(document: string): Program[] {
  const found: Program[] = [];
  let open: Program | undefined;
  let heading = document;
  let language: string | undefined;
  let code: string[] = [];

  const finish = (extension: string, number: number): void => {
    const [, name] = /^\/\/ ([\w-]+\.[jt]s)$/.exec(code[0] ?? '') ?? [];
    if (!name || !open || existsSync(join(open.folder, name))) {
      const folder = join(workshop, document.replaceAll(/\W/g, '-'), String(number));
      mkdirSync(folder, { recursive: true });
      const title = `${heading} (line ${number})`;
      open = { title, folder, main: name ?? `snippet.${extension}`, stated: 0, code: 0 };
      found.push(open);
    }
    if (code.some((line) => /dumpLater\(.* exit: true/.test(line))) open.code = 1;
    if (name?.startsWith('main.')) open.main = name;
    const checked = withChecks(code.join('\n'), open.stated);
    open.stated += checked.stated;
    writeFileSync(join(open.folder, name ?? open.main), checked.code);
    if (!name) open = undefined;
  };

  for (const [index, line] of readFileSync(join(root, document), 'utf8').split('\n').entries()) {
    const [, info] = /^```(.*)$/.exec(line) ?? [];
    if (language !== undefined) {
      if (info === undefined) code.push(line);
      else {
        const extension = EXTENSIONS[language];
        if (extension) finish(extension, index - code.length);
        if (language === 'text dump') found.at(-1)!.printed = code.join('\n');
        language = undefined;
      }
    } else if (info !== undefined) {
      language = info;
      code = [];
    } else if (line.startsWith('#')) {
      heading = line.replace(/^#+ /, '');
      open = undefined;
    }
  }
  return found;
}

function run(file: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    const options = { cwd: dirname(file), env: { ...process.env, ...env }, timeout: 20_000, killSignal: 'SIGKILL' };
    execFile(process.execPath, [file, ...args], options as object, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, output: `${stdout}${stderr}` });
    });
  });
}

const all = documents.map((document) => ({ document, found: programs(document) }));

for (const { document, found } of all.filter(({ found }) => found.length)) {
  describe(document, () => {
    test.each(found)('$title', async ({ folder, main, stated, printed, code: expected }) => {
      const reached = join(folder, 'reached');
      const { code, output } = await run(join(folder, main), [], { REACHED: reached });
      expect(code, output).toBe(expected);
      if (printed !== undefined) expect(paragraphs(output)).toEqual(paragraphs(printed));
      const numbers = stated ? new Set(readFileSync(reached, 'utf8').trim().split(' ').map(Number)) : new Set();
      expect(numbers.size, `results that were compared with the comments:\n${output}`).toBe(stated);
    });
  });
}

describe('the package', () => {
  test('holds all files that README links to', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path!);
    const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      timeout: 20_000,
    });
    const [{ files }] = Object.values(JSON.parse(stdout)) as [{ files: { path: string }[] }];
    expect(links).toContain('docs/internals/design.md');
    expect(links.filter((link) => !files.some(({ path }) => path === link || path.startsWith(link)))).toEqual([]);
  });
});

describe('the documentation', () => {
  test('type-checks', async () => {
    const config = {
      extends: '../../tsconfig.json',
      compilerOptions: {
        allowJs: true,
        checkJs: true,
        strict: false,
        exactOptionalPropertyTypes: false,
        noUnusedLocals: false,
      },
      include: ['**/*'],
      exclude: [],
    };
    writeFileSync(join(workshop, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { code, output } = await run(tsc, ['-p', workshop]);
    expect(code, output).toBe(0);
  });

  test('names every export', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const names = [...Object.keys(threading), ...Object.keys(inspect)];
    // Not for users: what LOCKWORK_HANG calls.
    const missing = names.filter((name) => name !== 'dumpOfHang' && !readme.includes(`\`${name}`));
    expect(missing).toEqual([]);
  });

  test('has the same recipes for pages everywhere', () => {
    const recipes = (document: string) => readFileSync(join(root, document), 'utf8').match(/^```js \w+\n.*?^```$/gms)!;
    expect(recipes('docs/browser.md')).toEqual(expect.arrayContaining(recipes('README.md')));
  });

  test('links to what exists', () => {
    const broken = documents.flatMap((document) => {
      const text = readFileSync(join(root, document), 'utf8');
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
      return links.filter((link) => !existsSync(join(root, dirname(document), link))).map((l) => `${document}: ${l}`);
    });
    expect(broken).toEqual([]);
  });
});
