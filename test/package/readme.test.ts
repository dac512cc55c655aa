/**
 * Every JavaScript and TypeScript snippet of README.md and docs/, and every `@example` of the sources, runs as it stands
 * there, in a process of its own: ../support/snippets.ts.
 *
 * What is for a page, a bundler or a pool (```js page, ```js config, ```js pool) runs elsewhere: platforms/. So does what
 * needs a compiler (```js wasm): wasm.test.ts.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as threading from 'lockwork';
import * as inspect from 'lockwork/inspect';
import * as programs from 'lockwork/wasm';
import { afterAll, describe, expect, test } from 'vitest';
import { programsOf, runFile, runProgram } from '../support/snippets.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const filesOf = (folder: string, end: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end))
    .map((file) => `${folder}/${file}`);
/** The pages of the site, but for those that are made of the sources. */
const pages = filesOf('docs', '.md').filter((file) => !/^docs\/(reference|node_modules|\.vitepress)\//.test(file));
const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...pages];

/** A source with the examples of its comments out of the comments; each line stays where it was. */
const examplesOf = (source: string) => source.replaceAll(/^ *\* ?/gm, '');

/** Inside the package, so that `import … from 'lockwork'` finds it; ignored by git. */
mkdirSync(join(root, 'build'), { recursive: true });
const workshop = mkdtempSync(join(root, 'build', 'snippets-'));
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

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

const snippets = (file: string, text: string) => programsOf(text, file, join(workshop, file.replaceAll(/\W/g, '-')));
const all = [
  ...documents.map((file) => ({ file, found: snippets(file, read(file)) })),
  ...filesOf('bindings', '.ts').map((file) => ({ file, found: snippets(file, examplesOf(read(file))) })),
];

for (const { file, found } of all.filter(({ found }) => found.length)) {
  describe(file, () => {
    test.each(found)('$title', async (program) => {
      const { code, output, compared } = await runProgram(program);
      expect(code, output).toBe(program.code);
      if (program.printed !== undefined) expect(paragraphs(output)).toEqual(paragraphs(program.printed));
      expect(compared, `results that were compared with the comments:\n${output}`).toBe(program.stated);
    });
  });
}

describe('the package', () => {
  test('holds all files that README links to', async () => {
    const links = [...read('README.md').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path!);
    const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      timeout: 20_000,
    });
    const [{ files }] = Object.values(JSON.parse(stdout)) as [{ files: { path: string }[] }];
    expect(links).toContain('docs/internals/design.md');
    expect(links.filter((link) => !files.some(({ path }) => path === link || path.startsWith(link)))).toEqual([]);
  });
});

describe('README', () => {
  test('is read in one sitting', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(300);
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
    const { code, output } = await runFile(tsc, ['-p', workshop]);
    expect(code, output).toBe(0);
  });

  test('names every export', () => {
    const text = documents.map(read).join();
    const names = [...Object.keys(threading), ...Object.keys(inspect), ...Object.keys(programs)];
    // Not for users: what LOCKWORK_HANG calls.
    const missing = names.filter((name) => name !== 'dumpOfHang' && !text.includes(`\`${name}`));
    expect(missing).toEqual([]);
  });

  test('has the same recipes for pages everywhere', () => {
    const recipes = (document: string) => read(document).match(/^```js \w+\n.*?^```$/gms)!;
    expect(recipes('docs/browser.md')).toEqual(expect.arrayContaining(recipes('README.md')));
  });

  test('has both headers in what it says of every server', () => {
    const told = read('docs/browser.md').match(/^```(nginx|text _headers|json|js config)\n.*?^```$/gms)!;
    const without = told
      .filter((snippet) => !/rollup/.test(snippet))
      .filter(
        (snippet) =>
          !/Opener-Policy\W+(value\W+)?same-origin.*Embedder-Policy\W+(value\W+)?require-corp/s.test(snippet),
      );
    expect(told.length).toBeGreaterThan(4);
    expect(without).toEqual([]);
    expect(JSON.parse(/^```json\n(.*?)^```$/ms.exec(read('docs/browser.md'))![1]!)).toHaveProperty('headers');
  });

  test('links to what exists', () => {
    const broken = documents.flatMap((document) => {
      const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
      return links.filter((link) => !existsSync(join(root, dirname(document), link))).map((l) => `${document}: ${l}`);
    });
    expect(broken).toEqual([]);
  });
});
