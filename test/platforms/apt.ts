import { spawnSync } from 'node:child_process';

/** Debian's, as root or as a user that may become root without a password. */
export function installPackages(wanted: string[]): void {
  const root = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  console.log(`installing ${wanted.join(' ')}`);
  for (const step of [['update'], ['install', '--yes', '--no-install-recommends', ...wanted]]) {
    const [command, ...args] = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...step];
    const { status, error } = spawnSync(command!, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 });
    if (error) console.error(`${command}: ${error.message}`);
    if (status !== 0) return;
  }
}
