/** The programs, in the order in which to read them. */
import * as barrier from './barrier.ts';
import * as condition from './condition.ts';
import * as crash from './crash.ts';
import * as event from './event.ts';
import * as lock from './lock.ts';
import * as race from './race.ts';
import * as rlock from './rlock.ts';
import * as semaphore from './semaphore.ts';
import type { Program } from './stage.ts';
import * as wasm from './wasm.ts';

export const programs = { race, lock, rlock, semaphore, event, barrier, condition, crash, wasm } satisfies Record<
  string,
  Program
>;

export type Name = keyof typeof programs;

export const names = Object.keys(programs) as Name[];
