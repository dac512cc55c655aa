/**
 * Builds the site into build/site/: the reference out of the sources, then the pages.
 *
 *   npm run docs
 *   npm run docs -- dev    serves it instead, and shows at once what is changed in a page
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installTools } from '../../test/platforms/ecosystem/tools.ts';

const docs = fileURLToPath(new URL('..', import.meta.url));

function run(program: string, ...args: string[]): void {
  const file = join(docs, 'node_modules', program);
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: docs, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

await installTools(docs);
run('typedoc/bin/typedoc', '--options', 'typedoc.config.js');
run('vitepress/bin/vitepress.js', process.argv[2] ?? 'build', '.');
