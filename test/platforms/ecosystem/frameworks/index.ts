import type { Case } from '../case.ts';

/** Libraries that wrap, copy or freeze what a user keeps in them. */
const keeps = (tool: string): Case => ({
  tool,
  package: tool.toLowerCase(),
  needed: '–',
  args: [`${tool.toLowerCase()}.js`],
});

export const cases: readonly Case[] = [keeps('Vue'), keeps('MobX'), keeps('Immer')];
