/* glibc's pthreads: reads lines "WINDOW TASK [PAUSE]" (ms), answers each with a line of JSON. */
#include "pthread.h"
#include <gnu/libc-version.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#define BATCH 1000
#define MOST 1000000

static LINE pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static LINE volatile long counter;
static LINE sem_t balls[2];
LINE atomic_int stop;
static LINE atomic_int over;
static LINE pthread_barrier_t start;
static int settles;
static double pause_ms;

double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void compute(double ms) {
  for (double until = now(CLOCK_MONOTONIC) + ms; now(CLOCK_MONOTONIC) < until;);
}

void assemble(void) {
  if (settles) compute(SETTLING);
  pthread_barrier_wait(&start);
}

static long sleeps(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

/* The median of batches, as tinybench has it. */
static void *uncontended(void *into) {
  static double batches[MOST];
  long count = 0;
  while (count < MOST && !atomic_load(&stop)) {
    double from = now(CLOCK_MONOTONIC);
    for (int i = 0; i < BATCH; i++) {
      pthread_mutex_lock(&mutex);
      pthread_mutex_unlock(&mutex);
    }
    batches[count++] = now(CLOCK_MONOTONIC) - from;
  }
  qsort(batches, count, sizeof *batches, ascending);
  *(struct report *)into = (struct report){.operations = BATCH, .ms = batches[count / 2]};
  return NULL;
}

static void *contended(void *into) {
  long operations = 0;
  assemble();
  double from = now(CLOCK_MONOTONIC);
  do {
    for (int i = 0; i < 100; i++) {
      pthread_mutex_lock(&mutex);
      counter++;
      pthread_mutex_unlock(&mutex);
    }
    operations += 100;
  } while (!atomic_load(&stop));
  *(struct report *)into = (struct report){.operations = operations, .ms = now(CLOCK_MONOTONIC) - from};
  return NULL;
}

/* glibc's semaphores do not spin: a thread that must wait asks the kernel at once. */
static void pass(int to) {
  if (pause_ms) compute(pause_ms);
  sem_post(&balls[to]);
}

/* Has the ball at first, and says before its last pass that it is the last. */
static void *serve(void *into) {
  long handoffs = 0;
  assemble();
  double from = now(CLOCK_MONOTONIC);
  do {
    if (atomic_load(&stop)) atomic_store(&over, 1);
    pass(1);
    sem_wait(&balls[0]);
    handoffs += 2;
  } while (!atomic_load(&over));
  *(struct report *)into = (struct report){.operations = handoffs, .ms = now(CLOCK_MONOTONIC) - from};
  return NULL;
}

static void *answer(void *into) {
  int last;
  (void)into;
  assemble();
  do {
    sem_wait(&balls[1]);
    last = atomic_load(&over);
    pass(0);
  } while (!last);
  return NULL;
}

/* Always in threads beside this one: in a process with one thread glibc's mutex does without atomic instructions. */
void run(double window, int count, void *(*parts[])(void *), struct report reports[]) {
  pthread_t threads[count];
  stop = over = 0;
  settles = count > 1 && count <= get_nprocs();
  pthread_barrier_init(&start, NULL, count);
  for (int i = 0; i < count; i++) {
    reports[i].side = i;
    pthread_create(&threads[i], NULL, parts[i], &reports[i]);
  }
  if (settles) window += SETTLING;
  nanosleep(&(struct timespec){window / 1e3, (long)(window * 1e6) % 1000000000}, NULL);
  stop = 1;
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&start);
}

int main(void) {
  char task[32];
  double window;
  struct report reports[2];
  setvbuf(stdout, NULL, _IOLBF, 0);
  sem_init(&balls[0], 0, 0);
  sem_init(&balls[1], 0, 0);
  printf("{\"version\":\"glibc %s\"}\n", gnu_get_libc_version());
  while (scanf("%lf %31s", &window, task) == 2) {
    if (!strcmp(task, "uncontended")) {
      run(window, 1, (void *(*[])(void *)){uncontended}, reports);
      printf("{\"ns\":%f}\n", reports[0].ms * 1e6 / reports[0].operations);
    } else if (!strcmp(task, "contended")) {
      counter = 0;
      run(window, 2, (void *(*[])(void *)){contended, contended}, reports);
      long a = reports[0].operations, b = reports[1].operations;
      if (counter != a + b) return fprintf(stderr, "pthread_mutex does not exclude\n"), 1;
      double ms = reports[0].ms > reports[1].ms ? reports[0].ms : reports[1].ms;
      printf("{\"ns\":%f,\"more\":{\"slower one\":%f}}\n", ms * 1e6 / counter, (double)(a < b ? a : b) / counter);
    } else if (!strcmp(task, "handoff") && scanf("%lf", &pause_ms) == 1) {
      long before = sleeps();
      run(window, 2, (void *(*[])(void *)){serve, answer}, reports);
      printf("{\"ns\":%f,\"more\":{\"sleeps\":%f}}\n", (reports[0].ms / reports[0].operations - pause_ms) * 1e6,
             (double)(sleeps() - before) / reports[0].operations);
    } else if (!program(task, window)) {
      return fprintf(stderr, "no task %s\n", task), 1;
    }
  }
  return 0;
}
