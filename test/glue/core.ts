/**
 * The core, with every `memory.atomic.wait32` and `memory.atomic.notify` of it a call of an import: a simulated thread must
 * not put the one real thread to sleep, and which thread is woken is the scheduler's to know.
 */

import binaryen from 'binaryen';
import { FEATURES } from '../model/replay.ts';

/** `memory.atomic.wait32` and `memory.atomic.notify`: of the address, and of what they wait for, or how many they wake. */
export interface Futex {
  /** Answers what the instruction does: 0 woken, 1 another value, 2 time is up. */
  wait(address: number, expected: number, nanoseconds: bigint): number;
  notify(address: number, count: number): number;
}

const IMPORTS = `(module
  (import "env" "wait" (func $futex-wait (param i32 i32 i64) (result i32)))
  (import "env" "notify" (func $futex-notify (param i32 i32) (result i32)))`;

const known = new Map<string, WebAssembly.Module>();

/** Mutants of the bindings all have the same core: it is rewritten once. */
export function coreModule(bytes: Uint8Array): WebAssembly.Module {
  const key = Buffer.from(bytes).toString('latin1');
  const module = known.get(key) ?? rewritten(bytes);
  known.set(key, module);
  return module;
}

function rewritten(bytes: Uint8Array): WebAssembly.Module {
  const original = binaryen.readBinary(bytes);
  original.setFeatures(FEATURES);
  const text = original
    .emitText()
    .replaceAll(
      /\(memory\.atomic\.(wait32|notify)( offset=(\d+))?/g,
      (_, name: string, _offset: unknown, offset: string | undefined) =>
        offset === undefined ? `(call $futex-${name === 'notify' ? name : 'wait'}` : refuse(name, offset),
    );
  const copy = binaryen.parseText(text.replace('(module', IMPORTS));
  copy.setFeatures(FEATURES);
  return new WebAssembly.Module(copy.emitBinary() as BufferSource);
}

/** What has an offset would need an addition: the address is the first operand, which may be any expression. */
function refuse(name: string, offset: string): never {
  throw new Error(`the core has a memory.atomic.${name} with the offset ${offset}, which the explorer cannot rewrite`);
}
