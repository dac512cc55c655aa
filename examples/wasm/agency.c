/*
 * Agents of a travel agency, written in C: four threads sell the ten seats of a flight, one lock lets one of them in at a time,
 * and an event tells the office that the flight is full. The office is the main thread, which must not block.
 */
#include "lockwork.h"

/* What an agent does, told to JavaScript. */
enum { WAITS, HOLDS, BOOKS, REFUSES, RELEASES, TELLS };
__attribute__((import_module("agency"), import_name("say"))) extern void say(int step, int seat);

/* The bank answers. Meanwhile other threads run. */
__attribute__((import_module("agency"), import_name("bank"))) extern void bank(void);

/* All instances of this program have one memory, so these are the same for all threads. */
static int seats = 10;
static lockwork_lock lock;
static lockwork_event full;

/* One thread calls this before the others begin. Answers where the event's handle is: JavaScript may await it, too. */
const lockwork_event *open_flight(void) {
  lockwork_lock_init(&lock);
  lockwork_event_init(&full);
  return &full;
}

/* An agent serves a customer. This blocks while another agent is inside. */
void sell(void) {
  say(WAITS, 0);
  lockwork_lock_acquire(&lock, LOCKWORK_FOREVER);
  say(HOLDS, 0);
  if (seats > 0) {
    bank();
    say(BOOKS, seats);
    seats -= 1;
    if (seats == 0) lockwork_event_set(&full);
  } else {
    say(REFUSES, 0);
  }
  say(RELEASES, 0);
  lockwork_lock_release(&lock);
}

/* The office waits. Where this program can be suspended, its thread goes on meanwhile. */
void inform(void) {
  say(WAITS, 0);
  lockwork_event_wait(&full, LOCKWORK_FOREVER);
  say(TELLS, 0);
}
