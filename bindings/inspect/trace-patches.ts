import { Condition, Lock, Semaphore } from '../index.ts';
import type { Primitive } from '../primitive.ts';
import { type Args, type Begin, CALLS, ConditionWait, type Ending } from './trace-calls.ts';
import type { Recorder } from './trace-recorder.ts';
import { type Place, placeOf } from './trace-stack.ts';

/** In place of methods of the classes, which have no code for it: without a trace they are as they were. */

type Method = (this: Primitive, ...args: Args) => unknown;

/** Records what a call comes to. It answers and throws what it did; a promise is one that settles a microtask later. */
function recorded(recorder: Recorder, original: Method, begin: Begin): Method {
  return function traced(...args) {
    const here = (): Place | undefined => (recorder.settings.stacks ? placeOf(traced) : undefined);
    const ending = recorder.quietly(() => begin(recorder, this, here, args));
    let result: unknown;
    try {
      result = original.apply(this, args);
    } catch (error) {
      recorder.quietly(() => ending?.threw?.(error));
      throw error;
    }
    if (ending && result instanceof Promise) return settled(recorder, result, ending);
    recorder.quietly(() => ending?.returned(result));
    return result;
  };
}

function settled<T>(recorder: Recorder, promise: Promise<T>, ending: Ending): Promise<T> {
  return promise.then(
    (value) => {
      recorder.quietly(() => ending.returned(value));
      return value;
    },
    (error) => {
      recorder.quietly(() => ending.threw?.(error));
      throw error;
    },
  );
}

/** A call that acquires something and runs a function: what that acquires, it does while it holds the other. */
function within(recorder: Recorder, original: Method): Method {
  return function traced(...args) {
    return recorder.lines.run(() => original.apply(this, args));
  };
}

/** `waitForAsync` waits by itself, after each look that finds nothing. */
function looking(recorder: Recorder, original: Method): Method {
  return function traced(predicate, options) {
    if (typeof predicate !== 'function') return original.call(this, predicate, options);
    const place = recorder.settings.stacks ? recorder.quietly(() => placeOf(traced)) : undefined;
    const begin = (): ConditionWait =>
      new ConditionWait(recorder, this as Condition, place, options?.owner, () => recorder.lines.begin(options?.owner));
    let wait: ConditionWait | undefined;
    const end = (notified: boolean): void => {
      const last = wait;
      wait = undefined;
      last?.returned(notified);
    };
    const look = async (): Promise<unknown> => {
      recorder.quietly(() => end(true));
      const holds = await predicate();
      if (!holds) wait = recorder.quietly(begin);
      return holds;
    };
    const promise = original.call(this, look, options) as Promise<boolean>;
    return settled(recorder, promise, { returned: () => end(false), threw: () => end(false) });
  };
}

/** Puts them there. Answers a function that puts the originals back. */
export function patch(recorder: Recorder): () => void {
  const undo: (() => void)[] = [];
  const replace = (prototype: object, name: string, by: (original: Method) => Method): void => {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
    const original = descriptor.value as Method;
    const value = Object.defineProperties(by(original), {
      name: { value: original.name, configurable: true },
      length: { value: original.length, configurable: true },
    });
    Object.defineProperty(prototype, name, { ...descriptor, value });
    undo.push(() => Object.defineProperty(prototype, name, descriptor));
  };
  for (const [prototype, methods] of CALLS) {
    for (const [name, begin] of Object.entries(methods)) {
      replace(prototype, name, (original) => recorded(recorder, original, begin));
    }
  }
  const recoverable = Object.getPrototypeOf(Lock.prototype) as object;
  const holdable = Object.getPrototypeOf(Object.getPrototypeOf(Semaphore.prototype)) as object;
  replace(holdable, 'withAsync', (original) => within(recorder, original));
  replace(recoverable, 'recoverAsync', (original) => within(recorder, original));
  replace(Condition.prototype, 'waitForAsync', (original) => looking(recorder, original));
  return () => {
    for (const back of undo) back();
  };
}
