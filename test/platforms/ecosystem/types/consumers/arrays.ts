/** Since TypeScript 5.7 typed arrays say what they are on. */
import { Arena } from 'lockwork';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_same: Same<A, B>): void {}

const arena = Arena.default;
const bytes = arena.allocate(Uint8Array, 8);
const clamped = arena.allocate(Uint8ClampedArray, 8);
const words = arena.allocate(Int32Array, 8);
const longs = arena.allocate(BigUint64Array, 8);
const doubles = arena.allocate(Float64Array, 8);
same<typeof bytes, Uint8Array<SharedArrayBuffer>>(true);
same<typeof clamped, Uint8ClampedArray<SharedArrayBuffer>>(true);
same<typeof words, Int32Array<SharedArrayBuffer>>(true);
same<typeof longs, BigUint64Array<SharedArrayBuffer>>(true);
same<typeof doubles, Float64Array<SharedArrayBuffer>>(true);
export const buffer: SharedArrayBuffer = bytes.buffer;
// @ts-expect-error
export const owned: Uint8Array<ArrayBuffer> = bytes;
