/** The same in a page's main thread, which may not block, beside workers of it. */
import '../../behaviour/wasm.test.ts';
import '../../stress/programs.test.ts';
