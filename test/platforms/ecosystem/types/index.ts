import type { Case } from '../case.ts';

/** Each with every way to find modules, with and without the DOM, and with Node's types of three ages. */
const typescript = (version: string): Case => ({
  tool: `TypeScript ${version}`,
  package: `typescript-${version}`,
  needed: '`lib`: `es2022`, `module`: any that knows `exports`',
  args: ['check.js', version],
  // One Node tells all: it only starts the compiler.
  since: 26,
  bound: 300_000,
});

export const cases: readonly Case[] = [typescript('5.4'), typescript('5.9'), typescript('7')];
