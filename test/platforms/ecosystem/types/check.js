/** Compiles the consumers with one version of TypeScript, in every setting. */
import { spawn } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

const [version] = process.argv.slice(2);
const modules = join(import.meta.dirname, '../node_modules');
const projects = join(import.meta.dirname, '../../../../build/ecosystem', `types-${version}`);
// What each way to find modules goes with.
const MODULES = { node16: 'node16', nodenext: 'nodenext', bundler: 'esnext' };
const LIBS = [['es2022'], ['es2022', 'dom']];
/** Of Node. Those of 26 are for TypeScript 5.6 and newer. */
const TYPES = ['none', 'node-20', ...(version === '5.4' ? [] : ['node-26'])];

/** A project with nothing else beside it: compilers look for types in every folder above. */
function make(types) {
  const project = join(projects, types);
  const copy = (from, to) => cpSync(from, join(project, to), { recursive: true, dereference: true });
  copy(join(import.meta.dirname, 'consumers'), '.');
  copy(join(modules, 'lockwork'), 'node_modules/lockwork');
  // A package of its own: in that of the clone, 'lockwork' would be what is built there.
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  if (types === 'none') return;
  const node = join(modules, '@types', types);
  copy(node, 'node_modules/@types/node');
  const undici = createRequire(join(node, 'package.json')).resolve('undici-types/package.json');
  copy(dirname(undici), 'node_modules/undici-types');
}

const settings = TYPES.flatMap((types) =>
  LIBS.flatMap((lib) =>
    Object.entries(MODULES).map(([moduleResolution, module]) => ({ types, lib, moduleResolution, module })),
  ),
);

/** What the compiler says. */
function compile({ types, lib, moduleResolution, module }) {
  const project = join(projects, types, `${moduleResolution}-${lib.join('-')}.json`);
  const files = ['uses.ts', 'common.cts'];
  if (types !== 'none' || lib.includes('dom')) files.push('platform.ts');
  // Typed arrays are generic since TypeScript 5.7.
  if (version !== '5.4') files.push('arrays.ts');
  const compilerOptions = {
    types: types === 'none' ? [] : ['node'],
    lib,
    moduleResolution,
    module,
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(project, JSON.stringify({ compilerOptions, files }));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(modules, `typescript-${version}/bin/tsc`), '-p', project]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text;
      });
    }
    child.on('close', (code) => resolve(code === 0 ? '' : `${output}it ended with ${code}`));
  });
}

rmSync(projects, { recursive: true, force: true });
for (const types of TYPES) make(types);
console.log(`TypeScript ${version}, ${settings.length} settings`);

/** Takes one setting after the other. */
async function work() {
  for (let setting = settings.shift(); setting; setting = settings.shift()) {
    const failure = await compile(setting);
    if (!failure) continue;
    process.exitCode = 1;
    console.log(`${JSON.stringify(setting)}:\n${failure}`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
