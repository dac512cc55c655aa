/** Before the tests: the compilers for programs in C and C++ are there, or are installed, or the run ends with what to do about it. */
import { installPackages } from '../apt.ts';
import { onPath } from '../browsers/find.ts';

/** By the package of Debian that brings it. */
const TOOLS = { clang: 'clang', lld: 'wasm-ld', emscripten: 'emcc' };

const missing = () => Object.entries(TOOLS).flatMap(([name, command]) => (onPath(command) ? [] : name));

if (missing().length && onPath('apt-get')) installPackages(missing());

if (missing().length) {
  console.error(
    `\nThe tests compile programs in C and C++ to WebAssembly, and miss ${missing().join(', ')}. Debian and Ubuntu: apt-get install ${missing().join(' ')}. macOS: brew install llvm lld emscripten, with llvm's bin on the PATH\n`,
  );
  process.exit(1);
}
