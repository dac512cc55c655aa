/* What the tests run of C: program.ts has the bytes. */
#include "lockwork.h"

#define ROOM 8

static struct {
  lockwork_lock lock;
  lockwork_condition not_empty;
  lockwork_condition not_full;
  lockwork_rlock rlock;
  lockwork_semaphore permit;
} shared;

static int counter;
static int queue[ROOM];
static int length;

/* Answers where the handles are, in this order. */
const void *init(void) {
  const int status = lockwork_lock_init(&shared.lock) | lockwork_condition_init(&shared.not_empty, &shared.lock) |
                     lockwork_condition_init(&shared.not_full, &shared.lock) | lockwork_rlock_init(&shared.rlock) |
                     lockwork_semaphore_init_bounded(&shared.permit, 1);
  return status ? 0 : &shared;
}

/* The counter is a plain one: every other thread's must be written before this one's is read. */
int increment(int times) {
  for (int i = 0; i < times; i++) {
    const int status = lockwork_lock_acquire(&shared.lock, LOCKWORK_FOREVER);
    if (status) return status;
    counter = *(volatile int *)&counter + 1;
    lockwork_lock_release(&shared.lock);
  }
  return LOCKWORK_OK;
}

int *counted(void) { return &counter; }

/* The bounded queue of every textbook. */
int produce(int first, int items) {
  for (int item = first; item < first + items; item++) {
    int status = lockwork_lock_acquire(&shared.lock, LOCKWORK_FOREVER);
    if (status) return status;
    while (length == ROOM) {
      status = lockwork_condition_wait(&shared.not_full, LOCKWORK_FOREVER);
      if (status) return status;
    }
    queue[length++] = item;
    status = lockwork_condition_notify(&shared.not_empty, 1) | lockwork_lock_release(&shared.lock);
    if (status) return status;
  }
  return LOCKWORK_OK;
}

/* Answers the sum of what it took. */
int consume(int items) {
  int sum = 0;
  for (int i = 0; i < items; i++) {
    int status = lockwork_lock_acquire(&shared.lock, LOCKWORK_FOREVER);
    if (status) return status;
    while (length == 0) {
      status = lockwork_condition_wait(&shared.not_empty, LOCKWORK_FOREVER);
      if (status) return status;
    }
    sum += queue[--length];
    status = lockwork_condition_notify(&shared.not_full, 1) | lockwork_lock_release(&shared.lock);
    if (status) return status;
  }
  return sum;
}

/* What Lock, RLock and Semaphore protect. The two numbers of one differ only while a thread has it, and where that died. */
static volatile struct {
  int overlaps;
  int repaired;
  struct { int begun, ended; } kept[3];
} storms;

volatile void *stormed(void) { return &storms; }

static int acquire(int kind, double ms) {
  if (kind == 0) return lockwork_lock_acquire(&shared.lock, ms);
  if (kind == 1) return lockwork_rlock_acquire(&shared.rlock, ms);
  return lockwork_semaphore_acquire(&shared.permit, ms);
}

static int release(int kind) {
  if (kind == 0) return lockwork_lock_release(&shared.lock);
  if (kind == 1) return lockwork_rlock_release(&shared.rlock);
  return lockwork_semaphore_release(&shared.permit, 1);
}

static void repair(int kind) {
  storms.kept[kind].ended = storms.kept[kind].begun;
  storms.repaired++;
  if (kind == 0) lockwork_lock_recover(&shared.lock);
  else lockwork_rlock_recover(&shared.rlock);
}

/* Turns with one of so many kinds, at random. Answers how many were in time. */
int storm(int turns, uint32_t seed, int kinds) {
  int had = 0;
  for (; turns > 0; turns--) {
    seed = seed * 1664525 + 1013904223;
    const int kind = (int)((seed >> 16) % (uint32_t)kinds);
    const int status = acquire(kind, seed >> 30 ? LOCKWORK_FOREVER : (double)(seed >> 29 & 1));
    if (status == LOCKWORK_TIMEOUT) continue;
    if (status == LOCKWORK_ABANDONED) repair(kind);
    else if (status) return status;
    if (storms.kept[kind].begun != storms.kept[kind].ended) storms.overlaps++;
    storms.kept[kind].begun++;
    /* The thread may die in any call. */
    lockwork_now();
    storms.kept[kind].ended++;
    release(kind);
    had++;
  }
  return had;
}

/* Waits with something in its frame. Answers how much of that is still there. */
int keep(int seed, uint32_t address, int stamp) {
  const lockwork_event event = {address, stamp};
  volatile int frame[64];
  for (int i = 0; i < 64; i++) frame[i] = seed + i;
  if (lockwork_event_wait(&event, LOCKWORK_FOREVER)) return -1;
  int kept = 0;
  for (int i = 0; i < 64; i++) kept += frame[i] == seed + i;
  return kept;
}
