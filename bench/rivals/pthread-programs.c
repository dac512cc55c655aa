/* The programs of ../topics/programs, over glibc's pthreads. */
#include "pthread.h"
#include <stdlib.h>

#define MOST 16
#define CAPACITY 1024
#define CONNECTIONS 3
#define LOCKS 64
#define ENTRIES 4096
#define STAGES 4

/* What the task says: how many threads, the steps of their work, and two numbers that a program knows. */
static int threads, first, second;
static long steps;

struct lock {
  LINE pthread_mutex_t mutex;
};

static LINE pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LINE pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static LINE pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;

static volatile unsigned result;

/* As in assembly/index.ts. */
static void work(long steps) {
  unsigned x = steps;
  while (steps--) x = x * 1664525 + 1013904223;
  result = x;
}

static void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* Queue: the first threads are producers, and each counts its items from 1; the second number is the capacity. */

static struct {
  int head, tail, count, ended;
  unsigned sum;
  int items[CAPACITY];
} queue;

static long produce(void) {
  int item = 0;
  do {
    item++;
    pthread_mutex_lock(&lock);
    while (queue.count == second) pthread_cond_wait(&not_full, &lock);
    queue.items[queue.tail] = item;
    queue.tail = (queue.tail + 1) % second;
    queue.count++;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&lock);
  } while (!stop);
  pthread_mutex_lock(&lock);
  queue.ended++;
  /* A consumer that finds this tells the next one. */
  pthread_cond_signal(&not_empty);
  pthread_mutex_unlock(&lock);
  return item;
}

static long consume(void) {
  for (long items = 0;; items++) {
    pthread_mutex_lock(&lock);
    while (!queue.count && queue.ended < first) pthread_cond_wait(&not_empty, &lock);
    if (!queue.count) {
      pthread_cond_signal(&not_empty);
      pthread_mutex_unlock(&lock);
      return items;
    }
    queue.sum += queue.items[queue.head];
    queue.head = (queue.head + 1) % second;
    queue.count--;
    pthread_cond_signal(&not_full);
    pthread_mutex_unlock(&lock);
    work(steps);
  }
}

static long queue_part(int side) { return side < first ? produce() : consume(); }

static long queue_count(struct report reports[]) {
  long put = 0, got = 0;
  unsigned sum = 0;
  for (int i = 0; i < threads; i++) {
    long items = reports[i].operations;
    if (i < first) put += items, sum += items * (items + 1) / 2;
    else got += items;
  }
  check(put == got && sum == queue.sum, "not the items that went in came out");
  return put;
}

/* Pool. */

static sem_t connections;
static struct {
  /* One more than there are: a thread without a permit finds none that is free. */
  volatile int used[CONNECTIONS + 1];
  volatile long uses[CONNECTIONS + 1];
} pool;

static long pool_part(int side) {
  long queries = 0;
  (void)side;
  do {
    sem_wait(&connections);
    pthread_mutex_lock(&lock);
    int connection = 0;
    while (pool.used[connection]) connection++;
    pool.used[connection] = 1;
    pthread_mutex_unlock(&lock);
    long uses = pool.uses[connection];
    work(steps);
    pool.uses[connection] = uses + 1;
    pthread_mutex_lock(&lock);
    pool.used[connection] = 0;
    pthread_mutex_unlock(&lock);
    sem_post(&connections);
    work(steps);
    queries++;
  } while (!stop);
  return queries;
}

static long all(struct report reports[]) {
  long operations = 0;
  for (int i = 0; i < threads; i++) operations += reports[i].operations;
  return operations;
}

static long pool_count(struct report reports[]) {
  long uses = 0, queries = all(reports);
  for (int i = 0; i < CONNECTIONS; i++) uses += pool.uses[i];
  check(uses == queries, "not every query had a connection that was free");
  return queries;
}

/* Stencil. */

static pthread_barrier_t barrier;
static struct {
  volatile long last;
  struct {
    LINE unsigned value;
  } cells[2][MOST];
} stencil;

static long stencil_part(int side) {
  long round = 0;
  do {
    int from = round++ % 2;
    unsigned sum = stencil.cells[from][(side + threads - 1) % threads].value + stencil.cells[from][side].value +
                   stencil.cells[from][(side + 1) % threads].value;
    work(steps);
    stencil.cells[1 - from][side].value = sum + round;
    /* A thread that is already in the next round may have ended that one, not this one. */
    if (!side && stop) stencil.last = round;
    pthread_barrier_wait(&barrier);
  } while (stencil.last != round);
  return round;
}

static long stencil_count(struct report reports[]) {
  long rounds = reports[0].operations;
  unsigned cells[2][MOST] = {0};
  for (long round = 1; round <= rounds; round++)
    for (int i = 0; i < threads; i++) {
      unsigned *from = cells[(round - 1) % 2];
      cells[round % 2][i] = from[(i + threads - 1) % threads] + from[i] + from[(i + 1) % threads] + round;
    }
  for (int i = 0; i < threads; i++)
    check(reports[i].operations == rounds && stencil.cells[rounds % 2][i].value == cells[rounds % 2][i],
          "cells are not what one thread makes of them");
  return rounds;
}

/* Cache: one of the first number writes. */

static struct lock locks[LOCKS];
static struct {
  volatile int versions[ENTRIES][2];
  atomic_int torn;
} cache;

static long cache_part(int side) {
  unsigned random = side + 1;
  long operations = 0;
  do {
    random = random * 1664525 + 1013904223;
    int entry = (random >> 8) % ENTRIES;
    volatile int *versions = cache.versions[entry];
    pthread_mutex_t *lock = &locks[entry % LOCKS].mutex;
    pthread_mutex_lock(lock);
    int version = versions[0];
    if (operations++ % first) {
      work(steps);
      if (versions[1] != version) cache.torn++;
    } else {
      versions[0] = version + 1;
      work(steps);
      versions[1] = version + 1;
    }
    pthread_mutex_unlock(lock);
  } while (!stop);
  return operations;
}

static long cache_count(struct report reports[]) {
  long written = 0, versions = 0;
  for (int i = 0; i < threads; i++) written += (reports[i].operations + first - 1) / first;
  for (int i = 0; i < ENTRIES; i++) versions += cache.versions[i][0];
  check(!cache.torn && versions == written, "entries are torn, or writes lost");
  return all(reports);
}

/* Pipeline, by events of a mutex and a condition each. */

struct event {
  LINE pthread_mutex_t mutex;
  pthread_cond_t changed;
  int set;
};

static void event_wait(struct event *event) {
  pthread_mutex_lock(&event->mutex);
  while (!event->set) pthread_cond_wait(&event->changed, &event->mutex);
  pthread_mutex_unlock(&event->mutex);
}

static void event_set(struct event *event) {
  pthread_mutex_lock(&event->mutex);
  event->set = 1;
  pthread_cond_broadcast(&event->changed);
  pthread_mutex_unlock(&event->mutex);
}

static void event_clear(struct event *event) {
  pthread_mutex_lock(&event->mutex);
  event->set = 0;
  pthread_mutex_unlock(&event->mutex);
}

/* Before each stage. */
static struct slot {
  struct event full, empty;
  int item;
} slots[STAGES];
static volatile int wrong;

static int slot_get(struct slot *slot) {
  event_wait(&slot->full);
  event_clear(&slot->full);
  int item = slot->item;
  event_set(&slot->empty);
  return item;
}

static void slot_taken(struct slot *slot) {
  event_wait(&slot->empty);
  event_clear(&slot->empty);
}

static long pipeline_part(int side) {
  struct slot *next = side < STAGES - 1 ? &slots[side + 1] : NULL;
  for (long items = 0;; items++) {
    int item = side ? slot_get(&slots[side]) : stop && items ? 0 : items + 1;
    if (item) work(steps);
    if (next) {
      if (items) slot_taken(next);
      next->item = item;
      event_set(&next->full);
    } else if (item && item != items + 1) {
      wrong++;
    }
    if (item) continue;
    if (next) slot_taken(next);
    return items;
  }
}

static long pipeline_count(struct report reports[]) {
  for (int i = 0; i < STAGES; i++)
    check(reports[i].operations == reports[0].operations && !wrong, "an item came that was not the next");
  return reports[0].operations;
}

static long (*part)(int side);

static void *play(void *into) {
  struct report *report = into;
  assemble();
  double from = now(CLOCK_MONOTONIC), before = now(CLOCK_THREAD_CPUTIME_ID);
  report->operations = part(report->side);
  report->ms = now(CLOCK_MONOTONIC) - from;
  report->cpu = now(CLOCK_THREAD_CPUTIME_ID) - before;
  return NULL;
}

/* All is as it was at first. */
static void begin(void) {
  memset(&queue, 0, sizeof queue);
  memset((void *)&pool, 0, sizeof pool);
  memset((void *)&stencil, 0, sizeof stencil);
  memset((void *)&cache, 0, sizeof cache);
  memset(slots, 0, sizeof slots);
  wrong = 0;
  for (int i = 0; i < LOCKS; i++) pthread_mutex_init(&locks[i].mutex, NULL);
  for (int i = 0; i < STAGES; i++) {
    struct event *events[] = {&slots[i].full, &slots[i].empty};
    for (int j = 0; j < 2; j++) pthread_mutex_init(&events[j]->mutex, NULL), pthread_cond_init(&events[j]->changed, NULL);
  }
  sem_init(&connections, 0, CONNECTIONS);
  pthread_barrier_init(&barrier, NULL, threads);
}

int program(const char *task, double window) {
  static const struct {
    const char *name;
    long (*part)(int side);
    long (*count)(struct report reports[]);
  } programs[] = {
      {"queue", queue_part, queue_count},    {"pool", pool_part, pool_count},
      {"stencil", stencil_part, stencil_count}, {"cache", cache_part, cache_count},
      {"pipeline", pipeline_part, pipeline_count},
  };
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
    if (strcmp(task, programs[i].name)) continue;
    if (scanf("%d %ld %d %d", &threads, &steps, &first, &second) != 4 || threads > MOST || second > CAPACITY) return 0;
    part = programs[i].part;
    begin();
    void *(*parts[MOST])(void *);
    struct report reports[MOST];
    for (int side = 0; side < threads; side++) parts[side] = play;
    run(window, threads, parts, reports);
    long operations = programs[i].count(reports);
    double ms = 0, cpu = 0;
    for (int side = 0; side < threads; side++) {
      if (reports[side].ms > ms) ms = reports[side].ms;
      cpu += reports[side].cpu;
    }
    printf("{\"ns\":%f,\"more\":{\"CPU\":%f}}\n", ms * 1e6 / operations, cpu * 1e6 / operations);
    return 1;
  }
  return 0;
}
