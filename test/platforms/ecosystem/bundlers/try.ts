/**
 * Builds the app of docs/browser.md, and lets Chromium show it: `node try.ts TOOL`, which is one of bundlers.ts.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../../runtimes/bundle.ts';
import { install } from '../../runtimes/install.ts';
import { BUNDLERS } from './bundlers.ts';
import { show } from './page.ts';
import { serveBy, serveFolder } from './server.ts';

/** How long a build may take (ms). */
const PATIENCE = 180_000;

const { runtime, build, serve } = BUNDLERS[process.argv[2]!]!;
const [program] = (build ?? serve!).split(' ');
const here = fileURLToPath(new URL('.', import.meta.url));
const cwd = join(here, program!);
const dist = join(cwd, 'dist');

const places = [join(here, 'node_modules/.bin'), process.env.PATH];
if (runtime) places.unshift(dirname(await install(runtime)));
process.env.PATH = places.join(delimiter);

mkdirSync(cwd, { recursive: true });
for (const made of [dist, join(cwd, '.next')]) rmSync(made, { recursive: true, force: true });
const documentation = readFileSync(join(root, 'docs/browser.md'), 'utf8');
for (const [file, fence] of Object.entries({
  'index.html': '```html\n<!-- index.html -->\n',
  'main.js': '```js page\n// main.js\n',
  'worker.js': '```js page\n// worker.js\n',
})) {
  writeFileSync(join(cwd, file), `${documentation.split(fence)[1]!.split('\n```')[0]}\n`);
}
// What is shown is the same; the worker, whose size is noted, has nothing of it.
appendFileSync(
  join(cwd, 'main.js'),
  `import { dump } from 'lockwork/inspect';\nif (dump().threads.length === 0) throw new Error('no thread is seen');\n`,
);

if (build) {
  const [command, ...args] = build.split(' ');
  await promisify(execFile)(command!, args, { cwd, timeout: PATIENCE });
}
if (!serve) cpSync(join(cwd, 'index.html'), join(dist, 'index.html'), { force: false });
await using server = serve ? await serveBy(serve, cwd) : await serveFolder(dist);
const { text, bytes } = await show(server.address);
if (text !== '100000') throw new Error(`the page shows ${text}`);
if (build) {
  if (bytes === Infinity) throw new Error("no script of the page has lockwork's core in it");
  console.log(`note: ${(bytes / 1000).toFixed(1)} kB`);
}
