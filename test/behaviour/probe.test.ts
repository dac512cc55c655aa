/** How a death is told: a thread that is taken for dead writes no more, and none is that still may. */
import { Arena, Event, Lock, reap } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { reapAll } from '../../bindings/reap.ts';
import { threadArenaOf } from '../support/dead.ts';
import { mortal } from '../support/mortal.ts';
import { PATIENCE, until } from '../support/threads.ts';
import { turn } from '../support/waits.ts';

/** How many threads die of each state; 100 are a proof. */
const PROBES = Number(globalThis.process?.env.LOCKWORK_PROBES ?? 5);
/** So many at a time: a browser may take two seconds for one. */
const LANES = Math.min(PROBES, 5);

interface Victim {
  lock: Lock;
  /** Set: it may end. Cleared again: it does. */
  event: Event;
  /** How often it has written. */
  writes: Int32Array;
  /** How often it has been looked for since it was told to end. */
  looks: Int32Array;
}

/** What a thread does until it is terminated. Travels as text. */
const STATES: Record<string, (victim: Victim) => unknown> = {
  'is idle': ({ lock, writes }) => {
    lock.acquire();
    setInterval(() => Atomics.add(writes, 0, 1));
  },
  'is blocked by Atomics.wait': ({ lock, writes }) => {
    lock.acquire();
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      Atomics.add(writes, 0, 1);
      Atomics.wait(nothing, 0, 0, 2);
    }
  },
  'is blocked by a primitive': ({ lock, event, writes }) => {
    lock.acquire();
    for (;;) {
      Atomics.add(writes, 0, 1);
      event.wait(2);
    }
  },
  computes: ({ lock, writes }) => {
    lock.acquire();
    for (;;) Atomics.add(writes, 0, 1);
  },
};

/** How a thread ends by itself, and writes on. */
const ENDS = globalThis.process
  ? ['calls process.exit', 'has an uncaught error', 'has nothing left to do']
  : ['closes itself'];

function end({ lock, event, writes, looks, how }: Victim & { how: string }): void {
  const { process } = globalThis;
  const writeOn = () => {
    event.clear();
    while (Atomics.load(looks, 0) < 20) Atomics.add(writes, 0, 1);
  };
  // Or it would give its lock back by itself, and nobody be asked.
  process?.removeAllListeners('exit').once('exit', writeOn);
  lock.acquire();
  while (!event.isSet) Atomics.add(writes, 0, 1);
  if (how === 'closes itself') {
    globalThis.close();
    writeOn();
  } else if (how === 'calls process.exit') process.exit();
  else if (how === 'has an uncaught error') {
    setTimeout(() => {
      throw new Error('the thread fails');
    });
  } else process.getBuiltinModule('node:worker_threads').parentPort!.unref();
}

/** Firefox drops what proves that a worker lives when that calls `close()`, though its task goes on: docs/death.md. */
const early = (how: string) => how === 'closes itself' && navigator.userAgent.includes('Firefox');

/** All that die in one state, some at a time. Each lane has an arena, so that none uses up the tickets of another's. */
async function probe(start: (victim: Victim) => ReturnType<typeof mortal>, how = ''): Promise<void> {
  let left = PROBES;
  const lane = async () => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const lock = new Lock({ arena });
    const event = new Event({ arena });
    const [writes, looks] = [arena.allocate(Int32Array, 1), arena.allocate(Int32Array, 1)];
    const written = () => Atomics.load(writes, 0);
    const state = (is: () => boolean, what: string) => until(is, what, PATIENCE, arena);
    while (left-- > 0) {
      let last = written();
      Atomics.store(looks, 0, 0);
      const victim = start({ lock, event, writes, looks });
      await state(() => lock.locked && written() !== last, 'a thread holds the lock, and writes');
      expect([reap(arena), reap(arena), lock.abandoned]).toEqual([0, 0, false]);
      if (how) {
        event.set();
        await state(() => !event.isSet, 'it ends');
      } else void victim.terminate();
      // A moment at which it is asked whatever that costs, since it may be the one between its end and its last write.
      const moment = Math.floor(Math.random() * 16);
      await state(() => {
        if (Atomics.add(looks, 0, 1) === moment) reapAll(threadArenaOf(arena), 'hint');
        else reap(arena);
        last = written();
        return lock.abandoned;
      }, 'it is found dead');
      if (early(how)) await state(() => written() !== last, 'it writes all the same');
      else {
        for (let turns = 0; turns < 20; turns++) {
          await turn();
          expect(written() - last, 'writes after its death').toBe(0);
        }
      }
      await victim.terminate();
      lock.recover(() => {});
    }
    for (const words of [writes, looks]) arena.free(words);
    for (const primitive of [event, lock]) primitive.destroy();
    arena.destroy();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

describe(`${PROBES} threads are not found dead before they have written for the last time`, {
  timeout: 30_000 + (PATIENCE * PROBES) / LANES,
}, () => {
  it.each(Object.entries(STATES))('when each %s and is terminated', async (_state, act) => {
    await probe((victim) => mortal(victim, act));
  });

  it.each(ENDS)('when each %s', async (how) => {
    await probe((victim) => mortal({ ...victim, how }, end), how);
  });
});
