/** lockwork/wasm: the primitives for programs that are WebAssembly themselves. Exports only. */

export { type Imports, type ImportsOptions, imports } from './imports.ts';
