/** The first page of README in Vite's template, with the packed package: `node first-page.js JavaScript|TypeScript`. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { show } from '../bundlers/page.ts';
import { serveBy } from '../bundlers/server.ts';
import { snippetsOf } from './snippets.js';
import { call, install, newFolder, tarball } from './workplace.js';

const typescript = process.argv[2] === 'TypeScript';
const folder = newFolder();
const template = typescript ? 'vanilla-ts' : 'vanilla';
const create = fileURLToPath(import.meta.resolve('create-vite/index.js'));
call(folder, process.execPath, create, 'app', '--template', template, '--no-interactive');
const app = join(folder, 'app');
install(app);
install(app, tarball);

for (const { fence, name, code } of snippetsOf('README.md')) {
  if (fence === 'js config') writeFileSync(join(app, name), code);
  if (fence !== 'js page') continue;
  const file = join(app, 'src', name);
  if (typescript) {
    rmSync(file, { force: true });
    // As README says: the files are .ts, and the first one names the other.
    writeFileSync(file.replace(/\.js$/, '.ts'), code.replace("'./worker.js'", "'./worker.ts'"));
  } else writeFileSync(file, code);
}
if (typescript) call(app, join(app, 'node_modules/.bin/tsc'), '--strict');
call(app, 'npm', 'run', 'build');
process.env.PATH = `${join(app, 'node_modules/.bin')}:${process.env.PATH}`;
await using server = await serveBy('vite preview --port 0', app);
const { text } = await show(server.address);
if (!text.includes('100000')) throw new Error(`the page shows ${text}`);
