import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { type TraceMessage, type TraceWarning, trace, traceEvents } from 'lockwork/inspect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doing } from '../support/perfetto.ts';
import { thread, until } from '../support/threads.ts';

const listening: (() => void)[] = [];

function listen(name: string, listener: (message: never) => void): void {
  const heard = (message: unknown): void => listener(message as never);
  subscribe(`lockwork.${name}`, heard);
  listening.push(() => unsubscribe(`lockwork.${name}`, heard));
}

/** What the channels tell from now on: `start Lock a`. */
function told(): string[] {
  const all: string[] = [];
  for (const name of ['start', 'grant', 'miss', 'end']) {
    listen(`request.${name}`, ({ kind, name: of }: TraceMessage) => all.push(`${name} ${kind} ${of}`.trim()));
  }
  return all;
}

function warnings(): TraceWarning[] {
  const all: TraceWarning[] = [];
  listen('warning', (warning: TraceWarning) => all.push(warning));
  return all;
}

afterEach(() => {
  trace(false);
  for (const stop of listening.splice(0)) stop();
});

describe('The channels', () => {
  beforeEach(() => trace(true));

  it('tell of each request that it starts, has what it wants, and ends', async () => {
    const lock = new Lock({ name: 'a' });
    const rlock = new RLock({ name: 'b' });
    const semaphore = new BoundedSemaphore(2, { name: 'c' });
    const event = new Event({ name: 'd' });
    const barrier = new Barrier(1, { name: 'e' });
    const all = told();
    const expected = (label: string, text: string): void => {
      const names: Record<string, string> = { s: 'start', g: 'grant', m: 'miss', e: 'end' };
      expect(all.splice(0)).toEqual([...text].map((letter) => `${names[letter]} ${label}`));
    };
    for (const it of [lock, semaphore]) {
      const label = `${it.kind} ${it.name}`;
      it.acquire();
      expected(label, 'sg');
      it.release();
      expected(label, 'e');
      it.with(() => expected(label, 'sg'));
      expected(label, 'e');
      it.hold().release();
      expected(label, 'sge');
      expect(it.tryAcquire()).toBe(true);
      it.release();
      expected(label, 'sge');
      await it.acquireAsync();
      it.release();
      expected(label, 'sge');
      await it.withAsync(() => expected(label, 'sg'));
      expected(label, 'e');
      (await it.holdAsync()).release();
      expected(label, 'sge');
    }
    lock.recover(() => expected('Lock a', 'sg'));
    expected('Lock a', 'e');
    await lock.recoverAsync(() => expected('Lock a', 'sg'));
    expected('Lock a', 'e');
    lock.acquire();
    expected('Lock a', 'sg');
    expect([lock.tryAcquire(), lock.acquire(1), await lock.acquireAsync({ timeout: 1 })]).toEqual([
      false,
      false,
      false,
    ]);
    expected('Lock a', 'smesmesme');
    expect(() => lock.hold(-1)).toThrow();
    expected('Lock a', '');
    lock.release();
    expected('Lock a', 'e');

    rlock.with(() => rlock.with(() => expected('RLock b', 'sgsg')));
    expected('RLock b', 'ee');
    const guard = await rlock.holdAsync();
    await rlock.acquireAsync({ owner: guard.owner });
    expected('RLock b', 'sgsg');
    expect(rlock.tryAcquire()).toBe(false);
    expected('RLock b', 'sme');
    rlock.release({ owner: guard.owner });
    expected('RLock b', 'e');
    guard.release();
    expected('RLock b', 'e');

    expect([event.wait(0), await event.waitAsync({ timeout: 1 })]).toEqual([false, false]);
    expected('Event d', 'smesme');
    event.set();
    expect([event.wait(), await event.waitAsync()]).toEqual([true, true]);
    expected('Event d', 'sgesge');
    expect([barrier.wait(), await barrier.waitAsync()]).toEqual([0, 0]);
    expected('Barrier e', 'sgesge');
    barrier.abort();
    expect(() => barrier.wait()).toThrow();
    expected('Barrier e', 'sme');
  });

  it('tell of the waits of a Condition, and that its lock is the same request all the while', async () => {
    const condition = new Condition(new Lock({ name: 'lock' }), { name: 'it' });
    const all = told();
    condition.with(() => condition.wait(1));
    const timed = ['start Lock lock', 'grant Lock lock', 'start Condition it', 'miss Condition it', 'end Condition it'];
    expect(all.splice(0)).toEqual([...timed, 'end Lock lock']);
    await condition.withAsync(() => condition.waitAsync({ timeout: 1 }));
    expect(all.splice(0)).toEqual([...timed, 'end Lock lock']);
    let ready = false;
    const waiting = condition.withAsync(() => condition.waitForAsync(() => ready));
    await until(() => condition.waiters === 1, 'the task waits');
    condition.with(() => {
      ready = true;
      condition.notify();
    });
    await waiting;
    expect(all.filter((message) => message.includes('Condition'))).toEqual([
      'start Condition it',
      'grant Condition it',
      'end Condition it',
    ]);
  });

  it('tell that waits of waitForAsync are over, however it ends', async () => {
    const condition = new Condition(new Lock(), { name: 'it' });
    const all = told();
    const count = (begin: string) => all.filter((message) => message === `${begin} Condition it`).length;
    const aborted = AbortSignal.timeout(1);
    for (const options of [{ timeout: 1 }, { signal: aborted }]) {
      const waiting = condition.withAsync(() => condition.waitForAsync(() => false, options));
      await waiting.catch((error) => expect(error).toBe(aborted.reason));
      expect(count('start')).toBeGreaterThan(0);
      expect([count('grant') + count('miss'), count('end')]).toEqual([count('start'), count('start')]);
    }
  });

  it('tell who, where, since when and what for', async () => {
    const lock = new Lock({ name: 'it' });
    const all: TraceMessage[] = [];
    for (const name of ['start', 'grant', 'end']) listen(`request.${name}`, (message) => all.push(message));
    // Only Node's is that of the system.
    const isNode = !process.versions.bun && !process.versions.deno;
    const clock = () => (isNode ? Number(process.hrtime.bigint()) / 1e6 : Date.now());
    const before = clock();
    (function here() {
      lock.with(() => {});
    })();
    const after = clock();
    expect(all).toHaveLength(3);
    for (const message of all) {
      const { at, stack, ...rest } = message;
      expect(rest).toMatchObject({ request: 1, kind: 'Lock', name: 'it', ident: lock.address, task: 0 });
      expect(rest.thread).toBeGreaterThan(0);
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(isNode ? after : after + 1);
      expect(stack!.split('\n')[0]).toContain('here');
    }
    expect(all[1]!.waited).toBeLessThanOrEqual(all[1]!.at - before);
    expect(all[2]!.held).toBeLessThanOrEqual(all[2]!.at - all[1]!.at);
    all.length = 0;
    async function there(): Promise<void> {
      await lock.withAsync(() => {});
    }
    await Promise.all([there(), there()]);
    expect(all.map(({ task }) => task)).toEqual(expect.arrayContaining([1, 2]));
    for (const { stack } of all) expect(stack!.split('\n')[0]).toContain('there');
    all.length = 0;
    trace({ stacks: false });
    lock.with(() => {});
    for (const message of all) expect(message).not.toHaveProperty('stack');
  });

  it('tell what was thrown', async () => {
    const [lock, reason] = [new Lock(), new Error('enough')];
    const misses: TraceMessage[] = [];
    listen('request.miss', (message) => misses.push(message));
    lock.acquire();
    const controller = new AbortController();
    const waiting = lock.acquireAsync({ signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(misses.map(({ error }) => error)).toEqual([reason]);
    lock.release();
  });

  it('are not heard in the midst of a listener, which may use primitives', () => {
    const [lock, mine] = [new Lock({ name: 'it' }), new Lock({ name: 'mine' })];
    const all = told();
    listen('request.grant', () => mine.with(() => {}));
    lock.with(() => {});
    expect(all).toEqual(['start Lock it', 'grant Lock it', 'end Lock it']);
    expect(mine.locked).toBe(false);
  });
});

/** Waits until something was told, or fails. */
const untilTold = (all: unknown[], count: number): Promise<void> =>
  until(() => all.length >= count, `${count} warnings are told`);

describe('A warning', () => {
  it('tells that something is held for long: while it is, and at the latest when it is released', async () => {
    const all = warnings();
    const lock = new Lock({ name: 'it' });
    trace({ heldLongerThan: 20 });
    lock.acquire();
    await untilTold(all, 1);
    expect(all).toMatchObject([{ warning: 'held', kind: 'Lock', name: 'it', request: 1, task: 0 }]);
    expect(all[0]!.held).toBeGreaterThan(20);
    expect(all[0]!.text).toMatch(/^Lock "it": held for \d+ ms$/);
    expect(all[0]!.stack).toContain('trace-channels');
    lock.release();
    expect(all).toHaveLength(1);
    // Blocked all the while.
    lock.with(() => new Event().wait(30));
    expect(all).toHaveLength(2);
    lock.with(() => {});
    await lock.withAsync(() => untilTold(all, 3));
    const condition = new Condition(lock);
    condition.with(() => condition.wait(30));
    expect(all).toHaveLength(3);
  });

  it('does not tell of permits without a guard, nor of a Lock that another thread has released', async () => {
    const all = warnings();
    const [semaphore, lock, last] = [new Semaphore(2), new Lock(), new Lock({ name: 'last' })];
    trace({ heldLongerThan: Infinity });
    semaphore.acquire();
    lock.acquire();
    await thread({ lock }, ({ lock }) => lock.release());
    last.acquire();
    trace({ heldLongerThan: 20 });
    await untilTold(all, 1);
    expect(all.map(({ name }) => name)).toEqual(['last']);
    using _ = semaphore.hold();
    await untilTold(all, 2);
    expect(all[1]!.kind).toBe('Semaphore');
    expect(doing(traceEvents(), 'holds').find(({ args }) => args!.kind === 'Lock')!.args!.result).toBe('elsewhere');
  });

  it('tells that something is waited for for long, and what is known of why', async () => {
    const all = warnings();
    const [lock, other, semaphore] = [new Lock(), new Lock(), new Semaphore(0)];
    trace({ waitedLongerThan: 20 });
    lock.acquire();
    await thread({ other }, ({ other }) => other.acquire());
    const waiting = [lock, other, semaphore].map((it) => it.acquireAsync());
    await untilTold(all, 3);
    expect(all).toMatchObject([
      { warning: 'waited', kind: 'Lock', locked: true, holds: 1, wakes: false },
      { warning: 'waited', kind: 'Lock', locked: true, holds: 0, wakes: false },
      { warning: 'waited', kind: 'Semaphore', holds: 0, wakes: false },
    ]);
    for (const { waited, stack } of all) {
      expect(waited).toBeGreaterThan(20);
      expect(stack).toContain('trace-channels');
    }
    expect(all.map(({ text }) => text.replace(/\d+ ms/, 'x ms'))).toEqual([
      'Lock: waited for x ms, and this thread holds it',
      'Lock: waited for x ms, held by others, or since before the trace',
      'Semaphore: waited for x ms, and nothing in this thread has let anybody go on there',
    ]);
    lock.release();
    semaphore.release();
    await thread({ other }, ({ other }) => other.release());
    await Promise.all(waiting);
    // Of the thread itself, which is blocked, at the latest afterwards.
    new Event().wait(30);
    expect(all[3]).toMatchObject({ warning: 'waited', kind: 'Event', text: expect.stringMatching(/^Event: waited/) });
    expect(all).toHaveLength(4);
  });

  it('comes while the thread is blocked, and from each trace once', () => {
    const all = warnings();
    const lock = new Lock({ name: 'it' });
    for (let i = 0; i < 3; i++) {
      trace({ heldLongerThan: 20, waitedLongerThan: 20 });
      trace(false);
    }
    trace({ heldLongerThan: 20, waitedLongerThan: 20 });
    // Longer than a nap of a thread.
    lock.with(() => new Event().wait(1_500));
    expect(all.map(({ warning, name }) => [warning, name])).toEqual([
      ['waited', ''],
      ['held', 'it'],
    ]);
    expect(all[0]).toMatchObject({ wakes: false, holds: 0 });
  });

  describe('of an order', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => new Lock({ name })) as [Lock, Lock, Lock];
    const within = (...locks: (Lock | RLock)[]): void => {
      const [first, ...rest] = locks;
      first?.with(() => within(...rest));
    };

    it('names both places, once', () => {
      const all = warnings();
      trace(true);
      within(a, b);
      within(a, b);
      expect(all).toEqual([]);
      for (let i = 0; i < 3; i++) within(b, a);
      within(a, b);
      expect(all).toMatchObject([
        {
          warning: 'order',
          name: 'a',
          order: [
            { from: 'Lock "b"', to: 'Lock "a"' },
            { from: 'Lock "a"', to: 'Lock "b"' },
          ],
        },
      ]);
      expect(all[0]!.text).toContain(
        'Lock "a" is acquired while Lock "b" is held, and elsewhere Lock "b" while Lock "a" is',
      );
      for (const stack of all[0]!.order!.flatMap(({ stacks }) => stacks)) expect(stack).toContain('within');
    });

    it('goes round by others, and by other locks of their names', () => {
      const all = warnings();
      trace(true);
      within(a, b);
      within(b, c);
      within(new Lock({ name: 'c' }), new Lock({ name: 'a' }));
      expect(all.map(({ order }) => order!.map(({ from, to }) => `${from} ${to}`))).toEqual([
        ['Lock "c" Lock "a"', 'Lock "a" Lock "b"', 'Lock "b" Lock "c"'],
      ]);
    });

    it('is none where nothing waits, where an RLock is entered again, and where all go one way', () => {
      const all = warnings();
      const [r, d] = [new RLock({ name: 'r' }), new RLock({ name: 'd' })];
      const [one, two] = [new Lock({ name: 'account' }), new Lock({ name: 'account' })];
      trace(true);
      within(a, b);
      b.with(() => {
        expect(a.tryAcquire()).toBe(true);
        a.release();
        expect(a.acquire(0)).toBe(true);
        a.release();
      });
      within(r, d, r, d);
      within(d);
      within(one, two);
      within(one, two);
      // What is released is held no more.
      b.acquire();
      b.release();
      a.with(() => {});
      expect(all).toEqual([]);
      within(two, one);
      expect(all).toHaveLength(1);
    });

    it('is one between locks without names, each of which is a class', () => {
      const all = warnings();
      const [one, two, three] = [new Lock(), new RLock(), new Lock()];
      trace(true);
      within(one, two);
      within(three, one);
      expect(all).toEqual([]);
      within(two, one);
      expect(all).toHaveLength(1);
    });

    it('is none of what a Condition gives up, and one of what is held while it waits', () => {
      const all = warnings();
      const condition = new Condition(new Lock({ name: 'lock' }));
      trace(true);
      a.with(() => condition.with(() => condition.wait(1)));
      expect(all).toEqual([]);
      condition.with(() => a.with(() => condition.wait(1)));
      expect(all).toHaveLength(1);
    });

    it('is one between threads', async () => {
      const all = warnings();
      trace(true);
      within(a, b);
      await thread({ a, b }, async ({ a, b }, _, inspect) => {
        const { trace } = inspect;
        trace(true);
        b.with(() => a.with(() => {}));
        // What it has told is on its way.
        trace(false);
      });
      await untilTold(all, 1);
      const [first, second] = all[0]!.order!;
      expect([first, second]).toMatchObject([
        { from: 'Lock "a"', to: 'Lock "b"', thread: 'main' },
        { from: 'Lock "b"', to: 'Lock "a"', thread: expect.stringMatching(/ \d+$/) },
      ]);
      for (const stack of first!.stacks) expect(stack).toContain('within');
      for (const stack of second!.stacks) expect(stack).toContain('worker');
      expect(all[0]).toMatchObject({ request: 2, name: 'b' });
    });

    it('is one between tasks, as far as they are known', async () => {
      const all = warnings();
      trace(true);
      await a.withAsync(() => b.withAsync(() => {}));
      // Of one task, at once: what the one acquires the other does not hold.
      await c.withAsync(() => Promise.all([a.withAsync(() => {}), b.withAsync(() => {})]));
      await c.withAsync(() => Promise.all([b.withAsync(() => {}), a.withAsync(() => {})]));
      // Other tasks at the same time.
      await Promise.all([b.withAsync(() => {}), a.withAsync(() => {})]);
      await b.acquireAsync();
      await a.acquireAsync();
      a.release();
      b.release();
      expect(all).toEqual([]);
      await b.withAsync(async () => {
        await undefined;
        await a.acquireAsync();
        a.release();
      });
      expect(all).toHaveLength(1);
      // Also while another task holds what it waits for.
      await c.withAsync(() => b.withAsync(() => {}));
      const release = new Event();
      const first = c.withAsync(() => release.waitAsync());
      const second = b.withAsync(() => c.withAsync(() => {}));
      await until(() => c.waiters === 1, 'the second task waits');
      expect(all).toHaveLength(2);
      release.set();
      await Promise.all([first, second]);
    });

    it('is one between calls of one owner', async () => {
      const all = warnings();
      const [r, d] = [new RLock({ name: 'r' }), new RLock({ name: 'd' })];
      trace(true);
      for (const [outer, inner] of [
        [r, d],
        [d, r],
      ] as const) {
        using guard = await outer.holdAsync();
        await inner.acquireAsync({ owner: guard.owner });
        inner.release({ owner: guard.owner });
      }
      expect(all).toHaveLength(1);
    });
  });
});
