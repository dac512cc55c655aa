import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './bundle.ts';
import { INSTALLED } from './runtimes.ts';

const run = promisify(execFile);

/** The path of a runtime's binary. Fetches it if it is not there yet, or not whole. */
export async function install(name: keyof typeof INSTALLED): Promise<string> {
  const { package: pkg, version } = INSTALLED[name];
  const folder = join(root, 'node_modules/.cache/runtimes', `${pkg}-${version}`);
  const binary = join(folder, 'node_modules/.bin', pkg);
  const works = async () => (await run(binary, ['--version'], { timeout: 20_000 })).stdout.includes(version);
  if (await works().catch(() => false)) return binary;
  mkdirSync(folder, { recursive: true });
  // Its install script puts the binary for this platform, a package too, in its place.
  const manifest = { private: true, dependencies: { [pkg]: version }, allowScripts: { [pkg]: true } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder, timeout: 300_000, env: outside() });
  if (!(await works())) throw new Error(`${binary} is not version ${version}`);
  return binary;
}

/** The environment without what `npm run` put there: it is another project that is installed. */
export function outside(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|command)/.test(name)),
  );
}
