/** Before the tests: every browser is there, or is installed, or the run ends with what to do about it. */
import { installPackages } from '../apt.ts';
import { advice, find, NAMES, onPath, packages } from './find.ts';

const missing = () => NAMES.filter((name) => !find(name));

if (missing().length && onPath('apt-get')) installPackages(packages(missing()));

const names = missing();
if (names.length) {
  console.error(`\n${advice(names)}\n`);
  process.exit(1);
}
