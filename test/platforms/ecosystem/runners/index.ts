import type { Case } from '../case.ts';

const JEST = '../node_modules/jest/bin/jest.js';
const VM_MODULES = '--experimental-vm-modules';

const vitest = (...options: string[]): Case => ({
  tool: `Vitest (${options.join(', ')})`,
  package: 'vitest',
  needed: '–',
  args: ['../node_modules/vitest/vitest.mjs', 'run', ...options.map((option) => `--${option}`)],
  since: 22,
});

export const cases: readonly Case[] = [
  {
    tool: 'Jest (CommonJS)',
    package: 'jest',
    needed: '–',
    args: [JEST, '--runInBand', '--config=jest.babel.config.js'],
  },
  {
    tool: 'Jest (ESM)',
    package: 'jest',
    needed: `\`node ${VM_MODULES}\``,
    args: [VM_MODULES, JEST, '--runInBand'],
  },
  {
    tool: 'Jest (ESM, threads)',
    package: 'jest',
    needed: `\`node ${VM_MODULES}\`, \`workerThreads: true\``,
    // With a limit, however large, Jest does not take quick tests to itself.
    args: [VM_MODULES, JEST, '--workerThreads', '--maxWorkers=2', '--workerIdleMemoryLimit=4GB'],
  },
  vitest('pool=forks'),
  vitest('pool=threads'),
  vitest('pool=threads', 'no-isolate'),
  vitest('pool=vmThreads'),
  vitest('pool=vmForks'),
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
  {
    tool: 'node:test (one process)',
    package: 'node',
    needed: '`--test-isolation=none`',
    args: ['--import=./globals-node.js', '--test', '--test-isolation=none'],
    since: 24,
  },
];
