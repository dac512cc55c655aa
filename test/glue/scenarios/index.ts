import type { Scenario } from '../scenario.ts';
import { barrier } from './barrier.ts';
import { condition } from './condition.ts';
import { deaths } from './deaths.ts';
import { event } from './event.ts';
import { lock } from './lock.ts';
import { mutants } from './mutants.ts';
import { rlock } from './rlock.ts';
import { semaphore } from './semaphore.ts';

export const scenarios: readonly Scenario[] = [
  lock,
  rlock,
  semaphore,
  event,
  barrier,
  condition,
  mutants,
  deaths,
].flat();
