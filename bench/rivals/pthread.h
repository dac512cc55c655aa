/* What pthread.c has for pthread-programs.c, and the other way round. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE _Alignas(64)
/* How long threads compute before a trial, to get a core each, as in ../harness/threads.ts (ms). */
#define SETTLING 20

struct report {
  int side;
  long operations;
  /* Of the clock, and of this thread. */
  double ms, cpu;
};

extern atomic_int stop;

/* ms of a clock. */
double now(clockid_t clock);
/* Waits for all threads. */
void assemble(void);
/* So many threads, for about `window` ms. */
void run(double window, int count, void *(*parts[])(void *), struct report reports[]);

/* Runs the program of this name, if there is one, and answers; else 0. */
int program(const char *task, double window);
