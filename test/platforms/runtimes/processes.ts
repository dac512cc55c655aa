/** Test files, each in a process of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { root } from './bundle.ts';
import type { Line } from './harness.ts';
import { Report, type Result } from './report.ts';

/** How long the program may take (ms); it waits for 500. */
const BOUND = 20_000;

type Child = ChildProcessByStdio<null, Readable, Readable>;

function start([binary = '', ...args]: readonly string[]): Child {
  const env = { ...process.env, NO_COLOR: '1' };
  return spawn(binary, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Waits for its end; answers what one wants to know of an unexpected one. */
async function end(child: Child): Promise<string> {
  let printed = '';
  child.stderr.on('data', (data) => {
    printed = `${printed}${data}`.slice(-4_000);
  });
  const [code, signal] = await once(child, 'close');
  return `the process ended with ${signal ?? `code ${code}`}\n${printed}`;
}

/** Runs a bundled file, but for some of its tests, with the command of `child.ts`. */
export async function runInProcess(
  command: readonly string[],
  file: string,
  notHere: readonly string[],
): Promise<Result> {
  const child = start([...command, file, JSON.stringify(notHere)]);
  const report = new Report();
  let silent = '';
  const kill = () => {
    silent = `nothing happened for ${report.patience} ms; `;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(kill, report.patience);
  createInterface(child.stdout).on('line', (text) => {
    if (!text.startsWith('{"event":')) return;
    report.add(JSON.parse(text) as Line);
    clearTimeout(timer);
    timer = setTimeout(kill, report.patience);
  });
  const why = await end(child);
  clearTimeout(timer);
  return report.end(silent + why);
}

/** Runs a program that prints `expected` and ends by itself, as one test. */
export async function runProgram(command: readonly string[], expected: string): Promise<Result> {
  const child = start(command);
  const timer = setTimeout(() => child.kill('SIGKILL'), BOUND);
  let printed = '';
  child.stdout.on('data', (data) => {
    printed += data;
  });
  const why = await end(child);
  clearTimeout(timer);
  const passed = child.exitCode === 0 && printed === expected;
  const failures = passed ? [] : [`it printed ${JSON.stringify(printed)}; ${why}`];
  return { tests: 1, passed: Number(passed), failures };
}
