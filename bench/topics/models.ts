/** The ways to do several things at once in Node: what it takes to begin one, and to exchange data with it. */
import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Arena, Semaphore } from 'lockwork';
import { type Rival, repeat, sample } from '../harness/rival.ts';
import type { Topic } from '../harness/topic.ts';

const PARTNER = new URL('./partner.js', import.meta.url);
const PATH = fileURLToPath(PARTNER);

/** Another side that is there, and answers. */
interface Partner {
  /** It gets some bytes, and gives as many back, the first and the last increased by one. */
  exchange(bytes: Uint8Array): Promise<Uint8Array>;
  end(): Promise<unknown>;
}

interface Model {
  name: string;
  /** Whether lockwork has a part in it. */
  ours?: boolean;
  /** Begins one, and resolves when it could be given work. `bytes` are those that will be exchanged. */
  begin(bytes: Uint8Array): Promise<Partner>;
  allocate?(size: number): Uint8Array;
}

const TASK: Model = {
  name: 'async task',
  async begin() {
    await null;
    return {
      async exchange(bytes) {
        bytes[0]!++;
        bytes[bytes.length - 1]!++;
        return bytes;
      },
      end: async () => {},
    };
  },
};
const WORKER: Model = { name: 'worker thread', begin: () => thread(false) };
const PROCESS: Model = {
  name: 'child process',
  begin: () => messenger(fork(PATH, { serialization: 'advanced' })),
};
const MEMBER: Model = { name: 'cluster worker', begin: member };

const SHARED = 'worker thread, shared memory';
/** ms */
const PATIENCE = 10_000;

const EXCHANGES: Model[] = [
  { ...TASK, name: 'async task, by reference' },
  { ...WORKER, name: 'worker thread, copied' },
  { name: 'worker thread, transferred', begin: () => thread(true) },
  shared(SHARED, (reply) => reply.acquire(PATIENCE)),
  shared('worker thread, shared memory, awaited', (reply) => reply.acquireAsync({ timeout: PATIENCE })),
  { ...PROCESS, name: 'child process, copied' },
  { ...MEMBER, name: 'cluster worker, copied' },
];

const start: Topic = {
  name: 'models:start',
  title: 'Ways to do several things at once: ns until one more can be given work',
  baseline: WORKER.name,
  claims: [],
  part: 1 / 3,
  open: () => ({ rivals: [TASK, WORKER, PROCESS, MEMBER].map(starts) }),
};

export const models: Topic[] = [start, exchange('1KB', '1 KB', 1024), exchange('1MB', '1 MB', 1024 * 1024)];

function exchange(name: string, amount: string, size: number): Topic {
  return {
    name: `models:${name}`,
    title: `ns to exchange ${amount}: there and back`,
    baseline: SHARED,
    claims: [],
    part: 1 / 3,
    async open() {
      const partners: Partner[] = [];
      const rivals: Rival[] = [];
      for (const model of EXCHANGES) {
        const bytes = model.allocate?.(size) ?? new Uint8Array(size);
        const partner = await model.begin(bytes);
        partners.push(partner);
        rivals.push(exchanges(model, partner, bytes));
      }
      return { rivals, close: async () => void (await Promise.all(partners.map((partner) => partner.end()))) };
    },
  };
}

function starts({ name, begin }: Model): Rival {
  return sample(name, false, async () => {
    const start = performance.now();
    const partner = await begin(new Uint8Array(1));
    const ns = (performance.now() - start) * 1e6;
    await partner.end();
    return ns;
  });
}

function exchanges({ name, ours = false }: Model, { exchange }: Partner, mine: Uint8Array): Rival {
  for (let i = 0; i < mine.length; i++) mine[i] = i * 7;
  let bytes = mine;
  const expected = bytes.slice();
  const { measure } = repeat(name, ours, 1, async () => {
    bytes = await exchange(bytes);
    expected[0]!++;
    expected[expected.length - 1]!++;
    // A look at all of them would cost more than to exchange them.
    if (bytes[0] !== expected[0] || bytes.at(-1) !== expected.at(-1)) throw new Error(`${name}: a wrong answer`);
  });
  return {
    name,
    ours,
    async measure(window) {
      const measured = await measure(window);
      if (Buffer.compare(bytes, expected)) throw new Error(`${name}: something is lost on the way`);
      return measured;
    },
  };
}

async function thread(transferred: boolean): Promise<Partner> {
  const worker = new Worker(PARTNER, { workerData: { transferred } });
  await once(worker, 'message');
  return {
    async exchange(bytes) {
      worker.postMessage(bytes, transferred ? [bytes.buffer as ArrayBuffer] : []);
      return (await once(worker, 'message'))[0];
    },
    end: () => worker.terminate(),
  };
}

/** Nothing is sent: both know where the bytes are, and tell each other that it is their turn. */
function shared(name: string, wait: (reply: Semaphore) => boolean | Promise<boolean>): Model {
  return {
    name,
    ours: true,
    allocate: (size) => Arena.default.allocate(Uint8Array, size),
    async begin(bytes) {
      const [question, reply] = [new Semaphore(0), new Semaphore(0)];
      const worker = new Worker(PARTNER, { workerData: { bytes, question, reply } });
      await once(worker, 'message');
      return {
        async exchange() {
          question.release();
          if (!(await wait(reply))) throw new Error(`${name}: no answer`);
          return bytes;
        },
        end: () => worker.terminate(),
      };
    },
  };
}

function member(): Promise<Partner> {
  cluster.setupPrimary({ exec: PATH, serialization: 'advanced' });
  return messenger(cluster.fork().process);
}

async function messenger(child: ChildProcess): Promise<Partner> {
  await once(child, 'message');
  return {
    async exchange(bytes) {
      child.send(bytes);
      return (await once(child, 'message'))[0];
    },
    end() {
      child.kill();
      return once(child, 'exit');
    },
  };
}
