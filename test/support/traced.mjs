/**
 * `node --import` this: every thread of the program is traced. With each thing that ends it writes its timeline into
 * $LOCKWORK_TRACES, since nobody tells a thread of a pool that it will be terminated.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { trace, traceEvents } from 'lockwork/inspect';

trace(true);
subscribe('lockwork.request.end', () => {
  writeFileSync(`${process.env.LOCKWORK_TRACES}/${threadId}.json`, JSON.stringify(traceEvents()));
});
