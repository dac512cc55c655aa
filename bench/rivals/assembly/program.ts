/** A program as users write them, which imports its lock from lockwork. Compiled with the flags of the core. */

@external("lockwork", "lock_acquire")
declare function lockAcquire(address: i32, stamp: i32, timeout: f64): i32;
@external("lockwork", "lock_release")
declare function lockRelease(address: i32, stamp: i32): i32;
@external("lockwork", "rlock_acquire")
declare function rlockAcquire(address: i32, stamp: i32, timeout: f64): i32;
@external("lockwork", "rlock_release")
declare function rlockRelease(address: i32, stamp: i32): i32;
@external("lockwork", "sem_acquire")
declare function semAcquire(address: i32, stamp: i32, timeout: f64): i32;
@external("lockwork", "sem_release")
declare function semRelease(address: i32, stamp: i32, permits: i32): i32;

export function lock(address: i32, stamp: i32, pairs: i32): void {
  while (pairs--) {
    if (lockAcquire(address, stamp, Infinity)) unreachable();
    if (lockRelease(address, stamp)) unreachable();
  }
}

export function rlock(address: i32, stamp: i32, pairs: i32): void {
  while (pairs--) {
    if (rlockAcquire(address, stamp, Infinity)) unreachable();
    if (rlockRelease(address, stamp)) unreachable();
  }
}

export function semaphore(address: i32, stamp: i32, pairs: i32): void {
  while (pairs--) {
    if (semAcquire(address, stamp, Infinity)) unreachable();
    if (semRelease(address, stamp, 1)) unreachable();
  }
}
