/**
 * The only file that waits and notifies. Everything else parks through `parker.ts`.
 *
 * Times are f64 milliseconds of the clock that the host imports (`performance.now`); a deadline is absolute and
 * belongs to the thread that made it, since threads do not share their clock's origin.
 */

/** Milliseconds, monotonic, of this thread. */
@external("env", "clock")
export declare function clock(): f64;

/**
 * Sleeps while the word at `address` holds `expected`, at most until `deadline`.
 * False when the deadline has passed; true tells nothing but "look again".
 */
@inline
export function sleep(address: usize, expected: i32, deadline: f64): bool {
  let nanoseconds: i64 = -1;
  if (deadline != Infinity) {
    // Rounded up: rounded down, the last fraction of a wait would spin through sleeps of 0 ns.
    // Too much for an i64 becomes its greatest, 292 years.
    nanoseconds = i64(ceil((deadline - clock()) * 1e6));
    if (nanoseconds <= 0) return false;
  }
  atomic.wait<i32>(address, expected, nanoseconds);
  return true;
}

/** Sleeps about 50 µs unless the word changes first: what a thread does that is in the way of a guard's holder. */
@inline
export function pause(address: usize, expected: i32): void {
  atomic.wait<i32>(address, expected, 50_000);
}

/** Wakes whoever sleeps on the word at `address`: one thread, and perhaps a `waitAsync` of its own. */
@inline
export function wake(address: usize): void {
  atomic.notify(address);
}
