import type { Case } from '../case.ts';
import { BUNDLERS } from './bundlers.ts';

export const cases: readonly Case[] = Object.entries(BUNDLERS).map(([tool, { package: name, needed }]) => ({
  tool,
  package: name,
  needed,
  args: ['try.ts', tool],
  since: 26,
  bound: 300_000,
}));
