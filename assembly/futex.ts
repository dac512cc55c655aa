/**
 * The only file that waits and notifies.
 *
 * Times are f64 milliseconds of the host's clock (`performance.now`). A deadline is absolute and means something only to
 * the thread that made it: threads do not share the origin of their clocks.
 */

/** Milliseconds, monotonic, of this thread. */
@external("env", "clock")
export declare function clock(): f64;

/**
 * A blocked thread, which stands in a queue, has slept for a nap. Answers how long (ms) the next one is; a negative number:
 * before that it takes its turn, if what it waits for is free (bindings/thread-arena.ts). `deadline`: of the wait. `first`: it
 * was its first nap.
 */
@external("env", "stalled")
export declare function stalled(thread: usize, deadline: f64, first: bool): i32;

/** The deadline of a wait that begins now. For one without a timeout the host is not asked. */
export function deadlineAfter(timeout: f64): f64 {
  return timeout == Infinity ? timeout : clock() + timeout;
}

/**
 * Sleeps while the word at `address` holds `expected`, at most until `deadline`, and for `nap` ms, if that is not 0.
 * False when the deadline has passed; true says only: look again.
 */
@inline
export function sleep(address: usize, expected: i32, deadline: f64, nap: i32): bool {
  let nanoseconds: i64 = nap ? i64(nap) * 1_000_000 : -1;
  if (deadline != Infinity) {
    // Rounded up, or the last fraction of a wait would spin through sleeps of 0 ns.
    // Too much for an i64 becomes its greatest, 292 years.
    const left = i64(ceil((deadline - clock()) * 1e6));
    if (left <= 0) return false;
    // As unsigned numbers: -1 is for ever.
    if (<u64>left < <u64>nanoseconds) nanoseconds = left;
  }
  atomic.wait<i32>(address, expected, nanoseconds);
  return true;
}

/** Sleeps about 50 µs on a word that is 0. A thread does so that may be on the core of a queue lock's holder. */
@inline
export function pause(address: usize): void {
  atomic.wait<i32>(address, 0, 50_000);
}

/** Wakes all that sleeps on the word at `address`: one thread, and perhaps a `waitAsync` of the same thread. */
@inline
export function wake(address: usize): void {
  atomic.notify(address);
}
