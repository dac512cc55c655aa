/** All scenarios, by primitive. */

import type { Scenario } from '../scenario.ts';
import { arena } from './arena.ts';
import { barrier } from './barrier.ts';
import { burials } from './burials.ts';
import { condition } from './condition.ts';
import { destroy } from './destroy.ts';
import { event } from './event.ts';
import { imports } from './imports.ts';
import { inbox } from './inbox.ts';
import { last } from './last.ts';
import { lock } from './lock.ts';
import { naps } from './naps.ts';
import { reap } from './reap.ts';
import { rlock } from './rlock.ts';
import { semaphore } from './semaphore.ts';
import { sequences } from './sequences.ts';
import { throws } from './throws.ts';

const ORDER = ['lock', 'rlock', 'semaphore', 'event', 'barrier', 'condition', 'inbox', 'arena', 'imports'];

export const scenarios: readonly Scenario[] = [
  ...lock,
  ...rlock,
  ...semaphore,
  ...event,
  ...barrier,
  ...condition,
  ...inbox,
  ...destroy,
  ...last,
  ...throws,
  ...sequences,
  ...naps,
  ...reap,
  ...burials,
  ...arena,
  ...imports,
].sort((a, b) => ORDER.indexOf(a.primitive) - ORDER.indexOf(b.primitive));
