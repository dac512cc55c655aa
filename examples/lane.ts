/** What a thread is doing between its steps: a lane of a timeline, on a terminal or in a page. */
import type { Kind } from './stage.ts';

/** Half done: its thread is dead, and what that was at is not repaired. */
export type Doing = 'idle' | 'works' | 'waits' | 'holds' | 'half done';

/** What a thread does last, unless it holds something. */
const LAST: ReadonlySet<Kind> = new Set<Kind>([
  'books',
  'refuses',
  'lands',
  'collects',
  'tells',
  'leaves',
  'joins',
  'closes',
  'stops',
]);

/** What a thread is doing after a step, if it did `before` until then. */
export function after(kind: Kind, before: Doing): Doing {
  if (kind === 'waits' || kind === 'holds') return kind;
  if (kind === 'learns') return 'waits';
  if (kind === 'releases') return 'idle';
  if (kind === 'dies') return before === 'holds' ? 'half done' : 'idle';
  if (before === 'holds') return before;
  return LAST.has(kind) ? 'idle' : 'works';
}

/** The sign of a step in its lane; ◦ for those that are not here. */
const SIGNS: Partial<Record<Kind, string>> = {
  waits: '○',
  holds: '●',
  releases: '◌',
  books: '✓',
  collects: '✓',
  tells: '✓',
  serves: '✓',
  refuses: '×',
  'gives up': '×',
  learns: '!',
  repairs: '✓',
  dies: '†',
};

export const sign = (kind: Kind): string => SIGNS[kind] ?? '◦';
