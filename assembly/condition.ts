import { State, Status } from "./abi";
import { alive, Cell, loadWord } from "./cell";
import { clock } from "./futex";
import { lockGuard, tryGuard, unlockGuard } from "./guard";
import { held, unlock } from "./lock";
import { park } from "./parker";
import { dequeue, enqueue, enter, leave, Place, QUEUED } from "./queue";
import { acquire, wakeDue } from "./resource";
import { ownedBy, RLock } from "./rlock";
import { isTask, setTarget, Thread } from "./thread";

/**
 * A queue of threads that gave a lock up until somebody notifies them. Its word is not used.
 *
 *   44  lock       the Lock's or RLock's cell
 *   48  lockStamp  its stamp
 *
 *   a waiter stands in           leaves it by
 *   ───────────────────────────────────────────────────────────────────────────────────────────
 *   the Condition's queue        notify: into the lock's queue, in one step under both guards
 *                                its deadline: it leaves, and acquires the lock as a newcomer
 *   the lock's queue             as any waiter of the lock (resource.ts); its deadline is over
 *
 * Moving instead of waking ("wait morphing", as in nsync): the notifier holds the lock, so a woken waiter could only
 * run into it. The one step makes `notify` exact: a waiter whose time runs out finds itself either in the
 * Condition's queue, and no notify was spent on it, or notified.
 */
@unmanaged
class Condition extends Cell {
  lock: RLock;
  lockStamp: i32;
}

/** OK when both cells live and the lock is held: an RLock (`recursive`) by this owner, a Lock by anybody. */
function check(cell: Condition, stamp: i32, owner: Thread, recursive: bool): Status {
  const lock = cell.lock;
  if (!alive(cell, stamp) || !alive(lock, cell.lockStamp)) return Status.DESTROYED;
  const word = loadWord(lock);
  return (recursive ? ownedBy(word, owner) : held(word)) ? Status.OK : Status.NOT_HELD;
}

/**
 * `take`: the owner, as `thread` or its task has it in the lock's word. After PENDING the task itself acquires the lock
 * in the end, and then calls `conditionEnd` with the RLock's depth from before.
 */
export function conditionWait(
  cell: Condition,
  stamp: i32,
  thread: Thread,
  take: i32,
  timeout: f64,
  recursive: bool,
): Status {
  let status = check(cell, stamp, changetype<Thread>(take), recursive);
  if (status != Status.OK) return status;
  const lock = cell.lock;
  // Of a plain Lock this word is always 0.
  const depth = lock.depth;
  // Stand in the queue first, then let go: who takes the lock next and notifies must find this waiter.
  const entered = enter(cell, stamp, thread, take, 0, 0, Place.BACK);
  if (entered < 0) return entered;
  atomic.add<i32>(changetype<usize>(lock), 1, offsetof<Cell>("pins"));
  lock.depth = 0;
  unlock(lock, thread);
  if (isTask(thread)) return Status.PENDING;

  if (park(thread, clock() + timeout, entered) <= State.PARKED) status = leave(cell, thread);
  acquire(lock, cell.lockStamp, thread, take, Infinity, i32(status == Status.OK));
  conditionEnd(lock, depth);
  return status;
}

/** Whoever waited has the lock again, as often as it had it before. */
export function conditionEnd(lock: RLock, depth: i32): void {
  lock.depth = depth;
  atomic.sub<i32>(changetype<usize>(lock), 1, offsetof<Cell>("pins"));
}

/** Moves up to `n` waiters on, oldest first. */
export function conditionNotify(cell: Condition, stamp: i32, thread: Thread, n: u32, recursive: bool): Status {
  const status = check(cell, stamp, thread, recursive);
  if (status != Status.OK) return status;
  const lock = cell.lock;
  while (n) {
    lockGuard(cell, thread);
    const head = changetype<Thread>(cell.next);
    const empty = head == cell;
    // A try only: a thread must not wait for one guard with another in its hands.
    const both = !empty && tryGuard(lock);
    if (both) {
      dequeue(cell, head);
      setTarget(head, lock);
      enqueue(lock, lock, head);
      atomic.or<i32>(changetype<usize>(lock), QUEUED);
      unlockGuard(lock);
    }
    unlockGuard(cell);
    if (empty) break;
    if (both) {
      n--;
      // Free only if another thread released a plain Lock meanwhile: then no release is to come that would.
      wakeDue(lock, thread, false);
    } else {
      lockGuard(lock, thread);
      unlockGuard(lock);
    }
  }
  return Status.OK;
}
