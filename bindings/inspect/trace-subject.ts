import { CELL_WORD, UNIT } from '../../assembly/abi.ts';
import type { Primitive } from '../primitive.ts';
import type { Ordered } from './trace-order.ts';

/** A primitive, as a trace calls it. */
export interface Subject extends Ordered {
  readonly primitive: Primitive;
  readonly kind: string;
  readonly name: string;
  readonly ident: number;
  /** `Lock "seats"` */
  readonly label: string;
}

export function subjectOf(primitive: Primitive): Subject {
  const { arena, cell, stamp } = primitive.ref;
  const { kind, name } = primitive;
  const key = `${arena.key}:${cell}:${stamp >>> 0}`;
  const label = String(primitive);
  return { primitive, kind, name, ident: cell, key, label, className: name ? label : key };
}

export const isLock = ({ kind }: Subject): boolean => kind === 'Lock' || kind === 'RLock';

/** Whether this thread, or a task of it, still holds a Lock: another thread may have released it. */
export function isHere(primitive: Primitive): boolean {
  const { arena, cell, thread } = primitive.ref;
  // As it is at this moment: what is told of it may be over at once.
  return primitive.lives && Math.floor(arena.load(cell, CELL_WORD) / UNIT) * UNIT === thread;
}
