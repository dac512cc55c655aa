/** A crowd of tasks of one thread, of which few may be inside at once. */
import { cost } from './cost.ts';
import { Incorrect, type Rival } from './rival.ts';

/** Runs what a task does inside as soon as it may come in. */
export type Enter = (inside: () => Promise<void>) => Promise<void>;

/** By permits that are acquired and released. */
export function permits(semaphore: { acquire(): Promise<unknown>; release(): void }): Enter {
  return async (inside) => {
    await semaphore.acquire();
    await inside();
    semaphore.release();
  };
}

/** So many tasks at once, each of which comes in once; again and again. */
export function crowd(name: string, ours: boolean, enter: Enter, tasks: number, places: number): Rival {
  let now = 0;
  let most = 0;
  const inside = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await null;
    now--;
  };
  return {
    name,
    ours,
    async measure(window) {
      const before = process.threadCpuUsage();
      const start = performance.now();
      let turns = 0;
      most = 0;
      do {
        await Promise.all(Array.from({ length: tasks }, () => enter(inside)));
        turns += tasks;
      } while (performance.now() - start < window);
      const milliseconds = performance.now() - start;
      const { user, system } = process.threadCpuUsage(before);
      if (most !== places) throw new Incorrect(`${name}: ${most} tasks were inside at once, not ${places}`);
      return cost({ milliseconds, cpu: (user + system) * 1000 }, turns);
    },
  };
}
