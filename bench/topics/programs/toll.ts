/** What the operations of a program cost: time, and CPU time. */
import type { Sample } from '../../harness/rival.ts';
import type { Report } from '../../harness/threads.ts';
import type { Column } from '../../harness/topic.ts';

export const CPU = 'CPU';
export const CPU_COLUMN: Column = {
  name: CPU,
  note: 'ns that all threads compute for each',
  show: (ns) => ns.toFixed(0),
};

/** Of the threads' reports: so many operations were done. */
export function toll(reports: Report[], operations: number): Sample {
  const milliseconds = Math.max(...reports.map(({ milliseconds }) => milliseconds));
  const cpu = reports.reduce((sum, { cpu }) => sum + cpu!, 0);
  return { ns: (milliseconds * 1e6) / operations, more: { [CPU]: cpu / operations } };
}
