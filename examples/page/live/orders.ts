/** What the page and its workers say to each other. */
import type { Handle } from 'lockwork';
import type { TraceTimeline } from 'lockwork/inspect';

/**
 * Where the numbers are that all share: how long the lock is held, and the time outside (ms); how many seats are sold; and the
 * number of a clerk that is being terminated.
 */
export const HELD = 0;
export const OUTSIDE = 1;
export const SOLD = 2;
export const DOOMED = 3;
export const NUMBERS = 4;

export type Order =
  | { readonly kind: 'sell'; readonly clerk: number; readonly seats: Handle<'Lock'>; readonly numbers: Int32Array }
  | {
      readonly kind: 'cross';
      readonly first: Handle<'Lock'>;
      readonly second: Handle<'Lock'>;
      readonly both: Handle<'Barrier'>;
    }
  | { readonly kind: 'trace' };

export type Report =
  | { readonly kind: 'says'; readonly text: string }
  | { readonly kind: 'trace'; readonly timeline: TraceTimeline }
  | { readonly kind: 'ended' };
