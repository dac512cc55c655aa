/**
 * Runs a program in a folder of its own for as long as standard input stays open, then ends it with all that it
 * started: so a browser never outlives the test run, however that ends.
 *
 *   node keeper.ts FOLDER PROGRAM ARGUMENT…
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder, program, ...args] = process.argv.slice(2) as [string, string, ...string[]];

// A group of its own, to be signalled as one.
const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
child.on('error', (error) => {
  console.error(`${program}: ${error.message}`);
  void end();
});
child.on('exit', end);
process.stdin.on('close', end).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

let ending = false;

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  for (let waits = 0; signalAll(waits < 60 ? 'SIGTERM' : 'SIGKILL') && waits < 100; waits++) await sleep(50);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit();
}

/** Whether there was anybody left. */
function signalAll(signal: NodeJS.Signals): boolean {
  if (child.pid === undefined) return false;
  if (process.platform === 'win32') return child.exitCode === null && child.kill(signal);
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}
