/** `npx node test/support/wasm/build.ts`: compiles what is published and tested of C, with Debian's clang 14, beside its source. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function compiled(source: string): Buffer {
  const out = `${root}build/program.wasm`;
  execFileSync('sh', [`${root}examples/wasm/build.sh`, root + source, out], { stdio: 'inherit' });
  const bytes = readFileSync(out);
  rmSync(out);
  return bytes;
}

writeFileSync(`${root}examples/wasm/agency.wasm`, compiled('examples/wasm/agency.c'));

const text = compiled('test/support/wasm/program.c')
  .toString('base64')
  .replaceAll(/.{1,114}/g, "  '$&',\n");
const file = new URL('program.ts', import.meta.url);
writeFileSync(file, readFileSync(file, 'utf8').replace(/(?<=\[\n).*(?=\])/s, text));
