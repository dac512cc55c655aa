import { element } from '../element.ts';

/** The mark of a thread: its name in its colour. */
export function badge(thread: number): HTMLElement {
  return element('b', { className: `badge t${thread + 1}` }, `T${thread + 1}`);
}
