/** What a program in WebAssembly pays for a lock that nobody else wants, by how it gets at it. */
import { Arena, Lock, RLock, Semaphore } from 'lockwork';
import { atLeast, atMost } from '../harness/claims.ts';
import { BATCH, blocking } from '../harness/loops.ts';
import { copy } from '../harness/rival.ts';
import type { Topic } from '../harness/topic.ts';
import { FLOOR, instantiate, instantiateProgram, makeMemory } from '../rivals/wasm.ts';

const LOCK = 'Lock, imported';
const SUSPENDED = 'Lock, imported, suspend';
const LATE = 'Lock, imported, bound later';
const CLOSURES = 'Lock, by closures in JavaScript';

type Calls = Readonly<Record<string, (...args: number[]) => number>>;

export const wasm: Topic = {
  name: 'wasm',
  title: 'A program in WebAssembly, nobody else: ns for acquire and release',
  baseline: FLOOR,
  claims: [
    atMost(1.5, {
      ours: [LOCK, SUSPENDED, LATE],
      theirs: FLOOR,
      text: 'an imported Lock takes at most 1.5 times the floor',
    }),
    atLeast(1.3, { ours: LOCK, theirs: CLOSURES, text: 'it is at least 1.3 times as fast as closures that call it' }),
  ],
  async open() {
    // Only here: a build that another topic is compared with may have no such entry.
    const { imports } = await import('lockwork/wasm');
    const arena = new Arena();
    const { memory } = arena;
    const [lock, rlock, semaphore] = [new Lock({ arena }), new RLock({ arena }), new Semaphore(1, { arena })];
    const late = imports(memory);
    late.bind(arena);
    const closures: Calls = {
      lock_acquire: (_address, _stamp, timeout) => (lock.acquire(timeout) ? 0 : -1),
      lock_release: () => {
        lock.release();
        return 0;
      },
    };
    const { lockwork } = imports(arena);
    const { floor } = instantiate(makeMemory());
    const pairs = (name: string, call: 'lock' | 'rlock' | 'semaphore', of: Lock | RLock | Semaphore, calls: Calls) => {
      // An instance for each: engines compile a module's calls for what an instance imports first.
      const program = instantiateProgram({ ...lockwork, ...calls });
      const batch = (run: (address: number, stamp: number, pairs: number) => void, of: Lock, times: number) => () =>
        run(of.address, of.stamp, times);
      return blocking(name, true, copy(batch)(program[call], of as Lock, BATCH));
    };
    const suspends = 'Suspending' in WebAssembly;
    return {
      rivals: [
        blocking(FLOOR, false, () => floor(0, BATCH)),
        pairs(LOCK, 'lock', lock, lockwork),
        ...(suspends ? [pairs(SUSPENDED, 'lock', lock, imports(arena, { suspend: true }).lockwork)] : []),
        pairs(LATE, 'lock', lock, late.lockwork),
        pairs('RLock, imported', 'rlock', rlock, lockwork),
        pairs('Semaphore, imported', 'semaphore', semaphore, lockwork),
        pairs(CLOSURES, 'lock', lock, closures),
        blocking(
          'Lock, in JavaScript',
          true,
          copy((it: Lock, times: number) => () => {
            for (let i = 0; i < times; i++) {
              it.acquire();
              it.release();
            }
          })(new Lock({ arena }), BATCH),
        ),
      ],
    };
  },
};
