/** What the rivals import of Node, for a page: the only file that is read there is their module. */
import module from '../../build/bench.wasm';

export const readFileSync = () => module;
export const fileURLToPath = String;

const notHere = (): never => {
  throw new Error('there is no such thing in a page');
};

export { notHere as execFileSync, notHere as spawnSync, notHere as statSync };
