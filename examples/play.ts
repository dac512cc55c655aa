/** The main thread's side of every platform: runs a program on its threads, and puts their steps in order. */
import { Arena, Barrier } from 'lockwork';
import { type Call, type Posted, voice } from './part.ts';
import { type Name, programs } from './programs.ts';
import { PATIENCE, type Role, type Stage, type Step, type Stop, type Task, until, type Verdict } from './stage.ts';

/** It sees everything as it happens. */
export interface Audience {
  begins(threads: string[]): void;
  step(step: Step): void;
}

export interface Played {
  steps: Step[];
  verdict: Verdict;
}

export type Run = (program: Name, audience?: Audience) => Promise<Played>;

/** Threads at work. */
export interface Crew {
  /** Resolves when all calls have ended, rejects when one has failed. */
  ended: Promise<unknown>;
  /** Terminates all threads, whatever they are doing. */
  stop(): unknown;
  /** Terminates the thread of one call, which has ended with that. A pool's cannot be. */
  kill?(call: number): unknown;
}

/** Performs the calls on `size` threads, the first `size` of them at once, each on a thread of its own. */
export type Hire = (size: number, calls: Call[], take: (step: Posted) => void) => Crew;

/** How a platform gets threads. */
export interface Platform {
  pool: Hire;
  threads: Hire;
}

export const on = (platform: Platform): Run =>
  async function run(program, audience) {
    const taken = Arena.default.allocate(Int32Array, 1);
    const numbered = Arena.default.allocate(Int32Array, 1);
    const steps: Step[] = [];
    const early = new Map<number, Posted>();
    let zero = 0;

    /** Puts the steps back into their order. */
    function take(posted: Posted): void {
      early.set(posted.order, posted);
      for (let next = early.get(steps.length); next; next = early.get(steps.length)) {
        const { order, clock, ...said } = next;
        early.delete(order);
        zero ||= clock;
        const step = { time: Math.max(clock - zero, steps.at(-1)?.time ?? 0), ...said };
        steps.push(step);
        audience?.step(step);
      }
    }

    async function play(hire: Hire, threads: string[], parts: Omit<Role, 'name'>[], tasks: Task[] = []): Promise<void> {
      audience?.begins([...threads, ...tasks.map(({ name }) => name)]);
      const size = threads.length;
      const start = new Barrier(size + tasks.length, { timeout: PATIENCE });
      // As many as there are threads meet at the start, so each of those is on a thread of its own.
      const calls = parts.map(({ part, ...given }, index) => ({
        ...given,
        part: nameOf(program, part),
        program,
        taken,
        numbered,
        ...(index < size && { start }),
      }));
      const crew = hire(size, calls, take);
      const stop: Stop = async (name) => {
        // What a page's worker has posted is lost when it is terminated before it arrives.
        await until(told);
        voice(name, taken, take)('dies', 'half way through');
        await crew.kill?.(threads.indexOf(name));
      };
      try {
        await inTime(Promise.all([crew.ended, ...tasks.map((task) => meanwhile(task, start, stop))]));
        // The end of a part may come by another way than its steps, and be here first.
        await until(told);
      } finally {
        await crew.stop();
      }
      start.destroy();
    }

    async function meanwhile({ name, run }: Task, start: Barrier, stop: Stop): Promise<void> {
      await start.waitAsync();
      await run(voice(name, taken, take), stop);
    }

    /** Whether all steps that were taken have arrived. */
    const told = (): boolean => steps.length === Atomics.load(taken, 0);

    const stage: Stage = {
      pool(size, part, tasks) {
        const threads = Array.from({ length: size }, (_, index) => `thread ${index + 1}`);
        const parts = tasks.map((props) => ({ part, props }));
        return play(platform.pool, threads, parts);
      },
      threads(roles, ...tasks) {
        const threads = roles.map(({ name }) => name);
        return play(platform.threads, threads, roles, tasks);
      },
    };

    await programs[program].main(stage);
    Arena.default.free(taken);
    Arena.default.free(numbered);
    return { steps, verdict: programs[program].verdict(steps) };
  };

/** As what a program exports a part. Its own name may be another one in a bundle. */
function nameOf(program: Name, part: unknown): string {
  return Object.entries(programs[program]).find(([, exported]) => exported === part)![0];
}

/** As `work`, which fails when it takes too long. */
async function inTime(work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${2 * PATIENCE} ms`)), 2 * PATIENCE);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
