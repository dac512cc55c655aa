/** The import module `lockwork`, as `include/lockwork.h` has it: each call answers a status. */

@external("lockwork", "create")
export declare function create(out: usize, kind: i32, count: i32, stamp: i32, ms: f64): i32;
@external("lockwork", "destroy")
export declare function destroy(address: u32, stamp: i32): i32;
@external("lockwork", "value")
export declare function value(address: u32, stamp: i32): i32;
@external("lockwork", "now")
export declare function now(): f64;

@external("lockwork", "lock_acquire")
export declare function lock_acquire(address: u32, stamp: i32, ms: f64): i32;
@external("lockwork", "lock_release")
export declare function lock_release(address: u32, stamp: i32): i32;
@external("lockwork", "lock_recover")
export declare function lock_recover(address: u32, stamp: i32): i32;

@external("lockwork", "rlock_acquire")
export declare function rlock_acquire(address: u32, stamp: i32, ms: f64): i32;
@external("lockwork", "rlock_release")
export declare function rlock_release(address: u32, stamp: i32): i32;
@external("lockwork", "rlock_recover")
export declare function rlock_recover(address: u32, stamp: i32): i32;

@external("lockwork", "sem_acquire")
export declare function sem_acquire(address: u32, stamp: i32, ms: f64): i32;
@external("lockwork", "sem_release")
export declare function sem_release(address: u32, stamp: i32, permits: i32): i32;

@external("lockwork", "event_wait")
export declare function event_wait(address: u32, stamp: i32, ms: f64): i32;
@external("lockwork", "event_set")
export declare function event_set(address: u32, stamp: i32): i32;
@external("lockwork", "event_clear")
export declare function event_clear(address: u32, stamp: i32): i32;

@external("lockwork", "barrier_wait")
export declare function barrier_wait(address: u32, stamp: i32, ms: f64): i32;
@external("lockwork", "barrier_abort")
export declare function barrier_abort(address: u32, stamp: i32): i32;
@external("lockwork", "barrier_reset")
export declare function barrier_reset(address: u32, stamp: i32): i32;

@external("lockwork", "cond_wait")
export declare function cond_wait(address: u32, stamp: i32, ms: f64): i32;
@external("lockwork", "cond_notify")
export declare function cond_notify(address: u32, stamp: i32, n: i32): i32;
