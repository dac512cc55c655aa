// biome-ignore-all lint/suspicious/noTsIgnore: an error in old versions of TypeScript only
/**
 * Types of the platform, those that the user's program knows: of the DOM, of Node, or neither. Then the least that is
 * needed.
 */

/** A `WebAssembly.Memory`, as the types of the program have it. */
export type Memory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer T } } }
  ? T
  : {
      /** Its bytes. */
      readonly buffer: ArrayBufferLike;
      /** Makes it larger, by pages of 64 KiB. */
      grow(delta: number): number;
    };

/** An `AbortSignal`, as the types of the program have it. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer T } }
  ? T
  : {
      /** Whether it is aborted. */
      readonly aborted: boolean;
      /** Why. */
      readonly reason: unknown;
      /** Tells when it is aborted. */
      addEventListener(type: 'abort', listener: () => void): void;
      /** Tells no more. */
      removeEventListener(type: 'abort', listener: () => void): void;
    };

/** The typed arrays that work on shared memory. */
export type SharedArrayType =
  | Int8ArrayConstructor
  | Uint8ArrayConstructor
  | Uint8ClampedArrayConstructor
  | Int16ArrayConstructor
  | Uint16ArrayConstructor
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | BigInt64ArrayConstructor
  | BigUint64ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor;

/**
 * What `allocate` answers, by the name of its type: typed arrays of a `SharedArrayBuffer`. They are generic since
 * TypeScript 5.7; before, these are `any`, and the plain ones take their places.
 */
export interface SharedArrays {
  /** @ts-ignore */
  Int8Array: Int8Array<SharedArrayBuffer>;
  /** @ts-ignore */
  Uint8Array: Uint8Array<SharedArrayBuffer>;
  /** @ts-ignore */
  Uint8ClampedArray: Uint8ClampedArray<SharedArrayBuffer>;
  /** @ts-ignore */
  Int16Array: Int16Array<SharedArrayBuffer>;
  /** @ts-ignore */
  Uint16Array: Uint16Array<SharedArrayBuffer>;
  /** @ts-ignore */
  Int32Array: Int32Array<SharedArrayBuffer>;
  /** @ts-ignore */
  Uint32Array: Uint32Array<SharedArrayBuffer>;
  /** @ts-ignore */
  BigInt64Array: BigInt64Array<SharedArrayBuffer>;
  /** @ts-ignore */
  BigUint64Array: BigUint64Array<SharedArrayBuffer>;
  /** @ts-ignore */
  Float32Array: Float32Array<SharedArrayBuffer>;
  /** @ts-ignore */
  Float64Array: Float64Array<SharedArrayBuffer>;
}

type Plain<T extends SharedArrayType> = InstanceType<T>;
type Any<T> = 0 extends 1 & T ? true : false;

/** The typed array of a constructor, in shared memory. */
export type SharedArray<T extends SharedArrayType> =
  Plain<T> extends { readonly [Symbol.toStringTag]: infer K extends keyof SharedArrays }
    ? Any<SharedArrays[K]> extends true
      ? Plain<T>
      : SharedArrays[K]
    : Plain<T>;
