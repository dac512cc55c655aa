import { decode } from './core-text.ts';
import { workerThreads } from './host.ts';

/**
 * A module that is text in the package, compiled synchronously: a few kilobytes take well under a millisecond. Node's threads
 * take over what their makers have compiled. By the text, since copies of the package may have different cores.
 */
export function compile(text: string): WebAssembly.Module {
  const inherited = workerThreads?.getEnvironmentData(text) as WebAssembly.Module | undefined;
  if (inherited) return inherited;
  const module = new WebAssembly.Module(decode(text));
  workerThreads?.setEnvironmentData(text, module);
  return module;
}
