/**
 * lockwork for programs in AssemblyScript that share their memory with other threads.
 *
 *   import { Lock } from "lockwork/as";
 *   export function sell(place: usize): void {
 *     const lock = changetype<Lock>(place);
 *     lock.acquire();
 *     …
 *     lock.release();
 *   }
 *
 * A primitive is a handle: 8 bytes, the two numbers `lock.address` and `lock.stamp` of JavaScript. The classes here are views of
 * such bytes, wherever they are: nothing is allocated, and no runtime is needed. `init` makes the primitive, once, by any thread.
 * The instance is made with `...imports(arena)` of `lockwork/wasm`.
 *
 * `acquire` and `wait` answer whether the time, in ms, was enough; a Barrier's `wait`, the arrival index or BROKEN. Whatever
 * else goes wrong traps. Where a program wants to know, an abandoned lock above all, there are the statuses:
 * `acquireStatus`, `waitStatus`, and the rest of `calls`.
 *
 * AssemblyScript itself knows no threads: each instance writes all static data anew, and has its own idea of what is
 * allocated. docs/wasm.md says what follows from that.
 */
import * as calls from './calls';

export { calls };

export const OK = 0;
export const TIMEOUT = -1;
export const NOT_HELD = -2;
export const OVER_RELEASE = -3;
export const BROKEN = -4;
export const DESTROYED = -5;
export const BUSY = -6;
export const MAY_NOT_BLOCK = -8;
export const DEADLOCK = -9;
export const OUT_OF_MEMORY = -10;
export const INVALID = -11;
/** The lock is held, and the thread that held it before has died: put in order what it protects, and `recover`. */
export const ABANDONED = -12;

/** Whether the time was enough. */
function inTime(status: i32): bool {
  if (status == OK) return true;
  if (status != TIMEOUT) unreachable();
  return false;
}

function must(status: i32): void {
  if (status < 0) unreachable();
}

@unmanaged
class Handle {
  address: u32;
  stamp: i32;

  /** Gives the primitive back. Nobody may use it meanwhile. */
  destroy(): void {
    must(calls.destroy(this.address, this.stamp));
  }
}

/** One thread holds it, and any thread may release it. */
@unmanaged
export class Lock extends Handle {
  init(): void {
    must(calls.create(changetype<usize>(this), 3, 0, 0, 0));
  }

  acquire(ms: f64 = Infinity): bool {
    return inTime(this.acquireStatus(ms));
  }

  acquireStatus(ms: f64 = Infinity): i32 {
    return calls.lock_acquire(this.address, this.stamp, ms);
  }

  tryAcquire(): bool {
    return this.acquire(0);
  }

  release(): void {
    must(calls.lock_release(this.address, this.stamp));
  }

  /** After ABANDONED: what it protects is in order again. */
  recover(): void {
    must(calls.lock_recover(this.address, this.stamp));
  }

  get locked(): bool {
    return calls.value(this.address, this.stamp) == 1;
  }
}

/** Its owner may acquire it again, and releases it as often. */
@unmanaged
export class RLock extends Handle {
  init(): void {
    must(calls.create(changetype<usize>(this), 4, 0, 0, 0));
  }

  acquire(ms: f64 = Infinity): bool {
    return inTime(this.acquireStatus(ms));
  }

  acquireStatus(ms: f64 = Infinity): i32 {
    return calls.rlock_acquire(this.address, this.stamp, ms);
  }

  tryAcquire(): bool {
    return this.acquire(0);
  }

  release(): void {
    must(calls.rlock_release(this.address, this.stamp));
  }

  /** After ABANDONED: what it protects is in order again. */
  recover(): void {
    must(calls.rlock_recover(this.address, this.stamp));
  }

  get locked(): bool {
    return calls.value(this.address, this.stamp) == 1;
  }
}

/** Some permits. */
@unmanaged
export class Semaphore extends Handle {
  init(permits: i32 = 1): void {
    must(calls.create(changetype<usize>(this), 5, permits, 0, 0));
  }

  acquire(ms: f64 = Infinity): bool {
    return inTime(calls.sem_acquire(this.address, this.stamp, ms));
  }

  tryAcquire(): bool {
    return this.acquire(0);
  }

  release(permits: i32 = 1): void {
    must(calls.sem_release(this.address, this.stamp, permits));
  }

  get value(): i32 {
    return calls.value(this.address, this.stamp);
  }
}

/** A Semaphore that never has more permits than it began with. */
@unmanaged
export class BoundedSemaphore extends Semaphore {
  init(permits: i32 = 1): void {
    must(calls.create(changetype<usize>(this), 6, permits, 0, 0));
  }
}

/** A flag that threads wait for. */
@unmanaged
export class Event extends Handle {
  init(): void {
    must(calls.create(changetype<usize>(this), 7, 0, 0, 0));
  }

  wait(ms: f64 = Infinity): bool {
    return inTime(calls.event_wait(this.address, this.stamp, ms));
  }

  set(): void {
    must(calls.event_set(this.address, this.stamp));
  }

  clear(): void {
    must(calls.event_clear(this.address, this.stamp));
  }

  get isSet(): bool {
    return calls.value(this.address, this.stamp) == 1;
  }
}

/** So many threads wait for each other. */
@unmanaged
export class Barrier extends Handle {
  /** `ms`: a thread that waits longer breaks it. */
  init(parties: i32, ms: f64 = Infinity): void {
    must(calls.create(changetype<usize>(this), 8, parties, 0, ms));
  }

  /** Answers the arrival index, or BROKEN. Without a time, the barrier's own. */
  wait(ms: f64 = -1): i32 {
    const index = calls.barrier_wait(this.address, this.stamp, ms);
    if (index < 0 && index != BROKEN) unreachable();
    return index;
  }

  abort(): void {
    must(calls.barrier_abort(this.address, this.stamp));
  }

  reset(): void {
    must(calls.barrier_reset(this.address, this.stamp));
  }

  get waiting(): i32 {
    return calls.value(this.address, this.stamp);
  }
}

/** Threads that hold its lock wait, and let it go meanwhile, until another notifies them. They have it again afterwards. */
@unmanaged
export class Condition extends Handle {
  /** Over a Lock or an RLock, which has been made. */
  init<L extends Handle>(lock: L): void {
    // Of a handle of zeros, `create` would make an RLock that the program has no handle of.
    if (!lock.stamp) unreachable();
    must(calls.create(changetype<usize>(this), 9, lock.address, lock.stamp, 0));
  }

  wait(ms: f64 = Infinity): bool {
    return inTime(this.waitStatus(ms));
  }

  waitStatus(ms: f64 = Infinity): i32 {
    return calls.cond_wait(this.address, this.stamp, ms);
  }

  notify(n: i32 = 1): void {
    must(calls.cond_notify(this.address, this.stamp, n));
  }

  notifyAll(): void {
    this.notify(i32.MAX_VALUE);
  }
}
