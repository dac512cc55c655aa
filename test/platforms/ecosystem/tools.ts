/** The tools, and lockwork among them as npm would publish it. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pack } from '../../../.ci/package.ts';
import { root } from '../runtimes/bundle.ts';
import { outside } from '../runtimes/install.ts';
import { INSTALLED } from '../runtimes/runtimes.ts';

export const folder = join(root, 'test/platforms/ecosystem');
const modules = join(folder, 'node_modules');
const execute = promisify(execFile);
const npm = (cwd: string, ...args: string[]) => execute('npm', args, { cwd, timeout: 600_000, env: outside() });

/** Installs the tools of these groups unless they are there, and the package of the built tree beside them. */
export async function prepare(groups: Iterable<string>): Promise<void> {
  await installTools(folder);
  for (const group of groups) await installTools(join(folder, group));
  const outdir = join(root, 'build/ecosystem');
  const lockwork = join(modules, 'lockwork');
  rmSync(lockwork, { recursive: true, force: true });
  for (const made of [outdir, lockwork]) mkdirSync(made, { recursive: true });
  const { filename } = pack(outdir);
  await execute('tar', ['-xzf', join(outdir, filename), '-C', lockwork, '--strip-components=1']);
}

/** Those of a folder, if it has some of its own. */
export async function installTools(cwd: string): Promise<void> {
  const lock = join(cwd, 'package-lock.json');
  // What was installed last; npm's own record of it is not a copy.
  const installed = join(cwd, 'node_modules/.installed.json');
  const text = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  if (text(installed) === text(lock)) return;
  await npm(cwd, 'ci', '--no-audit', '--no-fund');
  copyFileSync(lock, installed);
}

/** The version that is installed, of a runtime: that would be; nothing when the package is missing. */
export function versionOf(name: string, group: string): string | undefined {
  const manifest = [join(folder, group, 'node_modules'), modules]
    .map((place) => join(place, name, 'package.json'))
    .find((file) => existsSync(file));
  if (manifest) return JSON.parse(readFileSync(manifest, 'utf8')).version;
  return Object.values(INSTALLED).find((runtime) => runtime.package === name)?.version;
}
