/**
 * The only file that waits and notifies.
 *
 * Times are f64 milliseconds of the host's clock (`performance.now`). A deadline is absolute and means something only to
 * the thread that made it: threads do not share the origin of their clocks.
 */

/** Milliseconds, monotonic, of this thread. */
@external("env", "clock")
export declare function clock(): f64;

/** A blocked thread, which stands in a queue, has slept for a nap. It must not throw. */
@external("env", "stalled")
export declare function stalled(thread: usize): void;

/** How a sleep has ended. */
export const enum Woke {
  /** Look again. (As the instruction has it: woken, or the word is another.) */
  NOTIFIED = 0,
  DIFFERS = 1,
  /** The time is up: that of the nap, or the deadline's. */
  NAPPED = 2,
  /** The deadline has passed. */
  EXPIRED = 3,
}

/**
 * Sleeps while the word at `address` holds `expected`, at most until `deadline`, and for `nap` ms, if that is not 0.
 */
@inline
export function sleep(address: usize, expected: i32, deadline: f64, nap: i32): i32 {
  let nanoseconds: i64 = nap ? i64(nap) * 1_000_000 : -1;
  if (deadline != Infinity) {
    // Rounded up, or the last fraction of a wait would spin through sleeps of 0 ns.
    // Too much for an i64 becomes its greatest, 292 years.
    const left = i64(ceil((deadline - clock()) * 1e6));
    if (left <= 0) return Woke.EXPIRED;
    // As unsigned numbers: -1 is for ever.
    if (<u64>left < <u64>nanoseconds) nanoseconds = left;
  }
  return atomic.wait<i32>(address, expected, nanoseconds);
}

/** Sleeps about 50 µs, unless the word is another. A thread does so that may be on the core of a queue lock's holder. */
@inline
export function pause(address: usize, expected: i32): void {
  atomic.wait<i32>(address, expected, 50_000);
}

/** Wakes all that sleeps on the word at `address`: one thread, and perhaps a `waitAsync` of the same thread. */
@inline
export function wake(address: usize): void {
  atomic.notify(address);
}
