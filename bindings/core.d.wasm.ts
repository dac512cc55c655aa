/** `lockwork/core.wasm`, the published core: what it is depends on what loads it, a URL, bytes or a module. */
declare const core: unknown;
export default core;
