import type { Scenario } from '../scenario.ts';

export const lock: readonly Scenario[] = [
  {
    primitive: 'Lock',
    name: 'a task in each of two threads',
    share: ({ Lock }, options) => ({ lock: new Lock(options) }),
    threads: {
      A: [
        async ({ lock }, t) => {
          await lock.acquireAsync();
          t.enter();
          await t.turn();
          t.leave();
          lock.release();
        },
      ],
      B: [
        async ({ lock }, t) => {
          await lock.acquireAsync();
          t.enter();
          await t.turn();
          t.leave();
          lock.release();
        },
      ],
    },
  },
];
