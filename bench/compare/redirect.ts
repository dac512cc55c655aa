/**
 * Before all else in a process and each of its threads: `lockwork` is the build whose directory this module's URL names
 * (`redirect.ts?to=…`).
 */
import { registerHooks } from 'node:module';

const to = new URL(import.meta.url).searchParams.get('to')!;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'lockwork' ? { url: to, shortCircuit: true } : next(specifier, context),
});
