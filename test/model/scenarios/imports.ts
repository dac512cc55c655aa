/**
 * Programs of lockwork/wasm: the calls of `imports.wasm`, linked to the core, beside each other and beside threads that call the core
 * as the bindings do. Each is a try and, if that fails, a call of the core that waits; so what is to be shown is that no step of
 * their own breaks what the core promises.
 */

import {
  ABANDONED,
  ACTION,
  BROKEN,
  CELL_LENGTH,
  CELL_SIZE,
  NO_ACTION,
  STATUS_ABANDONED,
  STATUS_BROKEN,
  STATUS_DESTROYED,
  STATUS_INVALID,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_OVER_RELEASE,
  STATUS_TIMEOUT,
  UNIT,
} from '../../../assembly/abi.ts';
import { inInstance } from '../link.ts';
import {
  after,
  atMost,
  before,
  call,
  expect,
  FOR_EVER,
  forever,
  get,
  linearizable,
  observed,
  once,
  type Play,
  type Primitive,
  type Scenario,
  SOON,
  TIMED,
  UNTIMED,
  until,
  use,
  type World,
} from '../scenario.ts';
import type { Script } from '../thread.ts';
import { comes, everybodyComes, rounds } from './barrier.ts';
import { lockSpecification } from './lock.ts';

/** A call of the program of the thread `t`. */
const program = (t: number, name: string, { cell, stamp }: Primitive, ...args: number[]): Script<number> =>
  call(inInstance(name, t), cell, stamp, ...args);

/** @param suspended the threads whose programs are suspended where they would wait */
const scenario = (
  name: string,
  threads: number,
  lay: (world: World) => Omit<Play, 'module'>,
  suspended?: readonly number[],
): Scenario => ({
  primitive: 'imports',
  name,
  threads,
  build: (world) => ({ ...lay(world), module: world.linked(suspended) }),
});

const timed = (timeout: number): readonly number[] => (timeout === FOR_EVER ? UNTIMED : TIMED);
const tooLate = (timeout: number): number[] => (timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]);

/** Takes the lock by a program, uses what it protects, gives it back. */
function* round(t: number, kind: 'lock' | 'rlock', lock: Primitive, data: number, timeout: number, depth = 1): Script {
  const status = yield* program(t, `${kind}_acquire`, lock, timeout);
  if (expect(status, STATUS_OK, ...tooLate(timeout)) !== STATUS_OK) return;
  for (let more = depth; more > 1; more--) expect(yield* program(t, `${kind}_acquire`, lock, FOR_EVER), STATUS_OK);
  yield* use(data);
  for (let more = depth; more > 0; more--) expect(yield* program(t, `${kind}_release`, lock), STATUS_OK);
}

/** The same by a thread in JavaScript. */
function* inScript(me: number, { cell, stamp }: Primitive, data: number): Script {
  expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), STATUS_OK);
  yield* use(data);
  expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK);
}

const contention = (name: string, programs: number, scripts: number, timeout: number, loops = 2): Scenario =>
  scenario(name, programs + scripts, (world) => {
    const lock = world.lock();
    const data = world.data('data');
    return {
      clock: timed(timeout),
      programs: world.threads.map((me, t) =>
        (t < loops ? forever : once)(() =>
          t < programs ? round(t, 'lock', lock, data, timeout) : inScript(me, lock, data),
        ),
      ),
    };
  });

/** All that a program can do with an abandoned lock. */
const abandoned = (kind: 'lock' | 'rlock'): Scenario =>
  scenario(`2 programs at an abandoned ${kind}: one puts it in order`, 2, (world) => {
    const lock = world[kind]();
    const data = world.data('data');
    const repaired = world.data('repaired');
    world.poke(lock.cell, ABANDONED);
    return {
      invariant: (view) =>
        world.threads.every((_, t) => view.finished(t)) && view.word(lock.cell) !== 0 ? 'it is not free' : undefined,
      programs: world.threads.map((_, t) =>
        once(function* () {
          expect(yield* program(t, `${kind}_recover`, lock), STATUS_NOT_HELD);
          const status = yield* program(t, `${kind}_acquire`, lock, FOR_EVER);
          // The first is told, and nobody after it.
          expect(status, (yield* get(repaired)) ? STATUS_OK : STATUS_ABANDONED);
          yield { kind: 'write', address: repaired, value: 1 };
          yield* use(data);
          if (status === STATUS_ABANDONED) expect(yield* program(t, `${kind}_recover`, lock), STATUS_OK);
          expect(yield* program(t, `${kind}_release`, lock), STATUS_OK);
        }),
      ),
    };
  });

/** Parties come again and again; of `programs` of them the last one ends the round by a step of its own. */
const meetings = (name: string, programs: number, scripts: number): Scenario =>
  scenario(name, programs + scripts, (world) =>
    everybodyComes(world, (barrier, me, t) =>
      t < programs ? program(t, 'barrier_wait', barrier, FOR_EVER) : comes(barrier, me),
    ),
  );

export const imports: readonly Scenario[] = [
  contention('lock: 2 programs for ever', 2, 0, FOR_EVER),
  contention('lock: 2 programs for ever, timed', 2, 0, SOON),
  contention('lock: a program and a thread in JavaScript for ever', 1, 1, FOR_EVER),
  contention('lock: a program and a thread in JavaScript for ever, timed', 1, 1, SOON),
  contention('lock: 2 programs for ever, and a thread in JavaScript', 2, 1, FOR_EVER),
  contention('lock: 3 programs, once, timed', 3, 0, SOON, 0),
  scenario('lock: releases by others, looks and timeouts of programs are linearizable', 3, (world) => {
    const lock = world.lock();
    const acquire = (t: number, timeout: number) =>
      observed(['acquire', timeout], program(t, 'lock_acquire', lock, timeout));
    const release = (t: number) => observed(['release'], program(t, 'lock_release', lock));
    return {
      clock: TIMED,
      monitor: linearizable(lockSpecification, 3),
      programs: [
        ...[SOON, 0].map((timeout, t) =>
          forever(function* () {
            if ((yield* acquire(t, timeout)) === STATUS_OK) yield* release(t);
          }),
        ),
        forever(function* () {
          yield* release(2);
        }),
      ],
    };
  }),
  abandoned('lock'),
  abandoned('rlock'),
  ...[FOR_EVER, SOON].map((timeout) =>
    scenario(`rlock: 2 programs for ever that acquire it twice${timeout === SOON ? ', timed' : ''}`, 2, (world) => {
      const lock = world.rlock();
      const data = world.data('data');
      return {
        clock: timed(timeout),
        programs: world.threads.map((_, t) => forever(() => round(t, 'rlock', lock, data, timeout, 2))),
      };
    }),
  ),
  scenario('semaphore: 3 programs, once, 2 permits, timed', 3, (world) => {
    const semaphore = world.semaphore(2, 2);
    return {
      clock: TIMED,
      monitor: atMost(2),
      programs: world.threads.map((_, t) =>
        once(function* () {
          const status = yield* program(t, 'sem_acquire', semaphore, SOON);
          if (expect(status, STATUS_OK, STATUS_TIMEOUT) !== STATUS_OK) return;
          yield after('in');
          yield before('out');
          expect(yield* program(t, 'sem_release', semaphore, 1), STATUS_OK);
        }),
      ),
    };
  }),
  scenario('event: 2 programs wait, one sets it, and clears it at once', 3, (world) => {
    const event = world.event();
    const waits = world.threads.slice(1).map((_, t) =>
      once(function* () {
        expect(yield* program(t, 'event_wait', event, FOR_EVER), STATUS_OK);
      }),
    );
    return {
      programs: [
        ...waits,
        once(function* () {
          yield until(event.cell + CELL_LENGTH, (length) => length === 2);
          expect(yield* program(2, 'event_set', event), STATUS_OK);
          expect(yield* program(2, 'event_clear', event), STATUS_OK);
        }),
      ],
    };
  }),
  meetings('barrier: 2 programs for ever', 2, 0),
  meetings('barrier: a program and a thread in JavaScript for ever', 1, 1),
  scenario('barrier: 3 programs, once', 3, (world) => {
    const barrier = world.barrier(3);
    return {
      monitor: rounds(3),
      programs: world.threads.map((_, t) =>
        once(function* () {
          yield before([t, 'come']);
          yield after([t, yield* program(t, 'barrier_wait', barrier, FOR_EVER)]);
        }),
      ),
    };
  }),
  scenario('barrier: one of 2 programs waits for a time only: both go on, or it breaks', 2, (world) => {
    const barrier = world.barrier(2);
    const through = world.data('through');
    return {
      clock: TIMED,
      invariant: (view) =>
        world.threads.every((_, t) => view.finished(t)) && view.word(barrier.cell) !== (view.word(through) ? 0 : BROKEN)
          ? 'they did not come to the same'
          : undefined,
      programs: [SOON, FOR_EVER].map((timeout, t) =>
        once(function* () {
          const index = yield* program(t, 'barrier_wait', barrier, timeout);
          if (expect(index, 0, 1, STATUS_BROKEN) === 1) yield { kind: 'write', address: through, value: 1 };
        }),
      ),
    };
  }),
  ...(['barrier_abort', 'barrier_reset'] as const).map((call) =>
    scenario(`barrier: one of 2 programs waits, and the other one breaks that by ${call}`, 2, (world) => {
      const barrier = world.barrier(2);
      return {
        invariant: (view) =>
          view.finished(1) && view.word(barrier.cell) !== (call === 'barrier_abort' ? BROKEN : 0)
            ? 'it is not what the call makes of it'
            : undefined,
        programs: [
          once(function* () {
            expect(yield* program(0, 'barrier_wait', barrier, FOR_EVER), STATUS_BROKEN);
          }),
          once(function* () {
            yield until(barrier.cell + CELL_LENGTH, (length) => length === 1);
            expect(yield* program(1, call, barrier), STATUS_OK);
          }),
        ],
      };
    }),
  ),
  scenario('barrier: 2 programs come as the last of 2 parties, and one begins a round', 3, (world) => {
    const barrier = world.barrier(2);
    const { cell, stamp } = barrier;
    return {
      programs: [
        once(function* () {
          for (const _round of [1, 2])
            expect(yield* call('barrierWait', cell, stamp, world.threads[0]!, FOR_EVER, NO_ACTION), 0, 1);
        }),
        ...[1, 2].map((t) =>
          once(function* () {
            yield until(cell, (word) => word === UNIT);
            expect(yield* program(t, 'barrier_wait', barrier, FOR_EVER), 0, 1);
          }),
        ),
      ],
    };
  }),
  scenario(
    'barrier: a program that must not wait completes rounds',
    2,
    (world) => {
      const barrier = world.barrier(2);
      const alone = world.barrier(1);
      const { cell, stamp } = barrier;
      return {
        programs: [
          once(function* () {
            for (const _round of [1, 2])
              expect(yield* call('barrierWait', cell, stamp, world.threads[0]!, FOR_EVER, NO_ACTION), 0);
          }),
          once(function* () {
            expect(yield* program(1, 'barrier_wait', alone, FOR_EVER), 0);
            for (const _round of [1, 2]) {
              yield until(cell, (word) => word === UNIT);
              expect(yield* program(1, 'barrier_wait', barrier, FOR_EVER), 1);
            }
          }),
        ],
      };
    },
    [1],
  ),
  ...(['lock', 'rlock'] as const).map((kind) =>
    scenario(
      `condition: a program that must not wait notifies a thread in JavaScript, over ${kind === 'lock' ? 'a Lock' : 'an RLock'}`,
      2,
      (world) => {
        const lock = world[kind]();
        const { cell, stamp } = world.condition(lock);
        const [me] = world.threads as [number, number];
        return {
          programs: [
            once(function* () {
              expect(yield* call(`${kind}Acquire`, lock.cell, lock.stamp, me, FOR_EVER), STATUS_OK);
              const status = yield* call('condWait', cell, stamp, me, me, FOR_EVER, Number(kind === 'rlock'));
              expect(status, STATUS_OK);
              expect(yield* call(`${kind}Release`, lock.cell, lock.stamp, me), STATUS_OK);
            }),
            once(function* () {
              yield until(cell + CELL_LENGTH, (length) => length === 1);
              yield until(lock.cell, (word) => word === 0);
              expect(yield* program(1, `${kind}_acquire`, lock, FOR_EVER), STATUS_OK);
              expect(yield* program(1, 'cond_notify', { cell, stamp }, 1), STATUS_OK);
              expect(yield* program(1, `${kind}_release`, lock), STATUS_OK);
            }),
          ],
        };
      },
      [1],
    ),
  ),
  scenario('condition: a wait of a program notifies nobody', 2, (world) => {
    const lock = world.lock();
    const condition = world.condition(lock);
    const waits = function* (t: number, timeout: number): Script {
      expect(yield* program(t, 'lock_acquire', lock, FOR_EVER), STATUS_OK);
      expect(yield* program(t, 'cond_wait', condition, timeout), STATUS_TIMEOUT);
      expect(yield* program(t, 'lock_release', lock), STATUS_OK);
    };
    return {
      clock: TIMED,
      mayStarve: (thread) => thread === 0,
      programs: [
        once(() => waits(0, FOR_EVER)),
        once(function* () {
          yield until(condition.cell + CELL_LENGTH, (length) => length === 1);
          yield* waits(1, SOON);
        }),
      ],
    };
  }),
  ...[FOR_EVER, SOON].map((timeout) =>
    scenario(
      `condition: a program waits until a number is there that another one brings${timeout === SOON ? ', timed' : ''}`,
      2,
      (world) => {
        const lock = world.lock();
        const condition = world.condition(lock);
        const number = world.data('number');
        return {
          clock: timed(timeout),
          programs: [
            once(function* () {
              expect(yield* program(0, 'lock_acquire', lock, FOR_EVER), STATUS_OK);
              while (!(yield* get(number)))
                if ((yield* program(0, 'cond_wait', condition, timeout)) === STATUS_TIMEOUT) break;
              expect(yield* program(0, 'lock_release', lock), STATUS_OK);
            }),
            once(function* () {
              expect(yield* program(1, 'lock_acquire', lock, FOR_EVER), STATUS_OK);
              yield { kind: 'write', address: number, value: 1 };
              expect(yield* program(1, 'cond_notify', condition, 1), STATUS_OK);
              expect(yield* program(1, 'lock_release', lock), STATUS_OK);
            }),
          ],
        };
      },
    ),
  ),
  scenario('what is refused, and what things are', 1, (world) => {
    const [lock, rlock, semaphore, event] = [world.lock(), world.rlock(), world.semaphore(1, 1), world.event()];
    const [barrier, condition, bounded] = [world.barrier(1), world.condition(lock), world.bounded(3)];
    const others = world.rlock();
    const over = world.condition(others);
    world.poke(others.cell, world.task(world.threads[0]!));
    const filling = world.barrier(9);
    const acting = world.barrier(9);
    world.poke(filling.cell, 5 * UNIT);
    world.poke(acting.cell, world.threads[0]! | ACTION);
    /** Each call, a primitive for it and the rest of its arguments. */
    const calls: readonly [name: string, of: Primitive, ...rest: number[]][] = [
      ['lock_acquire', lock, 0],
      ['lock_release', lock],
      ['lock_recover', lock],
      ['rlock_acquire', rlock, 0],
      ['rlock_release', rlock],
      ['rlock_recover', rlock],
      ['sem_acquire', semaphore, 0],
      ['sem_release', semaphore, 1],
      ['event_wait', event, 0],
      ['event_set', event],
      ['event_clear', event],
      ['barrier_wait', barrier, 0],
      ['barrier_abort', barrier],
      ['barrier_reset', barrier],
      ['cond_wait', condition, 0],
      ['cond_notify', condition, 1],
    ];
    const all = [lock, rlock, semaphore, bounded, event, barrier, condition];
    const total = 64 * CELL_SIZE;
    return {
      programs: [
        once(function* () {
          for (const [name, { cell, stamp }, ...rest] of calls) {
            const at = (cell: number, stamp: number) => program(0, name, { cell, stamp }, ...rest);
            for (const bad of [0, 8, cell + 1, cell + 4, world.arena - CELL_SIZE, world.arena + total, -CELL_SIZE, -1])
              expect(yield* at(bad, stamp), STATUS_INVALID);
            expect(yield* at(cell, 0), STATUS_INVALID);
            expect(yield* at(cell, stamp + 100), STATUS_DESTROYED);
            const isOther = (it: Primitive): boolean =>
              it.cell !== cell && !(it === bounded && name.startsWith('sem_'));
            for (const other of all.filter(isOther)) expect(yield* at(other.cell, other.stamp), STATUS_INVALID);
          }
          for (const [name, of] of calls.filter(([name]) => /acquire|wait/.test(name)))
            for (const time of [Number.NaN, ...(name === 'barrier_wait' ? [] : [-1])])
              expect(yield* program(0, name, of, time), STATUS_INVALID);
          for (const n of [0, -1, 0x4000000]) expect(yield* program(0, 'sem_release', semaphore, n), STATUS_INVALID);
          expect(yield* program(0, 'sem_release', semaphore, 1), STATUS_OVER_RELEASE);
          expect(yield* program(0, 'cond_notify', condition, -1), STATUS_INVALID);
          for (const name of ['lock_release', 'lock_recover']) expect(yield* program(0, name, lock), STATUS_NOT_HELD);
          for (const name of ['rlock_release', 'rlock_recover'])
            expect(yield* program(0, name, rlock), STATUS_NOT_HELD);
          for (const it of [condition, over])
            for (const name of ['cond_wait', 'cond_notify']) expect(yield* program(0, name, it, 1), STATUS_NOT_HELD);
          for (const it of all) expect(yield* program(0, 'value', it), it === semaphore ? 1 : it === bounded ? 3 : 0);
          for (const bad of [0, lock.cell + 4])
            expect(yield* program(0, 'value', { ...lock, cell: bad }), STATUS_INVALID);
          expect(yield* program(0, 'value', { ...lock, stamp: lock.stamp + 100 }), STATUS_DESTROYED);
          expect(yield* program(0, 'value', filling), 5);
          expect(yield* program(0, 'value', acting), 0);
          expect(yield* program(0, 'sem_acquire', bounded, 0), STATUS_OK);
          expect(yield* program(0, 'value', bounded), 2);
          expect(yield* program(0, 'sem_release', bounded, 1), STATUS_OK);
          for (const _again of [1, 2]) {
            expect(yield* program(0, 'barrier_abort', barrier), STATUS_OK);
            expect(yield* program(0, 'barrier_wait', barrier, 0), STATUS_BROKEN);
            expect(yield* program(0, 'value', barrier), 0);
            expect(yield* program(0, 'barrier_reset', barrier), STATUS_OK);
            expect(yield* program(0, 'barrier_wait', barrier, 0), 0);
          }
          expect(yield* program(0, 'lock_acquire', lock, 0), STATUS_OK);
          expect(yield* program(0, 'lock_acquire', lock, 0), STATUS_TIMEOUT);
          expect(yield* program(0, 'rlock_acquire', rlock, 0), STATUS_OK);
          // The words are as those of a Lock that this thread holds.
          expect(yield* program(0, 'lock_release', rlock), STATUS_INVALID);
          expect(yield* program(0, 'lock_release', { ...lock, stamp: lock.stamp + 100 }), STATUS_DESTROYED);
          expect(yield* program(0, 'sem_acquire', semaphore, 0), STATUS_OK);
          expect(yield* program(0, 'sem_acquire', semaphore, 0), STATUS_TIMEOUT);
          expect(yield* program(0, 'event_wait', event, 0), STATUS_TIMEOUT);
          expect(yield* program(0, 'event_set', event), STATUS_OK);
          expect(yield* program(0, 'event_wait', event, 0), STATUS_OK);
          expect(yield* program(0, 'barrier_wait', barrier, 0), 0);
          expect(yield* program(0, 'cond_notify', condition, 0), STATUS_OK);
          for (const it of [lock, rlock, semaphore, event])
            expect(yield* program(0, 'value', it), it === semaphore ? 0 : 1);
          for (const [name, of] of [
            ['lock_release', lock],
            ['rlock_release', rlock],
          ] as const)
            expect(yield* program(0, name, of), STATUS_OK);
        }),
      ],
    };
  }),
];
