/**
 * Counterexamples, written for people: what each thread did, where in the source, to which field, and what is wrong.
 *
 *     step  thread  where                operation
 *        1  T1      lock.ts:24           lock.word: compare-exchange 0 → T1
 *        2  T2      parker.ts:27         T2.state: sleeps while it is 1
 */

import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { Counterexample, Step } from './counterexample.ts';
import type { Value } from './interpret.ts';
import type { LocalState } from './thread.ts';

/** What things are called: a World knows. */
export interface Names {
  nameOf(address: number): string;
  valueOf(value: Value): string;
}

/** From an offset in the wasm file to a line of the source. */
export type Locate = (offset: number) => string | undefined;

export function locator(sourceMap: string): Locate {
  const map = new TraceMap(sourceMap);
  return (offset) => {
    // The compiler maps the expression that begins a little earlier rather than each of its instructions.
    for (let at = offset; at > offset - 32; at--) {
      const { source, line } = originalPositionFor(map, { line: 1, column: at });
      if (source !== null) return `${source.split('/').at(-1)}:${line}`;
    }
    return undefined;
  };
}

export function describe(counterexample: Counterexample, names: Names, locate: Locate): string {
  const { fault, message, steps, standing } = counterexample;
  const rows = steps.map((step, i) => [
    String(i + 1),
    `T${step.thread + 1}`,
    where(step.state, locate),
    what(step, names),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(4, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `  ${row[0]!.padStart(widths[0]!)}  ${row[1]!.padEnd(widths[1]!)}  ${row[2]!.padEnd(widths[2]!)}  ${row[3]}`;
  const now = standing.map(({ state, place, dead }, t) => {
    const doing = dead ? 'is dead' : place ? `sleeps on ${names.nameOf(addressOf(state)!)}` : next(state, names);
    return `  T${t + 1} ${doing}${state.call && !dead ? `, in ${state.call}, ${where(state, locate)}` : ''}`;
  });
  return [
    `${fault}: ${message.replace(/\bat (\d+)/, (_, address) => `at ${names.nameOf(Number(address))}`)}`,
    ...rows.map(line),
    'Then:',
    ...now,
  ].join('\n');
}

const where = ({ operation, call }: LocalState, locate: Locate): string =>
  operation.at < 0 ? 'the scenario' : (locate(operation.at) ?? `${call}+${operation.at}`);

function addressOf({ operation }: LocalState): number | undefined {
  return 'address' in operation ? operation.address : undefined;
}

/** What was done, and what came of it. */
function what({ state, what, result, before, after, woken }: Step, names: Names): string {
  const { operation } = state;
  const address = addressOf(state);
  const name = address === undefined ? '' : names.nameOf(address);
  const value = (value: Step['result']): string => (value === undefined ? '' : names.valueOf(value));
  switch (what) {
    case 'timeout':
      return `${name}: runs out of time`;
    case 'death':
      return 'is terminated';
    case 'reaped':
      return `${name}: is gone from among the sleepers`;
  }
  switch (operation.kind) {
    case 'access': {
      const { access } = operation;
      const plain = access.atomic ? '' : 'plain ';
      if (access.kind === 'load') return `${name}: ${plain}load, finds ${value(before)}`;
      if (access.kind === 'cmpxchg') {
        const wanted = `${value(operation.expected)} → ${value(operation.operand)}`;
        return before === operation.expected
          ? `${name}: compare-exchange ${wanted}`
          : `${name}: compare-exchange ${wanted} fails, finds ${value(before)}`;
      }
      return `${name}: ${plain}${access.kind === 'store' ? 'store' : access.kind} ${value(before)} → ${value(after)}`;
    }
    case 'fill':
      return `${name}: fills ${operation.length} bytes with ${operation.byte}`;
    case 'wait':
      if (result === undefined) return `${name}: sleeps while it is ${value(operation.expected)}`;
      return result === 1 ? `${name}: does not sleep, finds ${value(before)}` : `${name}: sleeps no time`;
    case 'notify':
      return `${name}: notify ${operation.count === 0xffffffff ? 'all' : operation.count}, wakes ${woken.map((t) => `T${t + 1}`).join(', ') || 'nobody'}`;
    case 'until':
      return `${name}: is as waited for`;
    case 'event':
      return JSON.stringify(operation.event);
    case 'choose':
      if (operation.what === 'round') return result === 0 ? 'begins a round' : 'stops';
      return `${operation.what} says ${result}`;
    case 'fault':
      return operation.message;
    case 'done':
      return 'is done';
  }
}

function next(state: LocalState, names: Names): string {
  const { operation } = state;
  if (operation.kind === 'done') return 'is done';
  const address = addressOf(state);
  return `is about to ${operation.kind === 'access' ? operation.access.kind : operation.kind}${address === undefined ? '' : ` ${names.nameOf(address)}`}`;
}
