/** What a user writes, as it must compile. */
import {
  type AnyHandle,
  Arena,
  type ArenaHandle,
  attach,
  Barrier,
  BoundedSemaphore,
  Condition,
  type ConditionHandle,
  currentThread,
  Event,
  type Guard,
  type Handle,
  type Holdable,
  Lock,
  type Memory,
  NotHeldError,
  Owner,
  type OwnerWaitOptions,
  type Primitive,
  type PrimitiveOptions,
  RLock,
  Semaphore,
  type SharedArray,
  type Signal,
  type ThreadInfo,
  ThreadingError,
  type WaitOptions,
} from 'lockwork';
import core from 'lockwork/core.wasm';
import {
  activeCount,
  type Deadlock,
  type Dump,
  type DumpLaterOptions,
  dump,
  dumpLater,
  enumerate,
  findDeadlocks,
  formatDump,
  type HoldInfo,
  type ThreadInfo as InspectedThread,
  type PrimitiveDump,
  type PrimitiveInfo,
  type PrimitiveKind,
  type TasksInfo,
  type ThreadDump,
} from 'lockwork/inspect';

interface WorkerData {
  lock: Handle<'Lock'>;
  rlock: Handle<'RLock'>;
  semaphore: Handle<'Semaphore'>;
  bounded: Handle<'BoundedSemaphore'>;
  event: Handle<'Event'>;
  barrier: Handle<'Barrier'>;
  condition: ConditionHandle;
  arena: ArenaHandle;
}

/** A primitive is its own handle. */
export const data: WorkerData = {
  lock: new Lock({ name: 'seats' }),
  rlock: new RLock(),
  semaphore: new Semaphore(2),
  bounded: new BoundedSemaphore(2),
  event: new Event(),
  barrier: new Barrier(2, { timeout: 5, action: async () => {} }),
  condition: new Condition(new Lock()),
  arena: new Arena({ maximumBytes: 4096 }),
};

export function attachAll(data: WorkerData): void {
  const lock: Lock = Lock.from(data.lock);
  const rlock: RLock = attach(data.rlock);
  const semaphore: Semaphore = attach(data.semaphore);
  const bounded: BoundedSemaphore = attach(data.bounded);
  const event: Event = attach(data.event);
  const barrier: Barrier = Barrier.from(data.barrier, { action: () => 1 });
  const condition: Condition = attach(data.condition);
  const arena: Arena = attach(data.arena);
  const any: Arena | Primitive = attach(data.lock as AnyHandle) ?? attach(data.lock as Handle);
  const all: Holdable[] = [lock, rlock, semaphore, bounded, condition, BoundedSemaphore.from(bounded)];
  const again: Semaphore = Semaphore.from(semaphore);
  for (const each of all)
    each.with(() => [each.name, each.waiters, any, again, event.isSet, barrier.broken, arena.used]);

  // @ts-expect-error A handle of another kind.
  Lock.from(data.rlock);
  // @ts-expect-error A handle of another kind.
  RLock.from(lock);
  // @ts-expect-error A handle of another kind.
  Event.from(data.condition);
  // @ts-expect-error A handle of another kind.
  BoundedSemaphore.from(data.event);
  // @ts-expect-error A handle where options belong.
  new Lock(data.lock);
  // @ts-expect-error An option that is none.
  void lock.acquireAsync({ timeoutMs: 5 });
  // @ts-expect-error A number where options belong.
  void lock.acquireAsync(5);
}

export async function scopes(lock: Lock, rlock: RLock, condition: Condition): Promise<number> {
  const held: boolean = lock.acquire(5) && (await lock.acquireAsync({ timeout: 5 }));
  using first: Guard = lock.hold();
  using second = await rlock.holdAsync();
  const options: OwnerWaitOptions = { owner: second.owner, timeout: 5 };
  await rlock.acquireAsync(options);
  await condition.waitForAsync(() => held, { owner: new Owner() });
  const answer: number = await lock.withAsync(async (guard) => (guard.owner ? 1 : 2));
  const text: string = lock.with(() => 'text');
  first.release();
  return answer + text.length;
}

export function arrays(arena: Arena): number {
  const bytes = arena.allocate(Uint8Array, 8);
  const numbers: Float64Array = arena.allocate(Float64Array, 8);
  const big: BigInt64Array = arena.allocate(BigInt64Array, 8);
  const same: SharedArray<Uint8ArrayConstructor> = bytes;
  arena.free(big);
  // @ts-expect-error No typed array.
  arena.allocate(Array, 8);
  return bytes[0]! + numbers[0]! + same.length;
}

export function errors(error: unknown): string {
  if (error instanceof NotHeldError) return `${error.name} ${error.code} ${error.message}`;
  return error instanceof ThreadingError ? error.code : NotHeldError.code;
}

export function times(signal: Signal | undefined, memory: Memory): [WaitOptions, PrimitiveOptions, unknown] {
  return [{ timeout: 5, signal }, { arena: new Arena({ memory }), name: 'n' }, core];
}

export function inspects(arena: Arena, options: DumpLaterOptions): unknown {
  const me: ThreadInfo = currentThread(arena);
  me.name = `thread ${me.id + activeCount(arena)}`;
  const same: InspectedThread = me;
  const cancel: () => void = dumpLater(5, { ...options, arena, repeat: true, write: (text: string) => text });
  cancel();
  const all: Dump = dump();
  const [thread]: readonly ThreadDump[] = all.threads;
  const [primitive]: readonly PrimitiveDump[] = all.primitives;
  const deadlocks: Deadlock[] = [...all.deadlocks, ...findDeadlocks(arena)];
  const [hold]: readonly HoldInfo[] = thread?.holds ?? [];
  const [tasks]: readonly TasksInfo[] = thread?.tasks ?? [];
  const about: PrimitiveInfo | undefined = hold ?? tasks ?? thread?.waitsFor ?? primitive;
  const kind: PrimitiveKind | undefined = about?.kind;
  // @ts-expect-error Only its own name can be set.
  enumerate()[0]!.id = 1;
  // @ts-expect-error How many milliseconds?
  dumpLater();
  // @ts-expect-error No option of it.
  dumpLater(5, { every: 5 });
  return [same, deadlocks, kind, formatDump(all), thread?.stack?.length, primitive?.owner, tasks?.waits, hold?.count];
}
