/** What a trace costs: while it is off, and while it is on. */
import { Lock } from 'lockwork';
import { type TraceOptions, trace } from 'lockwork/inspect';
import { atMost } from '../harness/claims.ts';
import { BATCH } from '../harness/loops.ts';
import { copy } from '../harness/rival.ts';
import { type Part, Threads } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';

const NEVER = 'never traced';
const OFF = 'trace(false)';

/** What is on while a rival is measured. */
const TRACES: Readonly<Record<string, boolean | TraceOptions | undefined>> = {
  [NEVER]: undefined,
  [OFF]: false,
  'trace({ stacks: false })': { stacks: false },
  'trace(true)': true,
};

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

type Kind = 'blocking' | 'async';
const LOOPS: Readonly<Record<Kind, (it: Lock, times: number) => () => unknown>> = { blocking: pairs, async: tasks };

/** In a thread of its own, which has used no primitive before: what V8 has seen of them in other topics costs, too. */
export const part: Part = async (name, kind, _side, { stop }) => {
  // A copy of the package, of which no trace knows.
  const never = (await import(`${import.meta.resolve('lockwork')}?never`)) as { Lock: typeof Lock };
  const on = TRACES[name];
  const batch = copy(LOOPS[kind as Kind])(on === undefined ? new never.Lock() : new Lock(), BATCH);
  return async () => {
    if (on !== undefined) {
      trace(true);
      trace(on);
    }
    let operations = 0;
    try {
      do {
        // A loop that awaits nothing must not wait for a turn.
        const done = batch();
        if (done instanceof Promise) await done;
        operations += BATCH;
      } while (!Atomics.load(stop, 0));
    } finally {
      trace(false);
    }
    return operations;
  };
};

function topic(kind: Kind, title: string): Topic {
  return {
    name: `trace:${kind}`,
    title: `A Lock that nobody else wants, with a trace of its thread: ns for ${title}`,
    baseline: NEVER,
    claims: [
      atMost(1.1, {
        ours: OFF,
        theirs: NEVER,
        text: `${title}: after trace(false) at most 1.1 times as long as if it had never been on`,
      }),
    ],
    open() {
      const threads = new Threads(import.meta.url, 1);
      return {
        rivals: Object.keys(TRACES).map((name) => ({
          name,
          ours: true,
          async measure(window) {
            const [report] = await threads.run({ name, shared: kind }, window);
            return { ns: (report!.milliseconds * 1e6) / report!.operations };
          },
        })),
        close: () => threads.close(),
      };
    },
  };
}

// Two topics: from the first task on, blocking calls look whether one waits.
export const tracing: Topic[] = [topic('blocking', 'acquire and release'), topic('async', 'acquireAsync and release')];
