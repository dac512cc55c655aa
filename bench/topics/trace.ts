/** What a trace costs: while it is off, and while it is on. */
import { Lock } from 'lockwork';
import { type TraceOptions, trace } from 'lockwork/inspect';
import { atMost } from '../harness/claims.ts';
import { BATCH, blocking } from '../harness/loops.ts';
import { copy, type Rival, repeat } from '../harness/rival.ts';
import type { Topic } from '../harness/topic.ts';

const NEVER = 'never traced';
const OFF = 'trace(false)';

const pairs = (it: Lock, times: number) => () => {
  for (let i = 0; i < times; i++) {
    it.acquire();
    it.release();
  }
};

const tasks = (it: Lock, times: number) => async () => {
  for (let i = 0; i < times; i++) {
    await it.acquireAsync();
    it.release();
  }
};

/** The same, while this thread is traced, or has been. */
function traced(on: boolean | TraceOptions, rival: Rival): Rival {
  return {
    ...rival,
    async measure(window) {
      trace(true);
      trace(on);
      try {
        return await rival.measure(window);
      } finally {
        trace(false);
      }
    },
  };
}

function topic(name: string, title: string, rival: (name: string, lock: Lock) => Rival): Topic {
  return {
    name,
    title: `A Lock that nobody else wants, with a trace of its thread: ns for ${title}`,
    baseline: NEVER,
    claims: [
      atMost(1.1, {
        ours: OFF,
        theirs: NEVER,
        text: `${title}: after trace(false) at most 1.1 times as long as if it had never been on`,
      }),
    ],
    async open() {
      // A copy of the package, of which no trace knows.
      const never = (await import(`${import.meta.resolve('lockwork')}?never`)) as { Lock: typeof Lock };
      return {
        rivals: [
          rival(NEVER, new never.Lock()),
          traced(false, rival(OFF, new Lock())),
          traced({ stacks: false }, rival('trace({ stacks: false })', new Lock())),
          traced(true, rival('trace(true)', new Lock())),
        ],
      };
    },
  };
}

// Two topics: from the first task on, blocking calls look whether one waits.
export const tracing: Topic[] = [
  topic('trace:blocking', 'acquire and release', (name, lock) => blocking(name, true, copy(pairs)(lock, BATCH))),
  topic('trace:async', 'acquireAsync and release', (name, lock) => repeat(name, true, BATCH, copy(tasks)(lock, BATCH))),
];
