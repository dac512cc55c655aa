/** What npm would publish: `npm run release` packs it so. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { pack } from '../../.ci/package.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'lockwork-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { filename, files } = pack(folder);
const packed = (file: string) =>
  execFileSync('tar', ['-xzOf', filename, `package/${file}`], { cwd: folder }).toString();

const leaves = (of: object | string): string[] => (typeof of === 'string' ? [of] : Object.values(of).flatMap(leaves));

test('it has what is built, what is declared, what is told, and nothing else', () => {
  const folders = ['as', 'bench', 'dist', 'docs', 'examples', 'include'];
  const alone = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'package.json'];
  expect(new Set(files.map((file) => file.split('/')[0]))).toEqual(new Set([...folders, ...alone]));
  expect(files.filter((file) => file.startsWith('bench/'))).toEqual([
    'bench/results/reference.json',
    'bench/results/reference.svg',
  ]);
});

test('it has every file that package.json names', () => {
  const { exports, main, module, types, typesVersions } = manifest;
  const named = leaves({ exports, main, module, types, typesVersions }).map((path) => path.replace('./', ''));
  expect(named).toContain('dist/core.wasm');
  expect(named.filter((path) => !files.includes(path))).toEqual([]);
});

test('README leads to the files of its version', () => {
  const { version } = manifest;
  const place = 'https://github.com/lockwork/lockwork/blob';
  const raw = 'https://raw.githubusercontent.com/lockwork/lockwork';
  const readme = packed('README.md');
  const links = [...readme.matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link!);
  expect(links.filter((link) => !/^https:/.test(link))).toEqual([]);
  const own = links.filter((link) => link.startsWith(place) || link.startsWith(raw));
  const paths = own.map((link) => link.replace(`${place}/v${version}/`, '').replace(`${raw}/v${version}/`, ''));
  expect(paths).toEqual(expect.arrayContaining(['docs/primitives.md', 'bench/results/reference.svg']));
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  // Nothing else of it is changed.
  const back = readme.replaceAll(`${place}/v${version}/`, '').replaceAll(`${raw}/v${version}/`, '');
  expect(back).toBe(readFileSync(join(root, 'README.md'), 'utf8'));
});
