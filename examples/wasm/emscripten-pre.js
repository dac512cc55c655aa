// Emscripten's --pre-js for a program with threads: its memory, an arena below its data, and what it imports. In Node.
//
//   emcc program.cpp -pthread -I node_modules/lockwork/include --pre-js emscripten-pre.js -sGLOBAL_BASE=65536 \
//     -sINITIAL_MEMORY=16777216 -sPTHREAD_POOL_SIZE=4 -sERROR_ON_UNDEFINED_SYMBOLS=0 -o program.js
{
  const { Arena } = require('lockwork');
  const { imports } = require('lockwork/wasm');
  const BELOW = { byteOffset: 1_024, byteLength: 64_512 };

  let arena;
  if (Module.wasmMemory) {
    // Another thread of the program, which has the memory, and no handle.
    arena = Arena.at(Module.wasmMemory, BELOW.byteOffset);
  } else {
    Module.wasmMemory = new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true });
    arena = new Arena({ memory: Module.wasmMemory, ...BELOW });
  }
  // JavaScript makes primitives of its own in it.
  Module.arena = arena;

  const instantiate = Module.instantiateWasm;
  Module.instantiateWasm = (info, receive) => {
    info.lockwork = imports(arena).lockwork;
    if (instantiate) return instantiate(info, receive);
    const bytes = require('node:fs').readFileSync(__filename.replace(/\.js$/, '.wasm'));
    WebAssembly.instantiate(bytes, info).then(({ instance, module }) => receive(instance, module));
    return {};
  };
}
