/* What the tests run of C: program.ts has the bytes. */
#include "lockwork.h"

#define ROOM 8

static int counter;
static int queue[ROOM];
static int length;
static lockwork_lock lock;
static lockwork_condition not_empty;
static lockwork_condition not_full;

/* Answers where the handles are: of the lock, and of the two conditions. */
const lockwork_lock *init(void) {
  const int status = lockwork_lock_init(&lock) | lockwork_condition_init(&not_empty, &lock) |
                     lockwork_condition_init(&not_full, &lock);
  return status ? 0 : &lock;
}

const lockwork_condition *conditions(int full) { return full ? &not_full : &not_empty; }

/* The counter is a plain one: every other thread's must be written before this one's is read. */
int increment(int times) {
  for (int i = 0; i < times; i++) {
    const int status = lockwork_lock_acquire(&lock, LOCKWORK_FOREVER);
    if (status) return status;
    counter = *(volatile int *)&counter + 1;
    lockwork_lock_release(&lock);
  }
  return LOCKWORK_OK;
}

int *counted(void) { return &counter; }

/* The bounded queue of every textbook. */
int produce(int first, int items) {
  for (int item = first; item < first + items; item++) {
    int status = lockwork_lock_acquire(&lock, LOCKWORK_FOREVER);
    if (status) return status;
    while (length == ROOM) {
      status = lockwork_condition_wait(&not_full, LOCKWORK_FOREVER);
      if (status) return status;
    }
    queue[length++] = item;
    lockwork_condition_notify(&not_empty, 1);
    lockwork_lock_release(&lock);
  }
  return LOCKWORK_OK;
}

/* Answers the sum of what it took. */
int consume(int items) {
  int sum = 0;
  for (int i = 0; i < items; i++) {
    int status = lockwork_lock_acquire(&lock, LOCKWORK_FOREVER);
    if (status) return status;
    while (length == 0) {
      status = lockwork_condition_wait(&not_empty, LOCKWORK_FOREVER);
      if (status) return status;
    }
    sum += queue[--length];
    lockwork_condition_notify(&not_full, 1);
    lockwork_lock_release(&lock);
  }
  return sum;
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
