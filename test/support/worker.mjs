/** A test's thread: runs the functions it is sent, one after the other, with what they are sent attached. */
// First, so that a worker which the module under test stops has still been told apart from one that never came.
import './loaded.mjs';
import * as threading from 'lockwork';
import * as inspecting from 'lockwork/inspect';
import * as programs from 'lockwork/wasm';

// Node's way to the other side, or a page's.
const port = globalThis.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? globalThis;

port.addEventListener('message', ({ data: { id, source, args } }) => {
  Promise.resolve()
    // The function comes as text, so that a test reads as one piece: it sees its arguments and nothing else.
    // biome-ignore lint/security/noGlobalEval: its source is the test itself
    .then(() => globalThis.eval(`(${source})`)(attachAll(args), threading, inspecting, programs))
    .then(
      (value) => port.postMessage({ id, value }),
      (error) => port.postMessage({ id, error: { name: error?.name, message: error?.message ?? String(error) } }),
    );
});

/** Handles become what they name; everything else stays. */
function attachAll(value) {
  if (Array.isArray(value)) return value.map(attachAll);
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
  if ('kind' in value && 'memory' in value) return threading.attach(value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, attachAll(inner)]));
}
