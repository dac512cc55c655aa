/** What a thread is doing between its steps: a lane of a timeline, on a terminal or in a page. */
import type { Kind } from './stage.ts';

export type Doing = 'idle' | 'works' | 'waits' | 'holds';

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
]);

/** What a thread is doing after a step, if it did `before` until then. */
export function after(kind: Kind, before: Doing): Doing {
  if (kind === 'waits' || kind === 'holds') return kind;
  if (kind === 'releases') return 'idle';
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
};

export const sign = (kind: Kind): string => SIGNS[kind] ?? '◦';
