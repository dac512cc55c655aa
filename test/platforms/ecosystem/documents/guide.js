/** Runs a program of the guide as it stands there: `node guide.js PAGE FILE`. What it prints is in the comment behind console.log. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { snippetsOf } from './snippets.js';

const [page, main] = process.argv.slice(2);
const folder = fileURLToPath(new URL(`out/${main}`, import.meta.url));
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/package.json`, '{ "type": "module" }');

const files = snippetsOf(`docs/${page}`).filter(({ fence, name }) => fence === 'js pool' && name);
for (const { name, code } of files) writeFileSync(`${folder}/${name}`, code);
const { code } = files.find(({ name }) => name === main);

if (main.endsWith('.test.js')) {
  const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
  execFileSync(process.execPath, [vitest, 'run', '--root', folder], { stdio: 'inherit' });
} else {
  const [, told] = /console\.log\(.*; \/\/ ([^:\n]*)/.exec(code);
  const printed = execFileSync(process.execPath, [`${folder}/${main}`], { encoding: 'utf8' }).trim();
  if (printed !== told) throw new Error(`it printed ${printed}, not ${told}`);
}
