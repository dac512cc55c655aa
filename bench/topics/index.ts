/** All topics, in the order in which they are measured. */
import type { Topic } from '../harness/topic.ts';
import { across } from './across.ts';
import { contended } from './contended.ts';
import { handoff, parked } from './handoff.ts';
import { herd } from './herd.ts';
import { hog } from './hog.ts';
import { idle } from './idle.ts';
import { inspect } from './inspect.ts';
import { lifecycle } from './lifecycle.ts';
import { mix } from './mix.ts';
import { models } from './models.ts';
import { cache } from './programs/cache.ts';
import { change } from './programs/change.ts';
import { permits } from './programs/permits.ts';
import { pipeline } from './programs/pipeline.ts';
import { pool } from './programs/pool.ts';
import { queue } from './programs/queue.ts';
import { server } from './programs/server.ts';
import { stencil } from './programs/stencil.ts';
import { alone, crowd } from './tasks.ts';
import { tracing } from './trace.ts';
import { uncontended } from './uncontended.ts';
import { wasm } from './wasm.ts';

export const TOPICS: Topic[] = [
  uncontended,
  wasm,
  alone,
  crowd,
  across,
  contended,
  handoff,
  parked,
  mix,
  hog,
  herd,
  queue,
  change,
  server,
  pool,
  stencil,
  cache,
  pipeline,
  permits,
  idle,
  ...tracing,
  inspect,
  ...lifecycle,
  ...models,
];

/** Those that have one of these names, or one of them and a part of their own behind a colon. */
export function named(names: string[]): Topic[] {
  const belongs = (topic: Topic, name: string): boolean => topic.name === name || topic.name.startsWith(`${name}:`);
  const unknown = names.find((name) => !TOPICS.some((topic) => belongs(topic, name)));
  if (unknown) throw new Error(`there is no topic ${unknown}; there are ${TOPICS.map(({ name }) => name).join(', ')}`);
  return TOPICS.filter((topic) => names.some((name) => belongs(topic, name)));
}
