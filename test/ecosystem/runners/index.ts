import type { Case } from '../case.ts';

const JEST = ['../node_modules/jest/bin/jest.js', '--runInBand'];
const VM_MODULES = '--experimental-vm-modules';

const vitest = (pool: string): Case => ({
  tool: `Vitest (${pool})`,
  package: 'vitest',
  needed: '–',
  args: ['../node_modules/vitest/vitest.mjs', 'run', `--pool=${pool}`],
  since: 22,
});

export const cases: readonly Case[] = [
  {
    tool: 'Jest (CommonJS)',
    package: 'jest',
    needed: '–',
    args: [...JEST, '--config=jest.transformed.config.js'],
  },
  { tool: 'Jest (ESM)', package: 'jest', needed: `\`node ${VM_MODULES}\``, args: [VM_MODULES, ...JEST] },
  ...['forks', 'threads', 'vmThreads', 'vmForks'].map(vitest),
  {
    tool: 'Mocha',
    package: 'mocha',
    needed: '–',
    args: ['../node_modules/mocha/bin/mocha.js', '--ui=tdd', '--import=./globals.js', '*.test.{js,cjs}'],
  },
  {
    tool: 'node:test',
    package: 'node',
    needed: '–',
    args: ['--import=./globals-node.js', '--test'],
  },
];
