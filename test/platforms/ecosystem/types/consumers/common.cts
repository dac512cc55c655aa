/** A CommonJS module. */
import { Arena, Lock } from 'lockwork';
import { dump, formatDump } from 'lockwork/inspect';

export const lock: Lock = Lock.from(new Lock({ arena: Arena.default }));
export const memory = lock.memory;
export const text: string = formatDump(dump(lock.arena));
