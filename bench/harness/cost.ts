/** What operations cost: time, and CPU time. */
import type { Sample } from './rival.ts';
import type { Column } from './topic.ts';

export const CPU = 'CPU';
export const CPU_COLUMN: Column = {
  name: CPU,
  note: 'ns that all threads compute for each',
  show: (ns) => ns.toFixed(0),
};

export interface Spent {
  /** Until the last thread was done. */
  milliseconds: number;
  /** ns, of all threads. */
  cpu: number;
}

/** Spent on so many operations. */
export function cost({ milliseconds, cpu }: Spent, operations: number): Sample {
  return { ns: (milliseconds * 1e6) / operations, more: { [CPU]: cpu / operations } };
}
