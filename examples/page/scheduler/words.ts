/** Steps of threads, in plain words. */
import type { Move, Step } from '../../../test/model/counterexample.ts';
import type { Value } from '../../../test/model/interpret.ts';
import type { Operation } from '../../../test/model/thread.ts';
import type { Names } from '../../../test/model/trace.ts';

export const threads = (all: readonly number[]): string => all.map((t) => `T${t + 1}`).join(' and ');

/** What a thread is about to do. `result`: which of several things the world will answer. */
export function coming(operation: Operation, names: Names, what: Step['what'] = 'operation', result?: Value): string {
  const value = (of: Value): string => names.valueOf(of);
  const name = 'address' in operation ? names.nameOf(operation.address) : '';
  if (what === 'timeout') return 'run out of time';
  switch (operation.kind) {
    case 'access': {
      const operand = value(operation.operand);
      switch (operation.access.kind) {
        case 'load':
          return `read ${name}`;
        case 'store':
          return `write ${operand} into ${name}`;
        case 'cmpxchg':
          return `if ${name} is ${value(operation.expected)}, make it ${operand}`;
        case 'xchg':
          return `put ${operand} into ${name}, and take out what was there`;
        case 'add':
          return `add ${operand} to ${name}`;
        case 'sub':
          return `take ${operand} from ${name}`;
        default:
          return `${operation.access.kind} ${operand} into ${name}`;
      }
    }
    case 'wait':
      return `sleep on ${name} if it is still ${value(operation.expected)}`;
    case 'notify':
      return operation.count === 1 ? `wake one that sleeps on ${name}` : `wake all that sleep on ${name}`;
    case 'until':
      return `go on: ${name} is as it waits for`;
    case 'fill':
      return `fill ${name}`;
    case 'event':
      return `notify ${operation.event}`;
    case 'choose':
      return operation.what === 'clock' ? 'look at the clock' : `${operation.what}: ${result}`;
    case 'fault':
      return operation.message;
    case 'done':
      return 'nothing more';
  }
}

/** What a move was, and what came of it. */
export const doneBy = ({ steps }: Move, names: Names): string => steps.map((step) => done(step, names)).join('; ');

function done({ state, what, result, before, after, woken }: Step, names: Names): string {
  const { operation } = state;
  const value = (of: Value | undefined): string => (of === undefined ? '' : names.valueOf(of));
  const name = 'address' in operation ? names.nameOf(operation.address) : '';
  if (what === 'timeout') return 'ran out of time, and is awake';
  switch (operation.kind) {
    case 'access': {
      const operand = value(operation.operand);
      switch (operation.access.kind) {
        case 'load':
          return `read ${name}: ${value(before)}`;
        case 'store':
          return `wrote ${value(after)} into ${name}, where ${value(before)} was`;
        case 'cmpxchg':
          return before === operation.expected
            ? `${name} was ${value(before)}: made it ${operand}`
            : `${name} was ${value(before)}, not ${value(operation.expected)}: changed nothing`;
        case 'xchg':
          return `put ${operand} into ${name}, took ${value(before)} out`;
        default:
          return `${name}: ${value(before)} became ${value(after)}`;
      }
    }
    case 'wait':
      if (result === undefined) return `fell asleep on ${name}`;
      return result === 1 ? `did not sleep: ${name} is ${value(before)}` : `slept no time on ${name}`;
    case 'notify':
      return woken.length > 0 ? `woke ${threads(woken)}` : `found nobody to wake on ${name}`;
    case 'until':
      return `went on: ${name} is as it waited for`;
    case 'event':
      return typeof operation.event === 'number' ? `notified ${operation.event}` : `was ${operation.event}`;
    case 'choose':
      return operation.what === 'clock' ? 'looked at the clock' : `${operation.what}: ${result}`;
    default:
      return coming(operation, names, what, result);
  }
}
