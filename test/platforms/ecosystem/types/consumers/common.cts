/** A CommonJS module. */
import { Arena, Lock } from 'lockwork';

export const lock: Lock = Lock.from(new Lock({ arena: Arena.default }));
export const memory = lock.memory;
