/** A crowd of tasks of one thread, of which few may be inside at once. */
import { cost } from './cost.ts';
import { copy, Incorrect, type Rival } from './rival.ts';

/** Runs what a task does inside as soon as it may come in. */
export type Enter = (inside: () => Promise<void>) => Promise<void>;

/** By permits that are acquired and released. */
export function permits<Acquire extends string>(
  semaphore: Record<Acquire, () => Promise<unknown>> & { release(): void },
  acquire: Acquire,
): Enter {
  return copy(
    (it: typeof semaphore, acquire: Acquire): Enter =>
      async (inside) => {
        await it[acquire]();
        await inside();
        it.release();
      },
  )(semaphore, acquire);
}

/** So many tasks at once, each of which comes in once; again and again. */
export function crowd(name: string, ours: boolean, enter: Enter, tasks: number, places: number): Rival {
  const rush = copy(come)(enter, tasks);
  return {
    name,
    ours,
    async measure(window) {
      const before = process.threadCpuUsage();
      const start = performance.now();
      let turns = 0;
      let most = 0;
      do {
        most = Math.max(most, await rush());
        turns += tasks;
      } while (performance.now() - start < window);
      const milliseconds = performance.now() - start;
      const { user, system } = process.threadCpuUsage(before);
      if (most !== places) throw new Incorrect(`${name}: ${most} tasks were inside at once, not ${places}`);
      return cost({ milliseconds, cpu: (user + system) * 1000 }, turns);
    },
  };
}

/** All of them, once; and answers how many were inside at the most. */
const come = (enter: Enter, tasks: number) => {
  let now = 0;
  let most = 0;
  const inside = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await null;
    now--;
  };
  return async (): Promise<number> => {
    most = 0;
    await Promise.all(Array.from({ length: tasks }, () => enter(inside)));
    return most;
  };
};
