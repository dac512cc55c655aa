/** A page's main thread may not block: such a call is refused at once, not only when it would wait. */
import * as threading from 'lockwork';
import { describe, expect, it } from 'vitest';

const { Barrier, BlockingNotAllowedError, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } = threading;

type Holdable = threading.Lock | threading.RLock | threading.Semaphore | threading.Condition;

const never = (): never => expect.unreachable('it was called');

/** The calls that acquire, and what to use instead of each. */
const ACQUIRING: [call: string, instead: string, (target: Holdable) => unknown][] = [
  ['acquire()', 'acquireAsync', (target) => target.acquire()],
  ['acquire(Infinity)', 'acquireAsync', (target) => target.acquire(Infinity)],
  ['acquire(0.001)', 'acquireAsync', (target) => target.acquire(0.001)],
  ['hold()', 'holdAsync', (target) => target.hold()],
  ['hold(1)', 'holdAsync', (target) => target.hold(1)],
  ['with(fn)', 'withAsync', (target) => target.with(never)],
];

interface Case<T> {
  /** Where nobody would have to wait. */
  ready: () => T;
  /** Where one would. */
  busy: () => T;
  state: (target: T) => unknown;
  calls: [call: string, instead: string, (target: T) => unknown][];
}

/** Of one type only for itself. */
const as = <T>(one: Case<T>) => one as Case<unknown>;

function taken<T extends Holdable>(target: T): T {
  expect(target.tryAcquire()).toBe(true);
  return target;
}

function holdable<T extends Holdable>(make: () => T, state: (target: T) => unknown): Case<unknown> {
  return as<T>({ ready: make, busy: () => taken(make()), state, calls: ACQUIRING });
}

const CASES: Record<string, Case<unknown>> = {
  Lock: holdable(
    () => new Lock({ name: 'gate' }),
    (lock) => lock.locked,
  ),
  RLock: holdable(
    () => new RLock({ name: 'gate' }),
    (lock) => [lock.owned, lock.recursionCount],
  ),
  Semaphore: holdable(
    () => new Semaphore(1, { name: 'gate' }),
    (permits) => permits.value,
  ),
  BoundedSemaphore: holdable(
    () => new BoundedSemaphore(1, { name: 'gate' }),
    (permits) => permits.value,
  ),
  Event: as<threading.Event>({
    ready: () => {
      const event = new Event({ name: 'gate' });
      event.set();
      return event;
    },
    busy: () => new Event({ name: 'gate' }),
    state: (event) => event.isSet,
    calls: [
      ['wait()', 'waitAsync', (event) => event.wait()],
      ['wait(1)', 'waitAsync', (event) => event.wait(1)],
    ],
  }),
  Barrier: as<threading.Barrier>({
    ready: () => new Barrier(1, { name: 'gate', action: never }),
    busy: () => new Barrier(2, { name: 'gate' }),
    state: (barrier) => [barrier.waiting, barrier.broken],
    calls: [
      ['wait()', 'waitAsync', (barrier) => barrier.wait()],
      ['wait(1)', 'waitAsync', (barrier) => barrier.wait(1)],
    ],
  }),
  'Condition, free': holdable(
    () => new Condition(new Lock(), { name: 'gate' }),
    (condition) => condition.lock.locked,
  ),
  'Condition, held': as<threading.Condition>({
    ready: () => taken(new Condition(undefined, { name: 'gate' })),
    busy: () => taken(new Condition(new Lock(), { name: 'gate' })),
    state: (condition) => [condition.lock.locked, condition.waiters],
    calls: [
      ['wait()', 'waitAsync', (condition) => condition.wait()],
      ['wait(1)', 'waitAsync', (condition) => condition.wait(1)],
      ['waitFor(…)', 'waitForAsync', (condition) => condition.waitFor(never)],
      ['waitFor(…, 1)', 'waitForAsync', (condition) => condition.waitFor(never, 1)],
    ],
  }),
};

describe('A thread that may not block', () => {
  it('is what a page has, and it has shared memory', () => {
    expect(crossOriginIsolated).toBe(true);
    const word = new Int32Array(new SharedArrayBuffer(4));
    expect(() => Atomics.wait(word, 0, 0, 0)).toThrow(TypeError);
  });

  for (const [kind, { ready, busy, state, calls }] of Object.entries(CASES)) {
    it(`${kind}: every blocking call throws, and says what to use instead`, () => {
      for (const make of [ready, busy]) {
        for (const [name, instead, call] of calls) {
          const target = make();
          const before = state(target);
          const start = performance.now();
          const error = thrownBy(() => call(target));
          expect(performance.now() - start, name).toBeLessThan(1_000);
          expect(error, name).toBeInstanceOf(BlockingNotAllowedError);
          const message = (error as Error).message;
          expect(message, name).toContain('"gate"');
          expect(message, name).toContain(`${instead}(`);
          expect(state(target), name).toEqual(before);
        }
      }
    });
  }
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
