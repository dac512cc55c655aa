/** Dumps at full speed, of an arena in which threads begin, end and are terminated, and primitives come and go. */
import * as threading from 'lockwork';
import { activeCount, type Dump, dump, enumerate, findDeadlocks, formatDump } from 'lockwork/inspect';
import { expect, it } from 'vitest';
import { mortal } from '../support/mortal.ts';
import type { Thread } from '../support/spawn.ts';
import { PATIENCE, until } from '../support/threads.ts';

const { Arena, Barrier, Condition, Event, Lock, RLock, Semaphore } = threading;

/** How many live at a time, and how many are terminated. */
const THREADS = 3;
const KILLS = 12;
/** So many turns of theirs, at the least, are between two deaths. */
const TURNS = 60;

type Shared = ReturnType<typeof share>;

function share() {
  const arena = new Arena();
  const lock = (name: string) => new Lock({ arena, name, abandoned: 'release' });
  return {
    arena,
    first: lock('first'),
    second: lock('second'),
    rlock: new RLock({ arena, name: 'r', abandoned: 'release' }),
    semaphore: new Semaphore(2, { arena, name: 's' }),
    event: new Event({ arena, name: 'e' }),
    barrier: new Barrier(2, { arena, name: 'b' }),
    condition: new Condition(new Lock({ arena, abandoned: 'release' }), { arena, name: 'c' }),
    /** How many turns were made. */
    turns: threading.Arena.default.allocate(Int32Array, 1),
  };
}

/** What a thread does until it is terminated. Travels as text. */
async function live(shared: Shared, { currentThread, Lock, Semaphore }: typeof threading): Promise<void> {
  const { arena, first, second, rlock, semaphore, event, barrier, condition, turns } = shared;
  const dice = (sides: number) => Math.floor(Math.random() * sides);
  const attempt = (call: () => unknown) => {
    try {
      call();
    } catch {
      // Out of time, broken, in use: all of it is to happen.
    }
  };
  // Else those that are held are more and more, and so is what a dump says.
  const held = async (taken: Promise<boolean>, lock: threading.Lock) => {
    if (await taken.catch(() => false)) attempt(() => lock.release());
  };
  const names = ['', 'é'.repeat(30), 'booker', '😀'.repeat(40)];
  for (;;) {
    currentThread(arena).name = names[dice(4)]!;
    const own = new Lock({ arena, name: 'n'.repeat(dice(200)) });
    const permits = new Semaphore(1, { arena, name: 'short' });
    own.acquire();
    for (let count = dice(3); count > 0; count--) void held(own.acquireAsync({ timeout: dice(3) }), own);
    attempt(() => permits.hold(1).release());
    // In one order, so that nobody waits for ever; the first is free again before the second.
    first.acquire();
    second.acquire();
    first.release();
    second.release();
    attempt(() => rlock.with(() => rlock.with(() => event.wait(dice(2)))));
    attempt(() => semaphore.hold(dice(3) + 1).release());
    attempt(() => barrier.wait(dice(2)));
    if (barrier.broken) attempt(() => barrier.reset());
    attempt(() => condition.with(() => condition.wait(dice(2))));
    condition.with(() => condition.notify(dice(3)));
    if (dice(2)) event.set();
    else event.clear();
    own.release();
    // Tasks come to their ends, or the lock is in use.
    if (dice(2)) await new Promise((resolve) => setTimeout(resolve, dice(4)));
    attempt(() => own.destroy());
    attempt(() => permits.destroy());
    Atomics.add(turns, 0, 1);
  }
}

const KINDS = ['Lock', 'RLock', 'Semaphore', 'BoundedSemaphore', 'Event', 'Barrier', 'Condition'];

/** What is wrong with a dump, whatever the threads do. */
function flaws({ threads, primitives, deadlocks }: Dump): string[] {
  const wrong: string[] = [];
  const check = (right: boolean, what: unknown) => {
    if (!right) wrong.push(JSON.stringify(what));
  };
  const count = (number: number, least: number) => Number.isInteger(number) && number >= least;
  const primitive = ({ kind, name, ident }: (typeof primitives)[number] | Dump['threads'][number]['holds'][number]) =>
    KINDS.includes(kind) && typeof name === 'string' && count(ident, 64) && ident % 64 === 0;
  for (const thread of threads) {
    const { name, id, ident, where, state, waitsFor, holds, tasks, stack } = thread;
    check(typeof name === 'string' && name !== '' && typeof where === 'string', thread);
    check(count(id, -1) && count(ident, 64), thread);
    check(state === (waitsFor ? 'blocked' : 'runs') && (!waitsFor || primitive(waitsFor as never)), thread);
    check(stack === undefined || (stack !== '' && waitsFor !== undefined), thread);
    for (const hold of holds) check(primitive(hold) && count(hold.count, 1), thread);
    for (const task of tasks) check(primitive(task as never) && count(task.waits, 1), thread);
  }
  for (const each of primitives) {
    check(primitive(each) && count(each.waiters, 0), each);
    check(each.value === undefined || count(each.value, 0), each);
    check(each.owner === undefined || (count(each.owner, 64) && each.held === true), each);
  }
  for (const idents of [threads, primitives].map((all) => all.map(({ ident }) => ident))) {
    check(new Set(idents).size === idents.length, idents);
  }
  check(threads.filter(({ self }) => self).length === 1, threads);
  for (const { text, threads, primitives } of deadlocks) {
    check(typeof text === 'string' && threads.length > 0 && threads.length === primitives.length, text);
  }
  return wrong;
}

it('are well-formed, and never throw', { timeout: 120_000 }, async () => {
  const shared = share();
  const { arena, turns } = shared;
  const begin = () => mortal(shared, live);
  const living: Thread[] = Array.from({ length: THREADS }, begin);
  const made = () => Atomics.load(turns, 0);
  const bound = performance.now() + 100_000;
  let dumps = 0;
  const look = () => {
    dumps++;
    const seen = dump(arena);
    expect(flaws(seen)).toEqual([]);
    expect(formatDump(seen)).toContain('(this one)');
    expect(enumerate(arena).length).toBeGreaterThan(0);
    expect(activeCount(arena)).toBeGreaterThan(0);
    expect(Array.isArray(findDeadlocks(arena))).toBe(true);
  };
  for (let kills = 0; kills < KILLS; kills++) {
    const before = made();
    while (made() < before + TURNS) {
      for (let count = 0; count < 20; count++) look();
      // One that has used up its tickets is found by this alone, in a page.
      threading.reap(arena);
      if (performance.now() > bound) throw new Error(`not within 100 s: ${KILLS} kills\n${formatDump(dump(arena))}`);
      await new Promise((resolve) => setTimeout(resolve));
    }
    const victim = living.shift()!;
    const end = Promise.resolve(victim.terminate());
    // While it dies.
    for (let count = 0; count < 20; count++) look();
    await end;
    living.push(begin());
  }
  const last = living.map((thread) => thread.terminate());
  await Promise.all(last);
  // All of them are found dead; what is left is this thread.
  const alone = () => {
    look();
    threading.reap(arena);
    return activeCount(arena) === 1;
  };
  await until(alone, 'only this thread is left', PATIENCE, arena);
  expect(dump(arena).threads).toMatchObject([{ self: true, state: 'runs', holds: [], tasks: [] }]);
  expect(dumps).toBeGreaterThan(20 * KILLS);
});
