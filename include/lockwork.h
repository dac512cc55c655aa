/*
 * lockwork for programs in C and C++ that are compiled to WebAssembly and share their memory with other threads: the locks,
 * semaphores, events, barriers and conditions of the npm package lockwork. JavaScript uses the same ones at the same time.
 *
 *   import { imports } from 'lockwork/wasm';
 *   const { exports } = new WebAssembly.Instance(module, { env: { memory }, ...imports(arena) });
 *
 * docs/wasm.md of the package has the compiler's flags, where the arena lies, and the rest. Nothing is to be linked.
 *
 * A primitive is a struct of 8 bytes, a handle: it may be copied, and passed by value or in messages. `…_init` makes the
 * primitive, once, by any thread; JavaScript's come as two numbers, `lock.address` and `lock.stamp`. A handle of zeros is none.
 *
 * Every function answers a status: LOCKWORK_OK, or what is less than 0. None traps, none throws. Times are milliseconds, and
 * LOCKWORK_FOREVER. A call that waits blocks its thread; with `imports(arena, { suspend: true })` it suspends the program.
 */
#ifndef LOCKWORK_H
#define LOCKWORK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  LOCKWORK_OK = 0,
  /* The time is up. */
  LOCKWORK_TIMEOUT = -1,
  /* A release, a wait or a notify by a thread that does not hold what it must hold. */
  LOCKWORK_NOT_HELD = -2,
  /* A bounded semaphore would have more permits than it may. */
  LOCKWORK_OVER_RELEASE = -3,
  /* The barrier was broken: by a timeout, an abort, a reset, an action that failed, or a thread that died. */
  LOCKWORK_BROKEN = -4,
  LOCKWORK_DESTROYED = -5,
  /* It cannot be destroyed while it is held or waited on. */
  LOCKWORK_BUSY = -6,
  /* The call would wait, and a page's main thread may not block. */
  LOCKWORK_MAY_NOT_BLOCK = -8,
  /* It would wait for ever: for a task of its own thread; or in a circle of locks, after `setDeadlockPolicy('throw')`. */
  LOCKWORK_DEADLOCK = -9,
  LOCKWORK_OUT_OF_MEMORY = -10,
  /* An argument is wrong, or the program has no arena, yet or any more, or its thread has ended. */
  LOCKWORK_INVALID = -11,
  /*
   * The lock is HELD, as after EOWNERDEAD of pthread_mutex_lock: the thread that held it has died, and may have left half
   * done what the lock protects. Put that in order and call `…_recover`: without it, the next owners are told the same.
   * Then release the lock as ever.
   */
  LOCKWORK_ABANDONED = -12
};

#define LOCKWORK_FOREVER (__builtin_inf())
#define LOCKWORK_ALL 0x7fffffff

/* Distinct, so that the compiler tells one kind from another. */
typedef struct { uint32_t address; int32_t stamp; } lockwork_lock;
typedef struct { uint32_t address; int32_t stamp; } lockwork_rlock;
typedef struct { uint32_t address; int32_t stamp; } lockwork_semaphore;
typedef struct { uint32_t address; int32_t stamp; } lockwork_event;
typedef struct { uint32_t address; int32_t stamp; } lockwork_barrier;
typedef struct { uint32_t address; int32_t stamp; } lockwork_condition;

/* The import module. The functions behind it are for every day. */

#define LOCKWORK_IMPORT(name) __attribute__((import_module("lockwork"), import_name(#name))) extern

LOCKWORK_IMPORT(create) int lockwork_import_create(void *out, int kind, int count, int stamp, double ms);
LOCKWORK_IMPORT(destroy) int lockwork_import_destroy(uint32_t address, int stamp);
LOCKWORK_IMPORT(value) int lockwork_import_value(uint32_t address, int stamp);
LOCKWORK_IMPORT(lock_acquire) int lockwork_import_lock_acquire(uint32_t address, int stamp, double ms);
LOCKWORK_IMPORT(lock_release) int lockwork_import_lock_release(uint32_t address, int stamp);
LOCKWORK_IMPORT(lock_recover) int lockwork_import_lock_recover(uint32_t address, int stamp);
LOCKWORK_IMPORT(rlock_acquire) int lockwork_import_rlock_acquire(uint32_t address, int stamp, double ms);
LOCKWORK_IMPORT(rlock_release) int lockwork_import_rlock_release(uint32_t address, int stamp);
LOCKWORK_IMPORT(rlock_recover) int lockwork_import_rlock_recover(uint32_t address, int stamp);
LOCKWORK_IMPORT(sem_acquire) int lockwork_import_sem_acquire(uint32_t address, int stamp, double ms);
LOCKWORK_IMPORT(sem_release) int lockwork_import_sem_release(uint32_t address, int stamp, int n);
LOCKWORK_IMPORT(event_wait) int lockwork_import_event_wait(uint32_t address, int stamp, double ms);
LOCKWORK_IMPORT(event_set) int lockwork_import_event_set(uint32_t address, int stamp);
LOCKWORK_IMPORT(event_clear) int lockwork_import_event_clear(uint32_t address, int stamp);
LOCKWORK_IMPORT(barrier_wait) int lockwork_import_barrier_wait(uint32_t address, int stamp, double ms);
LOCKWORK_IMPORT(barrier_abort) int lockwork_import_barrier_abort(uint32_t address, int stamp);
LOCKWORK_IMPORT(barrier_reset) int lockwork_import_barrier_reset(uint32_t address, int stamp);
LOCKWORK_IMPORT(cond_wait) int lockwork_import_cond_wait(uint32_t address, int stamp, double ms);
LOCKWORK_IMPORT(cond_notify) int lockwork_import_cond_notify(uint32_t address, int stamp, int n);

/* Milliseconds of the thread's own clock. */
LOCKWORK_IMPORT(now) double lockwork_now(void);

#define LOCKWORK_CALL static inline int
#define LOCKWORK_HANDLE(h) (h)->address, (h)->stamp

/* Gives the primitive back that a handle of any kind names. Nobody may use it meanwhile. */
#define lockwork_destroy(h) lockwork_import_destroy(LOCKWORK_HANDLE(h))

/*
 * Lock: one thread holds it, and any thread may release it. OK: it is held.
 */

LOCKWORK_CALL lockwork_lock_init(lockwork_lock *lock) { return lockwork_import_create(lock, 3, 0, 0, 0); }
LOCKWORK_CALL lockwork_lock_acquire(const lockwork_lock *lock, double ms) {
  return lockwork_import_lock_acquire(LOCKWORK_HANDLE(lock), ms);
}
/* TIMEOUT if it is not free. Never waits. */
LOCKWORK_CALL lockwork_lock_try(const lockwork_lock *lock) { return lockwork_lock_acquire(lock, 0); }
LOCKWORK_CALL lockwork_lock_release(const lockwork_lock *lock) {
  return lockwork_import_lock_release(LOCKWORK_HANDLE(lock));
}
/* After ABANDONED: what it protects is in order again. */
LOCKWORK_CALL lockwork_lock_recover(const lockwork_lock *lock) {
  return lockwork_import_lock_recover(LOCKWORK_HANDLE(lock));
}
/* 1 if some thread holds it, 0 if none does. */
LOCKWORK_CALL lockwork_lock_held(const lockwork_lock *lock) { return lockwork_import_value(LOCKWORK_HANDLE(lock)); }

/*
 * RLock: its owner may acquire it again, and releases it as often.
 */

LOCKWORK_CALL lockwork_rlock_init(lockwork_rlock *lock) { return lockwork_import_create(lock, 4, 0, 0, 0); }
LOCKWORK_CALL lockwork_rlock_acquire(const lockwork_rlock *lock, double ms) {
  return lockwork_import_rlock_acquire(LOCKWORK_HANDLE(lock), ms);
}
LOCKWORK_CALL lockwork_rlock_try(const lockwork_rlock *lock) { return lockwork_rlock_acquire(lock, 0); }
LOCKWORK_CALL lockwork_rlock_release(const lockwork_rlock *lock) {
  return lockwork_import_rlock_release(LOCKWORK_HANDLE(lock));
}
LOCKWORK_CALL lockwork_rlock_recover(const lockwork_rlock *lock) {
  return lockwork_import_rlock_recover(LOCKWORK_HANDLE(lock));
}
LOCKWORK_CALL lockwork_rlock_held(const lockwork_rlock *lock) { return lockwork_import_value(LOCKWORK_HANDLE(lock)); }

/*
 * Semaphore: some permits, 0 to 67,108,863. A bounded one has never more than it began with.
 */

LOCKWORK_CALL lockwork_semaphore_init(lockwork_semaphore *semaphore, int permits) {
  return lockwork_import_create(semaphore, 5, permits, 0, 0);
}
LOCKWORK_CALL lockwork_semaphore_init_bounded(lockwork_semaphore *semaphore, int permits) {
  return lockwork_import_create(semaphore, 6, permits, 0, 0);
}
LOCKWORK_CALL lockwork_semaphore_acquire(const lockwork_semaphore *semaphore, double ms) {
  return lockwork_import_sem_acquire(LOCKWORK_HANDLE(semaphore), ms);
}
LOCKWORK_CALL lockwork_semaphore_try(const lockwork_semaphore *semaphore) {
  return lockwork_semaphore_acquire(semaphore, 0);
}
LOCKWORK_CALL lockwork_semaphore_release(const lockwork_semaphore *semaphore, int permits) {
  return lockwork_import_sem_release(LOCKWORK_HANDLE(semaphore), permits);
}
/* The permits that are free. */
LOCKWORK_CALL lockwork_semaphore_value(const lockwork_semaphore *semaphore) {
  return lockwork_import_value(LOCKWORK_HANDLE(semaphore));
}

/*
 * Event: a flag that threads wait for.
 */

LOCKWORK_CALL lockwork_event_init(lockwork_event *event) { return lockwork_import_create(event, 7, 0, 0, 0); }
LOCKWORK_CALL lockwork_event_wait(const lockwork_event *event, double ms) {
  return lockwork_import_event_wait(LOCKWORK_HANDLE(event), ms);
}
LOCKWORK_CALL lockwork_event_set(const lockwork_event *event) { return lockwork_import_event_set(LOCKWORK_HANDLE(event)); }
LOCKWORK_CALL lockwork_event_clear(const lockwork_event *event) {
  return lockwork_import_event_clear(LOCKWORK_HANDLE(event));
}
LOCKWORK_CALL lockwork_event_is_set(const lockwork_event *event) { return lockwork_import_value(LOCKWORK_HANDLE(event)); }

/*
 * Barrier: so many threads wait for each other. `ms`: a thread that waits longer breaks it.
 */

LOCKWORK_CALL lockwork_barrier_init(lockwork_barrier *barrier, int parties, double ms) {
  return lockwork_import_create(barrier, 8, parties, 0, ms);
}
/* Answers the arrival index, 0 to parties - 1, or a status. */
LOCKWORK_CALL lockwork_barrier_wait(const lockwork_barrier *barrier) {
  return lockwork_import_barrier_wait(LOCKWORK_HANDLE(barrier), -1);
}
/* The same with a time of its own. */
LOCKWORK_CALL lockwork_barrier_wait_for(const lockwork_barrier *barrier, double ms) {
  return ms < 0 ? LOCKWORK_INVALID : lockwork_import_barrier_wait(LOCKWORK_HANDLE(barrier), ms);
}
LOCKWORK_CALL lockwork_barrier_abort(const lockwork_barrier *barrier) {
  return lockwork_import_barrier_abort(LOCKWORK_HANDLE(barrier));
}
LOCKWORK_CALL lockwork_barrier_reset(const lockwork_barrier *barrier) {
  return lockwork_import_barrier_reset(LOCKWORK_HANDLE(barrier));
}
/* How many have arrived. */
LOCKWORK_CALL lockwork_barrier_waiting(const lockwork_barrier *barrier) {
  return lockwork_import_value(LOCKWORK_HANDLE(barrier));
}

/*
 * Condition: threads that hold its lock wait, and let it go meanwhile, until another notifies them. They have it again
 * afterwards, whatever the status is; wait in a loop that looks at what is waited for.
 */

/* After its lock: of a handle of zeros, `create` would make an RLock that the program has no handle of. */
LOCKWORK_CALL lockwork_condition_over(lockwork_condition *condition, uint32_t address, int stamp) {
  return stamp ? lockwork_import_create(condition, 9, (int)address, stamp, 0) : LOCKWORK_INVALID;
}
LOCKWORK_CALL lockwork_condition_init(lockwork_condition *condition, const lockwork_lock *lock) {
  return lockwork_condition_over(condition, LOCKWORK_HANDLE(lock));
}
LOCKWORK_CALL lockwork_condition_init_rlock(lockwork_condition *condition, const lockwork_rlock *lock) {
  return lockwork_condition_over(condition, LOCKWORK_HANDLE(lock));
}
LOCKWORK_CALL lockwork_condition_wait(const lockwork_condition *condition, double ms) {
  return lockwork_import_cond_wait(LOCKWORK_HANDLE(condition), ms);
}
LOCKWORK_CALL lockwork_condition_notify(const lockwork_condition *condition, int n) {
  return lockwork_import_cond_notify(LOCKWORK_HANDLE(condition), n);
}
LOCKWORK_CALL lockwork_condition_notify_all(const lockwork_condition *condition) {
  return lockwork_condition_notify(condition, LOCKWORK_ALL);
}

#ifdef __cplusplus
}

/*
 * C++: Lock and RLock are Lockable, for std::lock_guard, std::unique_lock and std::scoped_lock. Where the functions above
 * answer an error, these trap, as programs in wasm seldom have exceptions; an abandoned lock is released before. A program
 * that goes on after one calls the functions:
 *
 *   if (lockwork_lock_acquire(&lock.handle, LOCKWORK_FOREVER) == LOCKWORK_ABANDONED) {
 *     repair();
 *     lockwork_lock_recover(&lock.handle);
 *   }
 *   std::lock_guard<lockwork::Lock> guard(lock, std::adopt_lock);
 */
namespace lockwork {

inline int init(lockwork_lock *lock) { return lockwork_lock_init(lock); }
inline int init(lockwork_rlock *lock) { return lockwork_rlock_init(lock); }
inline int acquire(const lockwork_lock *lock, double ms) { return lockwork_lock_acquire(lock, ms); }
inline int acquire(const lockwork_rlock *lock, double ms) { return lockwork_rlock_acquire(lock, ms); }
inline int release(const lockwork_lock *lock) { return lockwork_lock_release(lock); }
inline int release(const lockwork_rlock *lock) { return lockwork_rlock_release(lock); }

template <class Handle>
class Lockable {
 public:
  /* Makes a primitive, which goes with this object, unless it is held or waited for then. */
  Lockable() : made(true) { must(init(&handle)); }
  /* Uses an existing one, which stays. */
  explicit Lockable(Handle existing) : handle(existing), made(false) {}
  Lockable(const Lockable &) = delete;
  Lockable &operator=(const Lockable &) = delete;
  ~Lockable() {
    if (made) lockwork_destroy(&handle);
  }

  void lock() { held(acquire(&handle, LOCKWORK_FOREVER)); }
  bool try_lock() { return held(acquire(&handle, 0)); }
  void unlock() { must(release(&handle)); }

  Handle handle;

 private:
  static void must(int status) {
    if (status != LOCKWORK_OK) __builtin_trap();
  }
  bool held(int status) {
    if (status == LOCKWORK_TIMEOUT) return false;
    if (status == LOCKWORK_ABANDONED) unlock();
    must(status);
    return true;
  }

  const bool made;
};

using Lock = Lockable<lockwork_lock>;
using RLock = Lockable<lockwork_rlock>;

}  // namespace lockwork
#endif

#endif
