/** Before the tests: every browser is there, or is installed, or the run ends with what to do about it. */
import { spawnSync } from 'node:child_process';
import { advice, find, NAMES, onPath, packages } from './find.ts';

const missing = () => NAMES.filter((name) => !find(name));

if (missing().length && onPath('apt-get')) installPackages(packages(missing()));

const names = missing();
if (names.length) {
  console.error(`\n${advice(names)}\n`);
  process.exit(1);
}

/** Debian's, as root or as a user that may become root without a password. */
function installPackages(wanted: string[]): void {
  const root = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  console.log(`installing ${wanted.join(' ')}`);
  for (const step of [['update'], ['install', '--yes', '--no-install-recommends', ...wanted]]) {
    const [command, ...args] = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...step];
    const { status, error } = spawnSync(command!, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 });
    if (error) console.error(`${command}: ${error.message}`);
    if (status !== 0) return;
  }
}
