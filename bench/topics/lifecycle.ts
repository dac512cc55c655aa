/** What a lock costs before and after its use: to make, to post, to attach; to have at all; and to have many. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { Arena, Barrier, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { type Claim, within } from '../harness/claims.ts';
import { path } from '../harness/files.ts';
import { copy, type Rival, repeat, sample } from '../harness/rival.ts';
import type { Topic } from '../harness/topic.ts';
import { AtomicsMutex } from '../rivals/atomics.ts';

const NEWCOMER = new URL('./newcomer.js', import.meta.url);
const BATCH = 1000;
/** What newcomers attach. */
const SHARED = new Lock();

const WORD = 'Int32Array of a SharedArrayBuffer';

const create: Topic = {
  name: 'lifecycle:create',
  title: 'ns to make a primitive and destroy it',
  baseline: WORD,
  part: 1 / 3,
  claims: [],
  open: () => ({
    rivals: [
      batches(WORD, false, () => new Int32Array(new SharedArrayBuffer(4))),
      ...[Lock, RLock, Semaphore, Event, Condition].map((Primitive) =>
        batches(Primitive.name, true, () => new Primitive().destroy()),
      ),
      batches('Barrier', true, () => new Barrier(2).destroy()),
    ],
  }),
};

/** A thread that is there already: it makes something of what is posted, looks into it, and says what it saw. */
const post: Topic = {
  name: 'lifecycle:post',
  title: 'ns to post it to a thread, attach it there, and hear of it',
  baseline: WORD,
  part: 1 / 3,
  claims: [],
  async open() {
    const held = new Lock();
    held.acquire();
    const worker = new Worker(NEWCOMER, { workerData: SHARED });
    await once(worker, 'message');
    return {
      rivals: [
        posts(WORD, false, worker, new Int32Array(new SharedArrayBuffer(4)).fill(1)),
        posts('Lock', true, worker, held),
      ],
      close: async () => void (await worker.terminate()),
    };
  },
};

/** What a newcomer says: when it was at its first line, and ns for the others. */
type Report = Record<'first' | 'import' | 'attach' | 'use', bigint>;

const WORKER = 'new Worker, to its first line';
const ATTACH = 'attach in a new worker';

const start: Topic = {
  name: 'lifecycle:start',
  title: 'What a new thread or process needs until it has its first Lock',
  baseline: WORKER,
  part: 1 / 3,
  claims: [
    within(1, ATTACH, 'What attach takes in a new worker'),
    small(4, 'dist/core.wasm', () => readFileSync(path('dist/core.wasm'))),
    small(8, 'The whole package, bundled, minified and compressed', bundle),
  ],
  open: () => ({
    rivals: [
      newcomers(WORKER, false, thread, 'first'),
      newcomers('import in a new worker', true, thread, 'import'),
      newcomers(ATTACH, true, thread, 'attach'),
      newcomers('first acquire and release in it', true, thread, 'use'),
      newcomers('new process, to its first line', false, child, 'first'),
      newcomers('import in a new process', true, child, 'import'),
      newcomers('first Lock in it', true, child, 'attach'),
    ],
  }),
};

const COUNTS = [10, 1000, 100_000];
const many = (count: number, what: string) => `${count.toLocaleString('en')} ${what}`;

const growth: Topic = {
  name: 'lifecycle:growth',
  title: 'ns to acquire and release one of many, in no order',
  baseline: many(10, 'Locks'),
  part: 1 / 3,
  claims: [],
  open() {
    const arena = new Arena();
    return {
      rivals: COUNTS.flatMap((count) => {
        const words = new SharedArrayBuffer(count * 64);
        const mutexes = Array.from({ length: count }, (_, i) => new AtomicsMutex(new Int32Array(words, i * 64, 1)));
        const locks = Array.from({ length: count }, () => new Lock({ arena }));
        return [visits(many(count, 'mutexes on Atomics'), false, mutexes), visits(many(count, 'Locks'), true, locks)];
      }),
    };
  },
};

export const lifecycle: Topic[] = [create, post, start, growth];

function batches(name: string, ours: boolean, make: () => unknown): Rival {
  const { used } = Arena.default;
  return repeat(name, ours, BATCH, () => {
    for (let i = 0; i < BATCH; i++) make();
    if (Arena.default.used !== used) throw new Error(`${name}: not all of them were destroyed`);
  });
}

function posts(name: string, ours: boolean, worker: Worker, it: unknown): Rival {
  return repeat(name, ours, 1, async () => {
    worker.postMessage(it);
    const [answer] = await once(worker, 'message');
    if (answer !== true) throw new Error(`${name}: the other thread does not see it`);
  });
}

async function thread(): Promise<Report> {
  const worker = new Worker(NEWCOMER, { workerData: SHARED });
  const [report] = await once(worker, 'message');
  await worker.terminate();
  return report;
}

async function child(): Promise<Report> {
  const newcomer = fork(fileURLToPath(NEWCOMER), { serialization: 'advanced' });
  const [[report]] = await Promise.all([once(newcomer, 'message'), once(newcomer, 'exit')]);
  return report;
}

function newcomers(name: string, ours: boolean, begin: () => Promise<Report>, what: keyof Report): Rival {
  return sample(name, ours, async () => {
    const start = process.hrtime.bigint();
    const { [what]: figure } = await begin();
    return Number(what === 'first' ? figure - start : figure);
  });
}

function visits(name: string, ours: boolean, locks: { acquire(): unknown; release(): void }[]): Rival {
  const laps = Math.ceil(BATCH / locks.length);
  // Neighbours would be fetched together.
  const shuffled = locks.map((lock, i) => ({ lock, place: (i * 48_271) % 65_521 })).sort((a, b) => a.place - b.place);
  const lap = copy((locks: { acquire(): unknown; release(): void }[], laps: number) => () => {
    for (let i = 0; i < laps; i++) {
      for (const lock of locks) {
        lock.acquire();
        lock.release();
      }
    }
  })(
    shuffled.map(({ lock }) => lock),
    laps,
  );
  return repeat(name, ours, laps * locks.length, lap);
}

function small(kilobytes: number, what: string, contents: () => Buffer): Claim {
  return {
    text: `${what}: KB, at most ${kilobytes}`,
    ratio: () => ({ ratio: contents().length / 1024 }),
    holds: (size) => size <= kilobytes,
  };
}

/** What an app gets that uses all of it. */
function bundle(): Buffer {
  const { outputFiles } = buildSync({
    stdin: { contents: "export * from 'lockwork'", resolveDir: path('') },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 });
}
