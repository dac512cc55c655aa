/** A program that hangs, the same everywhere: four threads, and a primitive of each kind. */
import { Arena, Barrier, Condition, currentThread, Event, Lock, RLock, Semaphore } from 'lockwork';
import { type Dump, dump, type PrimitiveInfo, type ThreadDump } from 'lockwork/inspect';
import { mortal } from './mortal.ts';
import { PATIENCE, until } from './threads.ts';

/** Where a line of a stack is: the function, as engines call it. */
export function functionOf(stack = ''): string {
  const [line = ''] = stack.split('\n');
  const [, v8, others] = /^at (?:async )?(?:Object\.)?(\S+) \(|^([^@]*)@/.exec(line) ?? [];
  return v8 ?? others ?? line;
}

/** This thread does not block: it may be that of a page. */
export async function hangingProgram(): Promise<{ dump: Dump; end(): void }> {
  const arena = new Arena();
  const there = {
    rates: new Lock({ arena, name: 'rates' }),
    accounts: new RLock({ arena, name: 'accounts' }),
    desks: new Semaphore(2, { arena, name: 'desks' }),
    mail: new Condition(new Lock({ arena }), { arena, name: 'mail' }),
  };
  const { rates, accounts, desks, mail } = there;
  const round = new Barrier(3, { arena, name: 'round' });
  const open = new Event({ arena, name: 'open' });
  const reached = (state: () => boolean, what: string) => until(state, what, PATIENCE, arena);

  mortal(there, function teller({ rates, accounts }, { currentThread, setDeadlockPolicy }) {
    currentThread(rates.arena).name = 'teller';
    setDeadlockPolicy('off');
    accounts.acquire();
    accounts.acquire();
    while (!rates.locked);
    rates.acquire();
    rates.release();
  });
  await reached(() => accounts.locked, 'the teller has the accounts');
  mortal(there, function clerk({ desks, mail }, { currentThread }) {
    currentThread(desks.arena).name = 'clerk';
    desks.hold();
    mail.acquire();
    mail.wait();
    mail.release();
  });
  await reached(() => mail.waiters === 1, 'the clerk waits for mail');
  const guard = await desks.holdAsync();
  mortal(there, function broker({ rates, accounts, desks }, { currentThread, setDeadlockPolicy }) {
    currentThread(rates.arena).name = 'broker';
    setDeadlockPolicy('off');
    rates.acquire();
    for (let count = 0; count < 2; count++) void desks.acquireAsync();
    accounts.acquire();
    accounts.release();
  });
  await reached(() => rates.waiters === 1 && accounts.waiters === 1, 'teller and broker wait for each other');
  const controller = new AbortController();
  const { signal } = controller;
  const tasks = [open.waitAsync({ signal }), round.waitAsync({ signal }), round.waitAsync({ signal })];
  for (const task of tasks) task.catch(() => {});
  const own = currentThread(arena);
  const { name } = own;
  own.name = 'principal';
  const blocked = () => dump(arena).threads.filter(({ state }) => state === 'blocked');
  await reached(() => blocked().every(({ stack }) => stack), 'all that are blocked say where');
  const seen = dump(arena);
  own.name = name;
  return {
    dump: seen,
    end() {
      controller.abort();
      guard.release();
    },
  };
}

/** A dump without what differs from run to run and from platform to platform. Idents are names. */
export function normalized({ threads, primitives, deadlocks }: Dump): unknown {
  const names = new Map([...threads, ...primitives].map(({ ident, name }) => [ident, name]));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  const bare = <T extends PrimitiveInfo>({ ident, ...rest }: T) => rest;
  const about = ({ ident, id, where, stack, waitsFor, holds, tasks, ...rest }: ThreadDump) => ({
    ...rest,
    ...(waitsFor && { waitsFor: bare(waitsFor) }),
    holds: holds.map(bare).sort(byName),
    tasks: tasks.map(bare).sort(byName),
    ...(stack && { at: functionOf(stack) }),
  });
  return {
    threads: threads.map(about).sort(byName),
    primitives: primitives
      .map(({ owner, ...rest }) => ({ ...bare(rest), ...(owner && { owner: names.get(owner) }) }))
      .sort(byName),
    // Each circle begins at any of its threads.
    deadlocks: deadlocks.map(({ text, threads, primitives }) => ({
      text: text.split('; ').sort(),
      threads: threads.map((ident) => names.get(ident)).sort(),
      primitives: primitives.map((ident) => names.get(ident)).sort(),
    })),
  };
}

/** What `normalized` makes of the program's dump, on every platform. */
export const EXPECTED = {
  threads: [
    {
      name: 'broker',
      self: false,
      state: 'blocked',
      waitsFor: { kind: 'RLock', name: 'accounts' },
      holds: [{ kind: 'Lock', name: 'rates', count: 1 }],
      tasks: [{ waits: 2, kind: 'Semaphore', name: 'desks' }],
      at: 'broker',
    },
    {
      name: 'clerk',
      self: false,
      state: 'blocked',
      waitsFor: { kind: 'Condition', name: 'mail' },
      holds: [{ kind: 'Semaphore', name: 'desks', count: 1 }],
      tasks: [],
      at: 'clerk',
    },
    {
      name: 'principal',
      self: true,
      state: 'runs',
      holds: [{ kind: 'Semaphore', name: 'desks', count: 1 }],
      tasks: [
        { waits: 1, kind: 'Event', name: 'open' },
        { waits: 2, kind: 'Barrier', name: 'round' },
      ],
    },
    {
      name: 'teller',
      self: false,
      state: 'blocked',
      waitsFor: { kind: 'Lock', name: 'rates' },
      holds: [{ kind: 'RLock', name: 'accounts', count: 2 }],
      tasks: [],
      at: 'teller',
    },
  ],
  primitives: [
    { kind: 'RLock', name: 'accounts', held: true, waiters: 1, owner: 'teller' },
    { kind: 'Semaphore', name: 'desks', value: 0, waiters: 2 },
    { kind: 'Condition', name: 'mail', waiters: 1 },
    { kind: 'Event', name: 'open', waiters: 1 },
    { kind: 'Lock', name: 'rates', held: true, waiters: 1, owner: 'broker' },
    { kind: 'Barrier', name: 'round', waiters: 2 },
  ],
  deadlocks: [
    {
      text: [
        '"broker" waits for RLock "accounts", held by "teller"',
        '"teller" waits for Lock "rates", held by "broker"',
      ],
      threads: ['broker', 'teller'],
      primitives: ['accounts', 'rates'],
    },
  ],
};
