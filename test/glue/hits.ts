/** A set-up file for bindings with probes (probes.ts): writes down which of them each test runs, in whichever thread or process. */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { placesIn } from './probes.ts';
import 'lockwork';

declare module 'vitest' {
  interface TaskMeta {
    /** The probes that the test ran, and those that ran when the bindings were loaded. */
    hits?: { ran: number[]; loaded: number[] };
  }
}

declare global {
  var $hits: Uint8Array;
}

const DIRECTORY = process.env.LOCKWORK_HITS!;

const loaded = placesIn(globalThis.$hits);

beforeEach(() => {
  globalThis.$hits.fill(0);
});

afterEach(({ task }) => {
  const ran = new Set(placesIn(globalThis.$hits));
  for (const name of readdirSync(DIRECTORY)) {
    for (const place of placesIn(readFileSync(join(DIRECTORY, name)))) ran.add(place);
    rmSync(join(DIRECTORY, name));
  }
  task.meta.hits = { ran: [...ran], loaded };
});
