/**
 * lockwork/wasm: the primitives for programs that are WebAssembly themselves. Exports only.
 *
 * @module lockwork/wasm
 */

export { type Imports, type ImportsOptions, imports } from './imports.ts';
