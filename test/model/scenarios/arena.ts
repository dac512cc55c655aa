/**
 * Arena: a block belongs to one thread at a time, and nobody is told "full" while there is room. One that is destroyed
 * is touched by no call any more, whenever that began.
 */

import {
  CELL_ARENA,
  CELL_GENERATION,
  CELL_NEXT,
  CELL_PREV,
  CELL_SIZE,
  CELL_STAMP,
  HEADER_FIRST,
  HEADER_FLAGS,
  HEADER_FREES,
  HEADER_KEEPERS,
  HEADER_ROVER,
  HEADER_SIZE,
  HEADER_SPARES,
  HEADER_STAMPS,
  HEADER_TOTAL,
  HEADER_USED,
  KIND_ARRAY,
  KIND_BOUNDED_SEMAPHORE,
  KIND_EVENT,
  KIND_INSIDE,
  KIND_LOCK,
  KIND_TASK,
  KIND_THREAD,
  STATUS_BUSY,
  STATUS_DESTROYED,
  STATUS_OK,
  THREAD_CORES,
  THREAD_MAX_SPINS,
  THREAD_OWNING_THREAD,
  THREAD_SPIN_BUDGET,
} from '../../../assembly/abi.ts';
import {
  call,
  expect,
  forever,
  ID,
  linearizable,
  look,
  mark,
  observed,
  once,
  type Scenario,
  set,
  use,
  type World,
} from '../scenario.ts';
import type { View } from '../system.ts';
import type { Script } from '../thread.ts';

/** When nobody is in a call, as many cells are marked in the map as are counted. */
function miscounted(world: World, view: View): string | undefined {
  if (world.threads.some((_, t) => view.inside(t))) return undefined;
  const { arena } = world;
  let marked = 0;
  for (let cell = view.word(arena + HEADER_FIRST); cell < view.word(arena + HEADER_TOTAL); cell++)
    if ((view.word((arena + HEADER_SIZE + cell) & ~3) >> (8 * (cell & 3))) & 255) marked++;
  return marked === view.word(arena + HEADER_USED)
    ? undefined
    : `${marked} cells are taken, and the arena counts otherwise`;
}

/** How often the first thread takes a block while the others do it once: often enough to outrun a search. */
const ROUNDS = 6;

/** Takes a block, uses it, and gives it back. `full`: what it may get instead. */
function* turn(arena: number, cells: number, full?: number): Script {
  const block = yield* call('alloc', arena, ID, KIND_ARRAY, cells);
  if (block === full) return;
  expect(block === 0 ? 0 : 1, 1);
  // Fresh blocks are zero, all of them.
  for (let cell = 0; cell < cells; cell++) {
    expect(yield* look(block + 64 * cell + 60), 0);
    yield* use(block + 64 * cell + 60);
    yield { kind: 'write', address: block + 64 * cell + 60, value: 1 };
  }
  expect(yield* call('free', arena, block, cells, KIND_ARRAY), 1);
}

/** Threads that take blocks of so many cells, use them, and give them back. */
const busy = (name: string, blocks: readonly number[], free: number, mayBeFull: boolean): Scenario => ({
  primitive: 'arena',
  name,
  threads: blocks.length,
  cells: 5 + blocks.length + free,
  build(world) {
    const { arena } = world;
    return {
      // A search compares this count with what it was at its beginning. While one search stands still, others may count
      // on for ever; for them it must come round some time, and then a search may wrongly say "full".
      wraps: new Map(mayBeFull ? [[arena + HEADER_FREES, 2]] : []),
      invariant: (view) => miscounted(world, view),
      programs: blocks.map((cells, t) =>
        mayBeFull
          ? forever(() => turn(arena, cells, 0))
          : once(function* () {
              for (let round = 0; round < (t === 0 ? ROUNDS : 1); round++) yield* turn(arena, cells);
            }),
      ),
    };
  },
});

/** Destroys the arena if it may; then its bytes are the user's, which writes over them. The life stays: it says so. */
function* destroy(world: World, cells: number, ...allowed: number[]): Script<number> {
  const { arena } = world;
  const status = expect(yield* call('arenaDestroy', arena, ID), STATUS_OK, STATUS_BUSY, ...allowed);
  if (status !== STATUS_OK) return status;
  const map = Array.from({ length: Math.ceil(cells / 4) }, (_, word) => HEADER_SIZE + 4 * word);
  for (const offset of [HEADER_FLAGS, HEADER_TOTAL, HEADER_FIRST, HEADER_USED, HEADER_ROVER, HEADER_FREES, ...map])
    yield set(arena + offset, 0x0a0a0a0a);
  for (let cell = 5; cell < cells; cell++) yield* use(arena + 64 * cell + 60);
  return status;
}

/** An arena in which so many blocks are, or which is gone. */
const life = linearizable<number>(
  {
    initial: 0,
    apply(blocks, _thread, [name]) {
      const gone = blocks < 0;
      if (name === 'alloc') return gone ? [[0, blocks]] : [[1, blocks + 1]];
      if (name === 'free') return [[0, blocks - 1]];
      return blocks === 0 ? [[STATUS_OK, -1]] : [[gone ? STATUS_DESTROYED : STATUS_BUSY, blocks]];
    },
  },
  3,
);

/** Threads that take a block and give it back while another destroys the arena: of the two that meet one fails. */
const allocating = (name: string, threads: number, rounds: number): Scenario => {
  const cells = 5 + 2 * threads;
  return {
    primitive: 'arena',
    name,
    threads,
    cells,
    build(world) {
      const { arena, threads: all } = world;
      return {
        monitor: life,
        programs: all.map((_, t) =>
          once(function* () {
            if (t === 0) return void (yield* observed(['destroy'], destroy(world, cells)));
            for (let round = 0; round < rounds; round++) {
              let block = 0;
              const got = yield* observed(
                ['alloc'],
                (function* () {
                  block = yield* call('alloc', arena, ID, KIND_ARRAY, 1);
                  return block && 1;
                })(),
              );
              if (!got) return;
              yield* use(block + 60);
              yield* observed(
                ['free'],
                (function* () {
                  expect(yield* call('free', arena, block, 1, KIND_ARRAY), 1);
                  return 0;
                })(),
              );
            }
          }),
        ),
      };
    },
  };
};

/** Threads that come and go, and others that destroy the arena: one of these at the most has it for itself. */
const coming = (name: string, comers: number, destroyers: number): Scenario => {
  const threads = comers + destroyers;
  const cells = 5 + 2 * threads;
  return {
    primitive: 'arena',
    name,
    threads,
    cells,
    build(world) {
      const { arena, threads: all } = world;
      return {
        programs: all.map((me, t) =>
          once(function* () {
            if (t >= comers) return void (yield* destroy(world, cells, STATUS_DESTROYED));
            const task = yield* call('addRecord', arena, ID, KIND_TASK, -1, 2, me, 0);
            if (!task) return void expect(Math.min(yield* look(arena + HEADER_KEEPERS), 0), -(2 ** 31));
            yield* call('dropRecord', arena, ID, task);
          }),
        ),
      };
    },
  };
};

/** Threads that end, each with a record of its own, which then becomes a new thread's: all of them are counted. */
const succeeding = (name: string, threads: number): Scenario => ({
  primitive: 'arena',
  name,
  threads,
  build(world) {
    const { arena } = world;
    const add = (spare: number) => ['addRecord', arena, ID, KIND_THREAD, 0, 2, 0, spare] as const;
    const records = world.threads.map(() => world.call(...add(0)));
    const used = world.peek(arena + HEADER_USED);
    return {
      invariant(view) {
        if (world.threads.some((_, t) => view.inside(t))) return undefined;
        const [now, spares] = [view.word(arena + HEADER_USED), view.word(arena + HEADER_SPARES)];
        return now + spares === used && spares >= 0 && spares <= threads
          ? undefined
          : `of ${used} records ${now} are used, and ${spares} spare`;
      },
      programs: records.map((record) =>
        once(function* () {
          yield* call('dropRecord', arena, ID, record);
          expect(yield* call(...add(record)), record);
        }),
      ),
    };
  },
});

/** One thread, everything one after the other. */
const alone = (name: string, body: (world: World, me: number) => Script): Scenario => ({
  primitive: 'arena',
  name,
  threads: 1,
  cells: 9,
  build: (world) => ({ programs: [once(() => body(world, world.threads[0]!))] }),
});

/** All cells are taken, so whoever needs one gets what another gives back. */
const full = (name: string, play: (world: World) => readonly (() => Script)[]): Scenario => ({
  primitive: 'arena',
  name,
  threads: 2,
  cells: 8,
  build: (world) => ({
    wraps: new Map([[world.arena + HEADER_FREES, 2]]),
    invariant: (view) => miscounted(world, view),
    programs: play(world).map(once),
  }),
});

export const arena: readonly Scenario[] = [
  busy('one thread', [2], 3, false),
  busy('2 threads, room for 2', [1, 1], 2, false),
  busy('2 threads, a block of 2 and one of 1, room for both', [2, 1], 4, false),
  busy('3 threads, room for 1', [1, 1, 1], 1, true),
  full('2 threads give the same array back: one of them does', (world) => {
    const { arena } = world;
    const block = world.call('alloc', arena, ID, KIND_ARRAY, 1);
    const given = world.data('given');
    const give = function* (): Script {
      if (!(yield* call('free', arena, block, 1, KIND_ARRAY))) return;
      // Twice would be a race.
      yield* use(given);
    };
    return [give, give];
  }),
  full('a primitive is destroyed beside a thread that makes another', (world) => {
    const { arena } = world;
    const { cell, stamp } = world.event();
    return [
      function* () {
        expect(yield* call('destroy', cell, stamp, world.threads[0]!, 0, 0, 0), STATUS_OK);
      },
      function* () {
        const made = yield* call('create', arena, ID, KIND_LOCK);
        if (expect(made, 0, cell) === 0) return;
        expect(yield* look(made + CELL_ARENA), arena);
        expect(yield* look(made + CELL_STAMP), stamp + 1);
      },
    ];
  }),
  {
    primitive: 'arena',
    name: '2 threads make a primitive each',
    threads: 2,
    cells: 9,
    build(world) {
      const stamps = world.threads.map((_, t) => world.data(`stamp${t + 1}`));
      return {
        invariant(view) {
          const [one, other] = stamps.map((word) => view.word(word));
          return one && one === other ? 'both have the same stamp' : miscounted(world, view);
        },
        programs: stamps.map((stamp) =>
          once(function* () {
            const cell = yield* call('create', world.arena, ID, KIND_EVENT);
            expect(Math.sign(cell), 1);
            yield* use(cell);
            yield mark(stamp, yield* look(cell + CELL_STAMP));
          }),
        ),
      };
    },
  },
  alone('a search that finds too little gives back what it found', function* (world) {
    const { arena } = world;
    const alloc = (cells: number): Script<number> => call('alloc', arena, ID, KIND_ARRAY, cells);
    const first = yield* alloc(2);
    const last = first + 2 * CELL_SIZE;
    expect(yield* alloc(1), last);
    // A walk over the map sees where a block ends.
    for (const [cell, kind] of [
      [first, KIND_ARRAY],
      [first + CELL_SIZE, KIND_INSIDE],
      [last, KIND_ARRAY],
    ] as const)
      expect(yield* world.kindOf(cell), kind);
    expect(yield* alloc(1), 0);
    // The next search begins and ends at the last cell, and that is the only free one.
    expect(yield* call('free', arena, first, 2, KIND_ARRAY), 1);
    for (const cell of [first, first + CELL_SIZE]) expect(yield* alloc(1), cell);
    expect(yield* call('free', arena, last, 1, KIND_ARRAY), 1);
    expect(yield* alloc(6), 0);
    expect(yield* alloc(1), last);
  }),
  alone('primitives are made one after the other', function* ({ arena }) {
    const one = yield* call('create', arena, ID, KIND_LOCK);
    const two = yield* call('create', arena, ID, KIND_BOUNDED_SEMAPHORE);
    expect(two - one, CELL_SIZE);
    expect((yield* look(two + CELL_STAMP)) - (yield* look(one + CELL_STAMP)), 1);
    expect(yield* look(two + CELL_STAMP), yield* look(arena + HEADER_STAMPS));
    const three = yield* call('create', arena, ID, KIND_EVENT);
    for (const cell of [one, two, three]) {
      expect(yield* look(cell + CELL_ARENA), arena);
      for (const link of [CELL_NEXT, CELL_PREV]) expect(yield* look(cell + link), cell);
      // Of what is acquired it says in which life of the cell a waiter entered: withdraw.ts.
      expect(yield* look(cell + CELL_GENERATION), yield* look(cell + CELL_STAMP));
    }
  }),
  allocating('destroyed beside a thread that allocates, twice', 2, 2),
  allocating('destroyed beside 2 threads that allocate', 3, 1),
  coming('destroyed beside a thread that comes and goes', 1, 1),
  coming('destroyed beside 2 threads that come and go', 2, 1),
  coming('destroyed by 2 at once, beside a thread that comes and goes', 1, 2),
  succeeding('the records of 2 threads that end become those of others', 2),
  alone('destroyed when nothing is in it', function* ({ arena }, me) {
    const block = yield* call('alloc', arena, ID, KIND_ARRAY, 1);
    expect(yield* call('arenaDestroy', arena, ID), STATUS_BUSY);
    expect(yield* call('free', arena, block, 1, KIND_ARRAY), 1);
    expect(yield* call('alloc', arena, ID, KIND_ARRAY, 4), 0);
    const [task, other] = [
      yield* call('addRecord', arena, ID, KIND_TASK, -1, 2, me, 0),
      yield* call('addRecord', arena, ID, KIND_THREAD, 9, 3, 0, 0),
    ];
    const used = yield* look(arena + HEADER_USED);
    for (const [record, spins, cores, home] of [
      [task, -1, 2, me],
      [other, 9, 3, other],
    ] as const) {
      expect(yield* look(record + CELL_ARENA), arena);
      expect(yield* look(record + THREAD_SPIN_BUDGET), spins);
      expect(yield* look(record + THREAD_MAX_SPINS), spins);
      expect(yield* look(record + THREAD_CORES), cores);
      expect(yield* look(record + THREAD_OWNING_THREAD), home);
    }
    // It is full now.
    const last = yield* call('addRecord', arena, ID, KIND_TASK, -1, 2, me, 0);
    expect(yield* call('addRecord', arena, ID, KIND_TASK, -1, 2, me, 0), 0);
    for (const record of [last, other]) yield* call('dropRecord', arena, ID, record);
    expect(yield* look(arena + HEADER_USED), used - 1);
    expect(yield* call('arenaDestroy', arena, ID), STATUS_OK);
    yield* call('dropRecord', arena, ID, task);
    expect(yield* look(arena + HEADER_USED), used - 1);
    expect(yield* call('alloc', arena, ID, KIND_ARRAY, 1), 0);
    expect(yield* call('addRecord', arena, ID, KIND_TASK, -1, 2, me, 0), 0);
    expect(yield* call('arenaDestroy', arena, ID), STATUS_DESTROYED);
  }),
  alone('another is in its place', function* ({ arena, threads }, me) {
    const used = yield* look(arena + HEADER_USED);
    expect(yield* call('alloc', arena, ID + 1, KIND_ARRAY, 1), 0);
    expect(yield* call('create', arena, ID + 1, KIND_ARRAY), 0);
    expect(yield* call('addRecord', arena, ID + 1, KIND_TASK, -1, 2, me, 0), 0);
    yield* call('dropRecord', arena, ID + 1, threads[0]!);
    expect(yield* call('arenaDestroy', arena, ID + 1), STATUS_DESTROYED);
    expect(yield* look(arena + HEADER_USED), used);
    expect(yield* look(arena + HEADER_KEEPERS), 0);
    expect(yield* call('arenaDestroy', arena, ID), STATUS_OK);
  }),
];
