/** V8's own Atomics.Mutex and Atomics.Condition, in a process of its own: the flag that brings them changes more. */
import { isMainThread } from 'node:worker_threads';
import { tally } from '../harness/counting.ts';
import { BATCH, blocking } from '../harness/loops.ts';
import { serve } from '../harness/serve.ts';
import { type Control, type Part, Threads } from '../harness/threads.ts';
import { type Ball, handoffs, PAUSE, play } from '../harness/turns.ts';

const { Mutex, Condition } = Atomics as unknown as {
  Mutex: { new (): object; lock(mutex: object, held: () => void): void };
  Condition: {
    new (): object;
    wait(condition: object, mutex: object): void;
    notify(condition: object, count: number): void;
  };
};

export const part: Part = (name, shared, side, control) => {
  if (name === 'contended') return contend(shared as Contended, control);
  return play(makeBall(shared as Shared, side), side, control, name === 'parked');
};

type Contended = [mutex: object, counter: Int32Array];

function contend([mutex, counter]: Contended, { stop }: Control): () => number {
  const count = (): void => {
    counter[0]!++;
  };
  return () => {
    let operations = 0;
    do {
      for (let i = 0; i < 100; i++) Mutex.lock(mutex, count);
      operations += 100;
    } while (!Atomics.load(stop, 0));
    return operations;
  };
}

type Shared = [mutex: object, condition: object, holder: Int32Array];

function makeBall([mutex, condition, holder]: Shared, side: number): Ball {
  const give = (): void => {
    holder[0] = 1 - side;
    Condition.notify(condition, 1);
  };
  const get = (): void => {
    while (holder[0] !== side) Condition.wait(condition, mutex);
  };
  return { pass: () => Mutex.lock(mutex, give), take: () => Mutex.lock(mutex, get) };
}

async function main(): Promise<void> {
  if (!Mutex) {
    console.error('this V8 has no Atomics.Mutex');
    process.exit(1);
  }
  const pair = new Threads(import.meta.url, 2);
  const counter = new Int32Array(new SharedArrayBuffer(64), 0, 1);
  const alone = new Mutex();
  const wanted: Contended = [new Mutex(), counter];
  const played: Shared = [new Mutex(), new Condition(), new Int32Array(new SharedArrayBuffer(4))];
  await serve(
    { version: `V8 ${process.versions.v8}` },
    {
      uncontended: blocking('', false, () => {
        for (let i = 0; i < BATCH; i++) Mutex.lock(alone, nothing);
      }).measure,
      async contended(window) {
        counter[0] = 0;
        const reports = await pair.run({ name: 'contended', shared: wanted }, window);
        return tally('Atomics.Mutex', reports, counter[0]!);
      },
      handoff: (window, pause) =>
        handoffs(pair, { name: pause === PAUSE ? 'parked' : 'handoff', shared: played }, window, pause),
    },
  );
}

function nothing(): void {}

// Its threads import this, too.
if (isMainThread) await main();
