/**
 * `npm run release`: what would be published, in build/publish/. It builds twice and compares, so that anybody can build the
 * same bytes; packs it (package.ts); and writes a list of what went into it (SBOM). Publishes nothing:
 * a workflow does that.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from './package.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'build/publish');
/** What must come out the same each time: the bytes that are model-checked, and those that run. */
const MADE = ['core.wasm', 'imports.wasm', 'index.js', 'index.cjs', 'inspect.js', 'inspect.cjs', 'wasm.js', 'wasm.cjs'];

const call = (...args: string[]): string => execFileSync('npm', args, { cwd: root, encoding: 'utf8' });
const read = (file: string): Buffer => readFileSync(join(root, file));
const hash = (file: string): string => createHash('sha256').update(read(file)).digest('hex');

function build(): Map<string, string> {
  call('run', '--silent', 'build');
  return new Map(MADE.map((file) => [file, hash(`dist/${file}`)]));
}

const { name, version } = JSON.parse(read('package.json').toString());
if (!new RegExp(`^## \\[?${version.replaceAll('.', '\\.')}\\b`, 'm').test(read('CHANGELOG.md').toString())) {
  throw new Error(`CHANGELOG.md has no heading for ${version}`);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const [first, second] = [build(), build()];
const differ = MADE.filter((file) => first.get(file) !== second.get(file));
if (differ.length) throw new Error(`another build has another ${differ.join(', ')}`);

const { filename, size, unpackedSize, files } = pack(out);
const sbom = JSON.parse(call('sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'));
// npm calls it by the folder of the clone.
sbom.metadata.component.name = name;
writeFileSync(join(out, 'sbom.json'), JSON.stringify(sbom, null, 2));
writeFileSync(join(out, 'sha256.txt'), [...first].map(([file, sum]) => `${sum}  dist/${file}\n`).join(''));

console.log(`${filename}: ${files.length} files, ${size} bytes, ${unpackedSize} unpacked`);
console.log('two builds have the same bytes (sha256):');
for (const [file, sum] of first) console.log(`  ${sum}  ${file}`);
console.log(`core.wasm has ${read('dist/core.wasm').byteLength} bytes`);
console.log('npm publish build/publish/*.tgz --provenance, by the workflow "Publish"');
