/**
 * Before all else in a process and each of its threads: `lockwork` and `lockwork/wasm` are those of the build whose `index.js` this
 * module's URL names (`redirect.ts?to=…`).
 */
import { registerHooks } from 'node:module';

const to = new URL(import.meta.url).searchParams.get('to')!;

const entries = new Map([
  ['lockwork', to],
  ['lockwork/wasm', new URL('wasm.js', to).href],
]);

registerHooks({
  resolve(specifier, context, next) {
    const url = entries.get(specifier);
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});
