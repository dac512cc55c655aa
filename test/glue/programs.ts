import type { Program } from './calls.ts';

/** Programs for calls.ts: what the bindings do in each of them, the model's event loop must do, too. */
export const programs: readonly Program[] = [
  {
    title: 'Lock: free',
    events: `
      A1 acquires lock
      A1 releases lock`,
    has: ['A lockAcquire(lock, …, A|32, 0) → OK', 'A lockRelease(lock, …, A|32) → OK'],
  },
  {
    title: 'Lock: more tasks join, and it goes from one to the next',
    events: `
      A1 acquires lock
      A2 acquires lock
      A3 acquires lock
      A1 releases lock
      A2 releases lock
      A3 releases lock`,
    has: [
      'A acquire(lock, …, A.1, A|32, Infinity, 0) → PENDING',
      'A join(lock, A.1, 1) → 2',
      'A handOff(lock, …, A.1, A|32, A|32, 1) → 1',
      'A handOff(lock, …, A.1, A|32, A|32, 0) → 1',
      'A lockRelease(lock, …, A|32) → OK',
    ],
  },
  {
    title: 'Lock: another thread releases it to a task, and one more waits behind it',
    events: `
      B1 tries lock
      A1 acquires lock
      A2 acquires lock
      B1 releases lock
      A looks
      A1 releases lock
      A2 releases lock`,
    has: [
      'A acquire(lock, …, A.1, A|32, Infinity, WOKEN) → OK',
      'A acquire(lock, …, A.1, A|32, Infinity, AT_FRONT) → PENDING',
    ],
  },
  {
    title: 'Lock: a waker is in flight, so a newcomer tries before it joins',
    events: `
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      A2 acquires lock
      A looks
      A2 releases lock
      A1 releases lock`,
    has: ['A lockAcquire(lock, …, A|32, 0) → OK'],
  },
  {
    title: 'Lock: a task that may not wait tries, and joins nobody',
    events: `
      B1 tries lock
      A1 acquires lock
      A2 asks lock
      B1 releases lock
      A looks
      A1 releases lock`,
    has: ['A lockAcquire(lock, …, A|32, 0) → TIMEOUT'],
  },
  {
    title: 'Lock: a task of another thread stands between two, and the older queue is handed it',
    events: `
      A1 acquires lock
      A2 acquires lock
      B1 acquires lock
      A3 acquires lock
      A1 releases lock
      A2 releases lock
      B looks
      B1 releases lock
      A looks
      A3 releases lock`,
    has: ['A handOff(lock, …, A.1, A|32, A|32, 0) → 1', 'A acquire(lock, …, A.2, A|32, Infinity, 0) → PENDING'],
  },
  {
    title: 'Lock: woken in vain, it waits on',
    events: `
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      B1 tries lock
      A looks
      B1 releases lock
      A looks
      A1 releases lock`,
    has: ['A acquire(lock, …, A.1, A|32, Infinity, WOKEN) → PENDING'],
  },
  {
    title: 'Lock: woken in vain for too long, it is handed it',
    overdue: 4,
    events: `
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      B1 tries lock
      A looks
      B1 releases lock
      B1 tries lock
      A looks
      B1 releases lock
      A looks
      A1 releases lock`,
    has: ['A acquire(lock, …, A.1, A|32, Infinity, WOKEN|HANDOFF) → PENDING'],
  },
  {
    title: 'Lock: a task gives up too late, and the next wait of its local queue is one for ever',
    events: `
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      A1 cancels
      A looks
      A1 releases lock
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      B1 tries lock
      A looks
      B1 releases lock
      A looks
      A1 releases lock`,
    has: ['A cancelWait(lock, …, A.1, 0) → OK', 'A acquire(lock, …, A.1, A|32, 0, WOKEN) → OK'],
  },
  {
    title: 'Lock: a task is woken in vain, and so is the next of its local queue, which has waited for less',
    overdue: 1,
    events: `
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      B1 tries lock
      A looks
      B1 releases lock
      A looks
      A1 releases lock
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      B1 tries lock
      A looks
      B1 releases lock
      A looks
      A1 releases lock`,
    has: ['A acquire(lock, …, A.2, A|32, Infinity, WOKEN) → PENDING'],
  },
  {
    title: 'Lock: tasks of two threads in turn; there are two local queues',
    events: `
      B1 acquires lock
      A1 acquires lock
      B2 acquires lock
      A2 acquires lock
      A3 acquires lock
      B1 releases lock
      A looks
      A1 releases lock
      B looks
      B2 releases lock
      A looks
      A2 releases lock
      A3 releases lock`,
    has: ['A join(lock, A.1, 1) → 0', 'A join(lock, A.2, 1) → 2', 'A handOff(lock, …, A.2, A|32, A|32, 0) → 1'],
  },
  {
    title: 'Lock: of three local queues the youngest dissolves, and a newcomer asks the one before',
    events: `
      B1 acquires lock
      A1 acquires lock
      B2 acquires lock
      A2 acquires lock
      B3 acquires lock
      A3 acquires lock
      A3 cancels
      A3 acquires lock
      B1 releases lock
      A looks
      A1 releases lock
      B looks
      B2 releases lock
      A looks
      A2 releases lock
      B looks
      B3 releases lock
      A looks
      A3 releases lock`,
    has: ['A cancelWait(lock, …, A.3, 0) → TIMEOUT', 'A acquire(lock, …, A.4, A|32, Infinity, 0) → PENDING'],
  },
  {
    title: 'Lock: a task releases what it does not hand on past another thread',
    events: `
      A1 acquires lock
      B1 acquires lock
      A2 acquires lock
      A1 releases lock
      B looks
      B1 releases lock
      A looks
      A2 releases lock`,
    has: ['A handOff(lock, …, A.1, A|32, A|32, 0) → 0'],
  },
  {
    title: 'Lock: the only task gives up in time',
    events: `
      B1 tries lock
      A1 acquires lock
      A1 expires
      B1 releases lock`,
    has: ['A cancelWait(lock, …, A.1, 0) → TIMEOUT'],
  },
  {
    title: 'Lock: the only task is aborted',
    events: `
      B1 tries lock
      A1 acquires lock
      A1 cancels
      B1 releases lock`,
    has: ['A cancelWait(lock, …, A.1, 0) → TIMEOUT'],
  },
  {
    title: 'Lock: of three the first gives up, then the last',
    events: `
      B1 tries lock
      A1 acquires lock
      A2 acquires lock
      A3 acquires lock
      A1 expires
      A3 cancels
      B1 releases lock
      A looks
      A2 releases lock`,
    has: ['A countTasks(lock, A.1, -1) → 0'],
  },
  {
    title: 'Lock: an abort while the wake-up is in flight',
    events: `
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      A1 cancels
      A looks
      A1 releases lock`,
    has: ['A cancelWait(lock, …, A.1, 0) → OK', 'A acquire(lock, …, A.1, A|32, 0, WOKEN) → OK'],
  },
  {
    title: 'Lock: an abort while the wake-up is in flight, and the lock has gone',
    events: `
      B1 tries lock
      A1 acquires lock
      B1 releases lock
      B1 tries lock
      A1 cancels
      A looks
      B1 releases lock`,
    has: ['A acquire(lock, …, A.1, A|32, 0, WOKEN) → TIMEOUT'],
  },
  {
    title: 'Lock: the first of two gives up while the wake-up is in flight',
    events: `
      B1 tries lock
      A1 acquires lock
      A2 acquires lock
      B1 releases lock
      A1 expires
      A looks
      A2 releases lock`,
    has: ['A acquire(lock, …, A.1, A|32, Infinity, WOKEN) → OK'],
  },
  {
    title: 'Lock: a thread blocks beside its task, which is woken and starts anew',
    events: `
      B1 tries lock
      A1 acquires lock
      A2 blocks lock
      B1 releases lock
      A2 releases lock
      A looks
      A1 releases lock`,
    has: [
      'A waitAsTask(A) → 0',
      'A decline(lock, …, A.1) → 0',
      'A acquire(lock, …, A, A, Infinity, WOKEN) → OK',
      'A waitAsThread(A, 0, 0) → 0',
    ],
  },
  {
    title: 'Lock: a thread that has no task that waits has it at once, or refuses',
    events: `
      A1 acquires lock
      A2 blocks lock
      A1 releases lock
      A3 blocks lock
      A3 releases lock`,
    has: ['A lockAcquire(lock, …, A, 0) → TIMEOUT', 'A undo(A) → 0', 'A lockAcquire(lock, …, A, 0) → OK'],
  },
  {
    title: 'Lock: a thread with a task that waits refuses to block for what a task holds',
    events: `
      A1 acquires lock
      A2 acquires lock
      A3 blocks lock
      A1 releases lock
      A2 releases lock`,
    has: ['A waitAsTask(A) → 0', 'A waitAsThread(A, 0, 0) → 0', 'A undo(A) → 0'],
  },
  {
    title: 'Lock: what a thread has itself it hands to its task',
    events: `
      A1 acquires lock
      A1 releases lock
      A1 blocks lock
      A2 acquires lock
      A3 acquires lock
      A1 releases lock
      A2 releases lock
      A3 releases lock`,
    has: ['A handOff(lock, …, A.1, A, A|32, 1) → 1'],
  },
  {
    title: 'Lock: another thread releases what a task holds',
    events: `
      B1 acquires semaphore
      B1 releases semaphore
      A1 acquires lock
      A2 acquires lock
      B1 releases lock
      A looks
      A2 releases lock
      A1 releases lock`,
    has: ['B lockRelease(lock, …, B|32) → OK', 'A lockRelease(lock, …, A) → NOT_HELD'],
  },
  {
    title: 'RLock: from one owner to the next',
    recursive: true,
    events: `
      A1 acquires lock as p
      A2 acquires lock as q
      A3 acquires lock as r
      A1 releases lock as p
      A2 releases lock as q
      A3 releases lock as r`,
    has: ['A handOff(lock, …, A.1, p, q, 1) → 1', 'A handOff(lock, …, A.1, q, r, 0) → 1'],
  },
  {
    title: 'RLock: another thread releases it, and the proxy gets another name',
    recursive: true,
    events: `
      B1 tries lock
      A1 acquires lock as p
      A2 acquires lock as q
      B1 releases lock
      A looks
      A1 releases lock as p
      A2 releases lock as q`,
    has: [
      'A acquire(lock, …, A.1, A.1, Infinity, WOKEN) → OK',
      'A rename(lock, A.1, p) → 0',
      'A acquire(lock, …, A.1, A.1, Infinity, AT_FRONT) → PENDING',
    ],
  },
  {
    title: 'RLock: an owner has it again at once',
    recursive: true,
    events: `
      A1 acquires lock as p
      A2 acquires lock as q
      A3 acquires lock as p
      A3 releases lock as p
      A1 releases lock as p
      A2 releases lock as q`,
    has: ['A rlockAcquire(lock, …, p, 0) → OK'],
  },
  {
    title: 'RLock: what one task gets, another one of its owner has, too',
    recursive: true,
    events: `
      B1 tries lock
      A1 acquires lock as p
      A2 acquires lock as q
      A3 acquires lock as p
      B1 releases lock
      A looks
      A1 releases lock as p
      A3 releases lock as p
      A2 releases lock as q`,
    has: ['A rename(lock, A.1, p) → 0', 'A rlockAcquire(lock, …, p, 0) → OK', 'A countTasks(lock, A.1, -1) → 0'],
  },
  {
    title: 'RLock: a hand off to one task, and another one of its owner has it, too',
    recursive: true,
    events: `
      A1 acquires lock as p
      A2 acquires lock as q
      A3 acquires lock as r
      A4 acquires lock as q
      A1 releases lock as p
      A2 releases lock as q
      A4 releases lock as q
      A3 releases lock as r`,
    has: ['A handOff(lock, …, A.1, p, q, 1) → 1', 'A rlockAcquire(lock, …, q, 0) → OK'],
  },
  {
    title: 'RLock: an owner gets it at once while its other task waits',
    recursive: true,
    events: `
      B1 tries lock
      A1 acquires lock as p
      B1 releases lock
      A2 acquires lock as p
      A looks
      A1 releases lock as p
      A2 releases lock as p`,
    has: [
      'A acquire(lock, …, A.1, A.1, Infinity, WOKEN) → PENDING',
      'A rlockAcquire(lock, …, p, 0) → OK',
      'A cancelWait(lock, …, A.1, 0) → TIMEOUT',
    ],
  },
  {
    title: 'RLock: an owner gets it where its other task was just woken, and has looked in vain',
    recursive: true,
    events: `
      B1 acquires lock as q
      A1 acquires lock as x
      B2 acquires lock as r
      B1 releases lock as q
      A2 acquires lock as x
      A looks
      A1 releases lock as x
      A2 releases lock as x
      B looks
      B2 releases lock as r`,
    has: ['A cancelWait(lock, …, A.1, 0) → TIMEOUT'],
  },
  {
    title: 'RLock: what an owner gets in one local queue, it has in a younger one, too, which dissolves',
    recursive: true,
    events: `
      B1 acquires lock as q
      A1 acquires lock as x
      B2 acquires lock as r
      A2 acquires lock as x
      B1 releases lock as q
      A looks
      A1 releases lock as x
      A2 releases lock as x
      B looks
      B2 releases lock as r`,
    has: ['A cancelWait(lock, …, A.2, 0) → TIMEOUT'],
  },
  {
    title: 'RLock: of three local queues the second dissolves, and then an owner has it in both others',
    recursive: true,
    events: `
      B1 acquires lock as q
      A1 acquires lock as x
      B2 acquires lock as r
      A2 acquires lock as y
      B3 acquires lock as s
      A3 acquires lock as x
      A2 cancels
      B1 releases lock as q
      A looks
      A1 releases lock as x
      A3 releases lock as x
      B looks
      B2 releases lock as r
      B looks
      B3 releases lock as s`,
    has: ['A cancelWait(lock, …, A.2, 0) → TIMEOUT', 'A cancelWait(lock, …, A.3, 0) → TIMEOUT'],
  },
  {
    title: 'RLock: the only task gives up in time',
    recursive: true,
    events: `
      B1 acquires lock as q
      A1 acquires lock as x
      A1 cancels
      B1 releases lock as q`,
    has: ['A cancelWait(lock, …, A.1, 0) → TIMEOUT'],
  },
  {
    title: 'RLock: two tasks of an owner in one local queue',
    recursive: true,
    events: `
      B1 acquires lock as q
      A1 acquires lock as x
      A2 acquires lock as x
      B1 releases lock as q
      A looks
      A1 releases lock as x
      A2 releases lock as x`,
    has: ['A rlockAcquire(lock, …, x, 0) → OK'],
  },
  {
    title: 'RLock: a thread blocks beside a task',
    recursive: true,
    events: `
      B1 tries lock
      A1 acquires lock as p
      A2 blocks lock
      B1 releases lock
      A2 releases lock
      A looks
      A1 releases lock as p`,
    has: ['A acquire(lock, …, A, A, Infinity, WOKEN) → OK'],
  },
  {
    title: 'RLock: a thread refuses to block for what an owner holds',
    recursive: true,
    events: `
      A1 acquires lock as p
      A2 blocks lock
      A1 releases lock as p`,
    has: ['A rlockAcquire(lock, …, A, 0) → TIMEOUT', 'A undo(A) → 0'],
  },
  {
    title: 'Semaphore: free',
    events: `
      A1 acquires semaphore
      A1 releases semaphore`,
    has: ['A semAcquire(semaphore, …, A, 0) → OK', 'A semRelease(semaphore, …, A, 1) → OK'],
  },
  {
    title: 'Semaphore: a permit is handed on',
    events: `
      A1 acquires semaphore
      A2 acquires semaphore
      A3 acquires semaphore
      A1 releases semaphore
      A2 releases semaphore
      A3 releases semaphore`,
    has: [
      'A acquire(semaphore, …, A.1, -64, Infinity, 0) → PENDING',
      'A semHandOff(semaphore, …, A.1, 1, 0, 0) → 1',
      'A semHandOff(semaphore, …, A.1, 0, 0, 0) → 1',
    ],
  },
  {
    title: 'Semaphore: a permit goes to another thread that came before',
    events: `
      A1 acquires semaphore
      B1 acquires semaphore
      A2 acquires semaphore
      A1 releases semaphore
      B looks
      B1 releases semaphore
      A looks
      A2 releases semaphore`,
    has: ['A semHandOff(semaphore, …, A.1, 0, 0, 0) → 0', 'A semRelease(semaphore, …, A, 1) → OK'],
  },
  {
    title: 'Semaphore: one of two gives up, then the other',
    events: `
      B1 tries semaphore
      A1 acquires semaphore
      A2 acquires semaphore
      A1 cancels
      A2 expires
      B1 releases semaphore`,
    has: ['A countTasks(semaphore, A.1, -1) → 0', 'A cancelWait(semaphore, …, A.1, 0) → TIMEOUT'],
  },
  {
    title: 'Event: another thread sets it for two tasks',
    events: `
      A1 waits event
      A2 waits event
      B1 sets event
      A looks`,
    has: [
      'A eventWait(event, …, A, 0) → TIMEOUT',
      'A eventWait(event, …, A.1, Infinity) → PENDING',
      'A collect(A) → A.1',
    ],
  },
  {
    title: 'Event: a task sets it for another, and a wait after that is over at once',
    events: `
      A1 waits event
      A2 sets event
      A looks
      A1 waits event
      A2 clears event
      A1 waits event
      A1 expires`,
    has: ['A eventWait(event, …, A, 0) → OK', 'A cancelWait(event, …, A.2, 0) → TIMEOUT'],
  },
  {
    title: 'Event: an abort when it has been set',
    events: `
      A1 waits event
      B1 sets event
      A1 cancels
      A looks`,
    has: ['A cancelWait(event, …, A.1, 0) → OK'],
  },
  {
    title: 'Barrier: a task and another thread',
    events: `
      A1 waits barrier
      B1 waits barrier
      A looks`,
    has: ['A barrierWait(barrier, …, A.1, Infinity, 0) → PENDING', 'A collect(A) → A.1'],
  },
  {
    title: 'Barrier: two tasks, and the last has an action',
    action: true,
    events: `
      A1 waits barrier
      A2 waits barrier
      A2 ends barrier
      A looks`,
    has: ['A barrierWait(barrier, …, A.2, Infinity, 1) → 1', 'A barrierEnd(barrier, …, A, 0, 4, 3, 0) → 1'],
  },
  {
    title: 'Barrier: a task comes while the action runs, and gives up at the entry',
    action: true,
    events: `
      A1 waits barrier
      A2 waits barrier
      A3 waits barrier
      A2 ends barrier
      A looks
      A3 expires
      A looks`,
    has: [],
  },
  {
    title: 'Barrier: the action fails',
    action: true,
    events: `
      A1 waits barrier
      A2 waits barrier
      A2 fails barrier
      A looks`,
    has: [],
  },
  {
    title: 'Barrier: a task that gives up breaks it for the others',
    parties: 3,
    events: `
      A1 waits barrier
      A2 waits barrier
      A1 cancels
      A looks
      A2 waits barrier`,
    has: ['A barrierEnd(barrier, …, A.1, 0, 0, 4, 8) → 1', 'A barrierWait(barrier, …, A.3, Infinity, 0) → BROKEN'],
  },
  {
    title: 'Barrier: another thread breaks it, and resets it',
    events: `
      A1 waits barrier
      B1 breaks barrier
      A looks
      B1 resets barrier
      A1 waits barrier
      B1 waits barrier
      A looks`,
    has: ['B barrierEnd(barrier, …, B, 0, -1, 4, 8) → 1'],
  },
  ...[false, true].flatMap((recursive): Program[] => {
    const over = `Condition over ${recursive ? 'an RLock' : 'a Lock'}`;
    const [asP, asQ] = recursive ? [' as p', ' as q'] : ['', ''];
    const held = recursive ? 'p' : 'A|32';
    return [
      {
        title: `${over}: a task notifies another`,
        recursive,
        events: `
          A1 acquires lock${asP}
          A1 waits condition${asP}
          A2 acquires lock${asQ}
          A2 notifies condition${asQ}
          A2 releases lock${asQ}
          A looks
          A1 releases lock${asP}`,
        has: [
          `A condWait(condition, …, A.1, ${held}, Infinity, ${Number(recursive)}) → PENDING`,
          `A acquire(lock, …, A.1, ${held}, Infinity, WOKEN) → OK`,
          'A condEnd(A.1, 0) → 0',
        ],
      },
      {
        title: `${over}: another thread notifies a task`,
        recursive,
        events: `
          A1 acquires lock${asP}
          A1 waits condition${asP}
          B1 tries lock
          B1 notifies condition
          B1 releases lock
          A looks
          A1 releases lock${asP}`,
        has: [`B condNotify(condition, …, B, 1, ${Number(recursive)}) → OK`],
      },
      {
        title: `${over}: a task gives up, and has the lock again`,
        recursive,
        events: `
          A1 acquires lock${asP}
          A1 waits condition${asP}
          A1 expires
          A1 releases lock${asP}`,
        has: ['A cancelWait(condition, …, A.1, 0) → TIMEOUT', `A acquire(lock, …, A.1, ${held}, Infinity, 0) → OK`],
      },
      {
        title: `${over}: a task gives up, and waits for the lock`,
        recursive,
        events: `
          A1 acquires lock${asP}
          A1 waits condition${asP}
          B1 tries lock
          A1 cancels
          B1 releases lock
          A looks
          A1 releases lock${asP}`,
        has: [`A acquire(lock, …, A.1, ${held}, Infinity, 0) → PENDING`],
      },
      {
        title: `${over}: an abort when it was notified`,
        recursive,
        events: `
          A1 acquires lock${asP}
          A1 waits condition${asP}
          B1 tries lock
          B1 notifies condition
          A1 cancels
          B1 releases lock
          A looks
          A1 releases lock${asP}`,
        has: ['A cancelWait(condition, …, A.1, 0) → OK'],
      },
      {
        title: `${over}: a thread blocks beside its task, and takes its notify`,
        recursive,
        events: `
          A1 acquires lock${asP}
          A1 waits condition${asP}
          A2 blocks lock
          A2 blocks condition
          B1 tries lock
          B1 notifies condition
          B1 releases lock
          A2 releases lock
          B1 tries lock
          B1 notifies condition
          B1 releases lock
          A looks
          A1 releases lock${asP}`,
        has: ['A condExchange(condition, …, A, A.1) → 1'],
      },
    ];
  }),
  {
    title: 'Condition over an RLock: a task has it again as often as before, and so has another one of its owner',
    recursive: true,
    events: `
      A1 acquires lock as p
      A1 acquires lock as p
      A1 waits condition as p
      B1 tries lock
      B1 notifies condition
      A2 acquires lock as q
      A3 acquires lock as p
      B1 releases lock
      A looks
      A1 releases lock as p
      A1 releases lock as p
      A3 releases lock as p
      A2 releases lock as q`,
    has: ['A condEnd(A.1, 1) → 0', 'A rlockAcquire(lock, …, p, 0) → OK', 'A countTasks(lock, A.2, -1) → 0'],
  },
  {
    title: 'Event: a call that may not wait only looks, beside a task that waits',
    events: `
      A1 waits event
      A2 tries event
      A2 asks event
      B1 sets event
      A looks
      A2 tries event
      A2 asks event`,
    has: ['A eventWait(event, …, A, 0) → TIMEOUT', 'A eventWait(event, …, A, 0) → OK'],
  },
];
