import { execFileSync } from 'node:child_process';
import * as threading from 'lockwork';
import { describe, expect, it } from 'vitest';

type Api = typeof threading;

/** What `fn(lockwork)` answers in a process of its own that ran `prepare` before lockwork was loaded. Both go as text. */
function onPlatform<R>(prepare: () => void, fn: (api: Api) => R): Awaited<R> {
  const code = `
    (${prepare})();
    const api = await import(${JSON.stringify(import.meta.resolve('lockwork'))});
    console.log(JSON.stringify((await (${fn})(api)) ?? null));
  `;
  const options = { input: code, timeout: 20_000 };
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-'], options).toString());
}

const ERRORS = [
  'ThreadingError',
  'NotHeldError',
  'OverReleaseError',
  'BrokenBarrierError',
  'TimeoutError',
  'BlockingNotAllowedError',
  'AbandonedError',
  'DeadlockError',
  'OutOfMemoryError',
  'UnsupportedError',
] as const;
const CLASSES: Pick<Api, (typeof ERRORS)[number]> = threading;

class Named extends Error {
  override get name() {
    return 'Named';
  }
}
/** Whether the engine begins a stack with the error's name, and asks it for that. */
const asked = new Named('what').stack?.startsWith('Named: what');

describe.each(ERRORS)('%s', (name) => {
  it('is a ThreadingError, which is an Error, and is called by its name', () => {
    const cause = new Error('why');
    const error = new CLASSES[name]('what', { cause });
    expect(error).toBeInstanceOf(threading.ThreadingError);
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.message, error.cause, String(error)]).toEqual([name, 'what', cause, `${name}: what`]);
    expect(Object.keys(error)).not.toContain('name');
    expect(error.stack).toContain('errors.test.ts');
    if (asked) expect(error.stack).toMatch(new RegExp(`^${name}: what\n`));
    for (const other of ERRORS) {
      expect(error instanceof CLASSES[other]).toBe(other === name || other === 'ThreadingError');
    }
  });
});

describe.each([
  ['ThreadingError', 'ERR_LOCKWORK_THREADING'],
  ['NotHeldError', 'ERR_LOCKWORK_NOT_HELD'],
  ['OverReleaseError', 'ERR_LOCKWORK_OVER_RELEASE'],
  ['BrokenBarrierError', 'ERR_LOCKWORK_BROKEN_BARRIER'],
  ['TimeoutError', 'ERR_LOCKWORK_TIMEOUT'],
  ['BlockingNotAllowedError', 'ERR_LOCKWORK_BLOCKING_NOT_ALLOWED'],
  ['AbandonedError', 'ERR_LOCKWORK_ABANDONED'],
  ['DeadlockError', 'ERR_LOCKWORK_DEADLOCK'],
  ['OutOfMemoryError', 'ERR_LOCKWORK_OUT_OF_MEMORY'],
  ['UnsupportedError', 'ERR_LOCKWORK_UNSUPPORTED'],
] as const)('%s', (name, code) => {
  it('has a code, and a clone of it is known by that', () => {
    const error = new CLASSES[name]('what');
    expect([error.code, error.cause, CLASSES[name].code]).toEqual([code, code, code]);
    const clone = structuredClone(error);
    expect([clone.message, clone.cause]).toEqual(['what', code]);
    for (const other of ERRORS) {
      expect(clone instanceof CLASSES[other]).toBe(other === name || other === 'ThreadingError');
    }
  });

  it('can be extended, and renamed', () => {
    const Theirs: typeof threading.ThreadingError = CLASSES[name];
    class Mine extends Theirs {}
    const mine = new Mine('what');
    expect(mine).toBeInstanceOf(CLASSES[name]);
    expect(new CLASSES[name]('what')).not.toBeInstanceOf(Mine);
    mine.name = 'Yours';
    expect([mine.name, String(mine)]).toEqual(['Yours', 'Yours: what']);
  });
});

it('no other error is one of ours, nor what is none', () => {
  const code = 'ERR_LOCKWORK_TIMEOUT';
  const others = [null, undefined, code, { code }, { cause: code }, new Error(code), new Error('', { cause: 'ERR_X' })];
  // It cannot become a string.
  others.push(new Error('', { cause: Object.create(null) }));
  for (const other of others) expect(other instanceof threading.ThreadingError).toBe(false);
  const wrong = () => new threading.Lock().acquire(-1);
  expect(wrong).toThrow(RangeError);
  try {
    wrong();
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_LOCKWORK_INVALID_ARG_VALUE', cause: 'ERR_LOCKWORK_INVALID_ARG_VALUE' });
    expect(
      error instanceof threading.ThreadingError || structuredClone(error) instanceof threading.ThreadingError,
    ).toBe(false);
  }
});

describe('messages', () => {
  const { Lock, RLock, Semaphore, BoundedSemaphore, Event, Barrier, Condition } = threading;
  const message = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };

  it.each([
    ['Lock', (options: object) => new Lock(options).release()],
    ['RLock', (options: object) => new RLock(options).release()],
    ['BoundedSemaphore', (options: object) => new BoundedSemaphore(1, options).release()],
    ['Semaphore', (options: object) => new Semaphore(0, options).hold(1)],
    ['Condition', (options: object) => new Condition(undefined, options).notify()],
    ['Condition', (options: object) => new Condition(new Lock(), options).wait()],
    [
      'Barrier',
      (options: object) => {
        const barrier = new Barrier(2, options);
        barrier.abort();
        barrier.wait();
      },
    ],
    [
      'Event',
      (options: object) => {
        const event = new Event(options);
        event.destroy();
        event.set();
      },
    ],
  ])('name the kind and the name: %s', (kind, fail) => {
    expect(message(() => fail({ name: 'seats' }))).toMatch(new RegExp(`^${kind} "seats": .`));
    expect(message(() => fail({}))).toMatch(new RegExp(`^${kind}: .`));
  });
});

describe('messages of promises', () => {
  const { Lock, RLock, Semaphore, Event, Barrier, Condition } = threading;
  const gone = <T extends { destroy(): void }>(it: T): T => {
    it.destroy();
    return it;
  };

  it.each([
    ['Lock', 'not acquired within 1 ms', (it) => held(new Lock(it)).holdAsync({ timeout: 1 })],
    ['RLock', 'not acquired within 1 ms', (it) => held(new RLock(it)).holdAsync({ timeout: 1 })],
    ['Semaphore', 'not acquired within 0 ms', (it) => new Semaphore(0, it).withAsync(() => 1, { timeout: 0 })],
    ['Condition', 'not acquired within 1 ms', (it) => held(new Condition(new Lock(it), it)).holdAsync({ timeout: 1 })],
    ['Condition', 'not held', (it) => new Condition(new Lock(it), it).waitAsync()],
    ['Condition', 'not held', (it) => new Condition(new Lock(it), it).waitForAsync(() => true)],
    ['Barrier', 'broken', (it) => new Barrier(2, it).waitAsync({ timeout: 1 })],
    ['Lock', 'destroyed', (it) => gone(new Lock(it)).acquireAsync()],
    ['Condition', 'destroyed', (it) => gone(new Condition(undefined, it)).acquireAsync()],
    ['Condition', 'destroyed', (it) => gone(new Condition(new Lock(it), it)).waitAsync()],
    ['Event', 'destroyed', (it) => gone(new Event(it)).waitAsync()],
    ['Barrier', 'destroyed', (it) => gone(new Barrier(2, it)).waitAsync()],
  ] as [kind: string, what: string, fail: (options: object) => Promise<unknown>][])(
    'name the kind and the name: %s, %s',
    async (kind, what, fail) => {
      const wait = fail({ name: 'seats' });
      await expect(wait).rejects.toBeInstanceOf(threading.ThreadingError);
      await expect(wait).rejects.toThrow(new RegExp(`^${kind} "seats": .*${what}`));
    },
  );

  it('name the call that refuses an argument, and what it was', async () => {
    const lock = new Lock();
    await expect(lock.acquireAsync({ timeout: -1 })).rejects.toThrow(/^Lock.acquireAsync: the timeout .* -1$/);
    await expect(lock.acquireAsync({ signal: 1 as never })).rejects.toThrow(/^Lock.acquireAsync: the signal .* 1$/);
    await expect(new Event().waitAsync(null as never)).rejects.toThrow(/^Event.waitAsync: the options .* null$/);
    await expect(new RLock().acquireAsync()).rejects.toThrow(/^RLock.acquireAsync: it needs an owner/);
    await expect(lock.withAsync(1 as never)).rejects.toThrow(/^Lock.withAsync: the argument .* 1$/);
  });

  it('name the async call where a blocking one was given a promise', () => {
    const lock = new Lock({ name: 'seats' });
    expect(() => lock.with(async () => 1)).toThrow(/^Lock "seats": with\(fn\) .*Use withAsync\(fn\)$/);
    const barrier = new Barrier(1, { name: 'seats', action: async () => 1 });
    expect(() => barrier.wait()).toThrow(/^Barrier "seats": the action returned a promise.*Use await waitAsync\(\)$/);
  });

  it('name what a task holds, where a thread would wait for it for ever', async () => {
    const lock = new Lock({ name: 'seats' });
    using _held = await lock.holdAsync();
    expect(() => lock.acquire()).toThrow(/^Lock "seats": .*a task of this thread/);
  });

  function held<T extends { tryAcquire(): boolean }>(it: T): T {
    it.tryAcquire();
    return it;
  }
});

describe('on a Node without process.getBuiltinModule', () => {
  it('the package loads, and says which Node it needs when it is used: two default arenas would be worse', () => {
    const message = onPlatform(
      () => {
        Reflect.deleteProperty(process, 'getBuiltinModule');
      },
      ({ Lock }) => {
        try {
          return new Lock().locked;
        } catch (error) {
          return String(error);
        }
      },
    );
    expect(message).toBe('UnsupportedError: lockwork needs Node 20.16, 22.3 or a newer one');
  });
});

describe('on a platform without SharedArrayBuffer', () => {
  it('the package loads, and says what is missing and which headers to send when it is used', () => {
    const errors = onPlatform(
      () => {
        const { Memory } = WebAssembly;
        Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
        // Old engines do not know the option.
        WebAssembly.Memory = class extends Memory {
          constructor({ initial, maximum }: WebAssembly.MemoryDescriptor) {
            super({ initial, maximum: maximum! });
          }
        };
      },
      (api) =>
        [
          () => new api.Lock(),
          () => new api.Barrier(2),
          () => new api.Condition(),
          () => new api.Arena(),
          () => api.Arena.default,
          () => new api.Arena({ memory: new WebAssembly.Memory({ initial: 1, maximum: 1 }) }),
        ].map((call) => {
          try {
            call();
            return 'nothing';
          } catch (error) {
            return error instanceof api.UnsupportedError ? error.message : `not an UnsupportedError: ${error}`;
          }
        }),
    );
    for (const error of errors) {
      expect(error).toContain('SharedArrayBuffer');
      expect(error).toContain('cross-origin isolated');
      expect(error).toContain('Cross-Origin-Opener-Policy: same-origin');
      expect(error).toContain('Cross-Origin-Embedder-Policy: require-corp');
    }
  });

  it('whose WebAssembly shares memory all the same, a thread works alone, and posts nothing', () => {
    const { name, answers, errors } = onPlatform(
      () => {
        Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
      },
      async (api) => {
        const lock = new api.Lock({ name: 'seats' });
        const answers = [lock.acquire(), lock.acquire(5), await lock.acquireAsync({ timeout: 5 })];
        lock.release();
        const { port1 } = new MessageChannel();
        const errors = [
          () => structuredClone(lock),
          () => port1.postMessage({ lock }),
          () => port1.postMessage(api.Arena.default),
          () => api.Lock.from({ kind: 'Lock' } as typeof lock),
        ].map((call) => {
          try {
            call();
            return 'nothing';
          } catch (error) {
            return `${error}`;
          }
        });
        port1.close();
        return { name: api.attach(lock).name, answers, errors };
      },
    );
    expect([name, ...answers]).toEqual(['seats', true, false, false]);
    const wanted =
      /, since this page is not cross-origin isolated\. .*"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp"$/;
    for (const error of errors) expect(error).toMatch(wanted);
    expect(errors.map((error) => error.split(', since')[0])).toEqual([
      'UnsupportedError: Lock "seats": it cannot be posted',
      'UnsupportedError: Lock "seats": it cannot be posted',
      'UnsupportedError: Arena: it cannot be posted',
      'UnsupportedError: Lock.from: there is no memory in it',
    ]);
  });
});

describe('on a page that forbids WebAssembly', () => {
  it('the error names what its Content-Security-Policy must contain', () => {
    const error = onPlatform(
      () => {
        Object.assign(WebAssembly, {
          Module: class {
            constructor() {
              throw new WebAssembly.CompileError('blocked by CSP');
            }
          },
        });
      },
      (api) => {
        try {
          new api.Lock();
          return undefined;
        } catch (error) {
          const { name, message, cause } = error as Error;
          return { name, message, cause: String(cause) };
        }
      },
    );
    expect(error?.name).toBe('UnsupportedError');
    expect(error?.message).toContain("'wasm-unsafe-eval'");
    expect(error?.cause).toContain('blocked by CSP');
  });

  it('the error says so when there is no WebAssembly at all', () => {
    const name = onPlatform(
      () => {
        Object.assign(globalThis, { WebAssembly: undefined });
      },
      (api) => {
        try {
          new api.Lock();
          return 'none';
        } catch (error) {
          return (error as Error).name;
        }
      },
    );
    expect(name).toBe('UnsupportedError');
  });
});

describe.each([
  [
    'timers',
    () => {
      const missing = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'AbortSignal'];
      for (const name of missing) Reflect.deleteProperty(globalThis, name);
    },
    /^UnsupportedError: lockwork needs setTimeout and setInterval .*when.* loaded/,
  ],
  [
    'Atomics.waitAsync',
    () => void Reflect.deleteProperty(Atomics, 'waitAsync'),
    /^UnsupportedError: lockwork needs Atomics.waitAsync for its async calls/,
  ],
] as [string, () => void, RegExp][])('in a realm without %s', (_, prepare, message) => {
  it('an async call is refused before it is entered, and what never waits goes on', () => {
    const answers = onPlatform(prepare, async (api) => {
      const owner = new api.Owner();
      const [lock, rlock, event, barrier] = [new api.Lock(), new api.RLock(), new api.Event(), new api.Barrier(2)];
      const condition = new api.Condition(lock);
      lock.acquire();
      rlock.acquire();
      const calls = [
        () => lock.acquireAsync({ timeout: 1 }),
        () => rlock.acquireAsync({ owner }),
        () => rlock.withAsync(() => {}),
        () => new api.Semaphore(0).holdAsync(),
        () => event.waitAsync(),
        () => barrier.waitAsync({ timeout: 10 }),
        () => condition.waitAsync(),
        () => condition.waitForAsync(() => false, { timeout: 10 }),
      ];
      const errors: string[] = [];
      for (const call of calls) await call().catch((error: Error) => errors.push(`${error}`));
      const waiters = [lock, rlock, event, barrier, condition].map((it) => it.waiters);
      return { errors, waiters, locked: lock.locked, late: [lock.acquire(5), event.wait(5)] };
    });
    expect(new Set(answers.errors)).toEqual(new Set([expect.stringMatching(message)]));
    expect(answers).toMatchObject({ waiters: [0, 0, 0, 0, 0], locked: true, late: [false, false] });
    expect(answers.errors.length).toBe(8);
  });
});

describe('on a thread that may not block', () => {
  const mayNotBlock = () => {
    Atomics.wait = () => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    };
  };

  it('every blocking form throws at once, also when it would have succeeded, and changes nothing', () => {
    const results = onPlatform(mayNotBlock, (api) => {
      const lock = new api.Lock({ name: 'seats' });
      const rlock = new api.RLock({ name: 'seats' });
      const semaphore = new api.Semaphore(3, { name: 'seats' });
      const bounded = new api.BoundedSemaphore(3, { name: 'seats' });
      const set = new api.Event({ name: 'seats' });
      set.set();
      const barrier = new api.Barrier(1, { name: 'seats' });
      const condition = new api.Condition(new api.Lock({ name: 'seats' }), { name: 'seats' });
      const held = new api.Condition(undefined, { name: 'seats' });
      held.tryAcquire();
      const holdables = { lock, rlock, semaphore, bounded, condition };
      const calls: [what: string, call: () => unknown][] = [
        ...Object.values(holdables).flatMap((it): [string, () => unknown][] => [
          ['acquire', () => it.acquire()],
          ['acquire', () => it.acquire(10)],
          ['acquire', () => it.acquire(Infinity)],
          ['hold', () => it.hold()],
          ['hold', () => it.hold(10)],
          ['with', () => it.with(() => 1)],
        ]),
        ['wait', () => set.wait()],
        ['wait', () => set.wait(10)],
        ['wait', () => barrier.wait()],
        ['wait', () => barrier.wait(0)],
        ['wait', () => held.wait()],
        ['wait', () => held.wait(0)],
        ['wait', () => held.wait(10)],
        ['waitFor', () => held.waitFor(() => true)],
      ];
      const state = () => [
        ...Object.values(holdables).map((it) => it.waiters),
        lock.locked,
        rlock.recursionCount,
        semaphore.value,
        bounded.value,
        barrier.broken,
        condition.lock.locked,
        held.lock.locked,
      ];
      const before = String(state());
      return calls.map(([what, call], index) => {
        let threw = 'nothing';
        try {
          call();
        } catch (error) {
          const { message } = error as Error;
          threw = `${(error as Error).name} ${message.includes('"seats"')} ${message.includes(`so ${what}() never works here. Use await ${what}Async()`)}`;
        }
        return `${index} ${what}: ${threw}, ${String(state()) === before}`;
      });
    });
    expect(results).toEqual(
      results.map((text) => `${text.slice(0, text.indexOf(':'))}: BlockingNotAllowedError true true, true`),
    );
    expect(results).toHaveLength(38);
  });

  it('whatever never waits works', () => {
    const results = onPlatform(
      mayNotBlock,
      ({ Lock, RLock, Semaphore, BoundedSemaphore, Event, Barrier, Condition, Arena }) => {
        const answers: unknown[] = [];
        for (const it of [
          new Lock(),
          new RLock(),
          new Semaphore(),
          new BoundedSemaphore(),
          new Condition(new Lock()),
        ]) {
          answers.push(it.tryAcquire());
          if (!(it instanceof RLock)) answers.push(it.tryAcquire(), it.acquire(0));
          it.release();
          answers.push(it.acquire(0));
          it.release();
          const guard = it.hold(0);
          guard.release();
          it.destroy();
        }
        const event = new Event();
        answers.push(event.wait(0));
        event.set();
        answers.push(event.isSet, event.wait(0));
        event.clear();
        answers.push(event.isSet);
        const barrier = new Barrier(2);
        barrier.abort();
        answers.push(barrier.broken);
        barrier.reset();
        answers.push(barrier.broken);
        const condition = new Condition();
        condition.tryAcquire();
        condition.notify();
        condition.notifyAll();
        condition.release();
        const array = Arena.default.allocate(Int32Array, 1);
        Arena.default.free(array);
        return answers;
      },
    );
    expect(results).toEqual([
      ...[true, false, false, true],
      ...[true, true],
      ...[true, false, false, true],
      ...[true, false, false, true],
      ...[true, false, false, true],
      ...[false, true, true, false],
      ...[true, false],
    ]);
  });

  it('every async form works, also when it must wait', async () => {
    const results = onPlatform(mayNotBlock, async (api) => {
      const { Lock, RLock, Semaphore, BoundedSemaphore, Event, Barrier, Condition } = api;
      const answers: unknown[] = [];
      const holdables = [
        new Lock(),
        new RLock(),
        new Semaphore(),
        new BoundedSemaphore(),
        new Condition(new Lock()),
        new Condition(),
      ];
      for (const it of holdables) {
        const first = await it.holdAsync();
        const second = it.withAsync(async () => 'second');
        answers.push(await it.holdAsync({ timeout: 1 }).catch((error) => error.name));
        first.release();
        answers.push(await second);
      }
      const event = new Event();
      const set = event.waitAsync();
      event.set();
      answers.push(await set);
      const barrier = new Barrier(2);
      answers.push(...(await Promise.all([barrier.waitAsync(), barrier.waitAsync()])));
      const condition = new Condition(new Lock());
      const notified = condition.withAsync(() =>
        condition.waitForAsync(() => answers.length > 15, { timeout: 10_000 }),
      );
      await condition.withAsync(() => {
        answers.push('ready');
        condition.notify();
      });
      answers.push(await notified);
      return answers;
    });
    expect(results).toEqual([...Array(6).fill(['TimeoutError', 'second']).flat(), true, 0, 1, 'ready', true]);
  });
});

describe('where the clock throws', () => {
  it('so does every wait for a time, and leaves nothing', () => {
    const seen = onPlatform(
      () => {
        const { now } = performance;
        performance.now = () => {
          if ((globalThis as { broken?: boolean }).broken) throw new RangeError('no clock');
          return now.call(performance);
        };
      },
      ({ Barrier, Condition, Event, Lock, Semaphore }) => {
        const [lock, event, permits, barrier] = [new Lock(), new Event(), new Semaphore(0), new Barrier(2)];
        const acting = Barrier.from(barrier, { action() {} });
        const condition = new Condition(new Lock());
        lock.acquire();
        condition.acquire();
        const waits = [
          () => barrier.wait(5),
          () => acting.wait(5),
          () => lock.acquire(5),
          () => event.wait(5),
          () => permits.acquire(5),
          () => condition.wait(5),
        ];
        Object.assign(globalThis, { broken: true });
        const thrown = waits.map((wait) => {
          try {
            return String(wait());
          } catch (error) {
            return (error as Error).name;
          }
        });
        Object.assign(globalThis, { broken: false });
        const waiters = [lock, event, permits, barrier, condition].map((it) => it.waiters);
        return { thrown, waiters, state: [barrier.waiting, barrier.broken, lock.locked, condition.lock.locked] };
      },
    );
    expect(seen).toEqual({
      thrown: Array(6).fill('RangeError'),
      waiters: [0, 0, 0, 0, 0],
      state: [0, false, true, true],
    });
  });
});

describe.each([
  ['setImmediate', () => void Reflect.deleteProperty(globalThis, 'setImmediate')],
  [
    'setImmediate and MessageChannel',
    () => {
      for (const name of ['setImmediate', 'MessageChannel']) Reflect.deleteProperty(globalThis, name);
    },
  ],
] as [string, () => void][])('in a realm without %s', (_, prepare) => {
  it('tasks that pass a lock on to each other let the event loop turn, and the process ends', () => {
    const turned = onPlatform(prepare, async ({ Lock }) => {
      const lock = new Lock();
      let turned = false;
      let rounds = 0;
      setTimeout(() => {
        turned = true;
      }, 10);
      const task = async () => {
        while (!turned && rounds < 5_000_000) {
          await lock.withAsync(async () => {
            rounds++;
            await undefined;
          });
        }
      };
      await Promise.all([task(), task()]);
      return turned;
    });
    expect(turned).toBe(true);
  });
});

it('in a realm without timers that can be let go, none runs while no task waits', () => {
  const left = onPlatform(
    () => {
      const { setInterval, clearInterval } = globalThis;
      const running = new Map<number, ReturnType<typeof setInterval>>();
      let last = 0;
      Object.assign(globalThis, {
        running,
        setInterval(callback: () => void, ms: number) {
          running.set(++last, setInterval(callback, ms));
          return last;
        },
        clearInterval(id: number) {
          clearInterval(running.get(id));
          running.delete(id);
        },
      });
    },
    async ({ Lock }) => {
      const { running } = globalThis as unknown as { running: Map<number, unknown> };
      const lock = new Lock();
      const seen = [];
      for (let round = 0; round < 3; round++) {
        lock.acquire();
        const wait = lock.acquireAsync();
        seen.push(running.size);
        lock.release();
        await wait;
        lock.release();
        seen.push(running.size);
      }
      return seen;
    },
  );
  expect(left).toEqual([1, 0, 1, 0, 1, 0]);
});
