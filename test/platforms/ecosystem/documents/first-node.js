/** The first program of README in a folder of its own, with the packed package: `node first-node.js JavaScript|TypeScript`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snippetsOf } from './snippets.js';
import { call, install, newFolder, tarball } from './workplace.js';

const folder = newFolder();
const [{ code }] = snippetsOf('README.md').filter(({ fence }) => fence === 'js');
call(folder, 'npm', 'init', '--yes');
install(folder, tarball);

let file = 'main.mjs';
if (process.argv[2] === 'TypeScript') {
  file = 'main.mts';
  const { devDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  install(folder, `typescript@${devDependencies['typescript-7'].split('@').at(-1)}`);
  install(folder, `@types/node@${devDependencies['@types/node-26'].split('@').at(-1)}`);
  writeFileSync(join(folder, file), code);
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  call(folder, join(folder, 'node_modules/.bin/tsc'), ...options, file);
} else writeFileSync(join(folder, file), code);

const printed = call(folder, process.execPath, file).trim();
if (printed !== '400000') throw new Error(`it printed ${printed}`);
