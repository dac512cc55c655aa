/** What the rivals import of Node and of files, for a page: the only files that are read there are their modules. */
import module from '../../build/bench.wasm';
import program from '../../build/bench-program.wasm';

export const readFileSync = (path: string) => (path.endsWith('program.wasm') ? program : module);
export const fileURLToPath = String;
export const path = String;

const notHere = (): never => {
  throw new Error('there is no such thing in a page');
};

export { notHere as execFileSync, notHere as isNewer, notHere as spawnSync, notHere as statSync };
