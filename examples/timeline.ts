/**
 * Steps as text, a line each:
 *
 *     52 ms  ┊ ● ┊   thread 2  holds     the lock
 *
 * The columns between time and thread are lanes, one for each thread: what it was doing then.
 */
import type { Kind, Step, Verdict } from './stage.ts';

/** What a lane shows: nothing, at work, waiting, holding something. */
const IDLE = ' ';
const BUSY = '│';
const WAITS = '┊';
const HOLDS = '┃';

export const LEGEND = `${WAITS} waits   ${HOLDS} holds   ${BUSY} works`;

/** The sign of a step in its lane; ◦ for those that are not here. */
const SIGNS: Partial<Record<Kind, string>> = {
  waits: '○',
  holds: '●',
  releases: '◌',
  books: '✓',
  collects: '✓',
  serves: '✓',
  refuses: '×',
  'gives up': '×',
};

/** What a thread does last, unless it holds something. */
const LAST: ReadonlySet<Kind> = new Set<Kind>(['books', 'refuses', 'lands', 'collects', 'leaves', 'joins', 'closes']);

/**
 * One for each thread. Named, since a terminal shows those as its owner can read them, on light and on dark; "reset" is
 * the colour of its text.
 */
const COLOURS = [
  'cyan',
  'magenta',
  'green',
  'blue',
  'yellow',
  'red',
  'magentaBright',
  'blueBright',
  'redBright',
  'reset',
] as const;

export type Style = (typeof COLOURS)[number] | 'bold' | 'dim';
export type Paint = (style: Style, text: string) => string;

/** The longest of the words for what a thread does. */
const WORD = 8;

export class Timeline {
  readonly #threads: string[];
  readonly #paint: Paint;
  readonly #lanes: string[];

  constructor(threads: string[], paint: Paint) {
    this.#threads = threads;
    this.#paint = paint;
    this.#lanes = threads.map(() => IDLE);
  }

  line({ time, thread, kind, text }: Step): string {
    const own = this.#threads.indexOf(thread);
    const lanes = this.#lanes.map((lane, index) => {
      if (index === own) return this.#colour(own, SIGNS[kind] ?? '◦');
      if (lane === IDLE) return lane;
      return lane === WAITS ? this.#paint('dim', lane) : this.#colour(index, lane);
    });
    this.#lanes[own] = after(kind, this.#lanes[own]!);

    const width = Math.max(...this.#threads.map(({ length }) => length));
    const name = this.#colour(own, thread.padEnd(width));
    const word = this.#paint(kind === 'waits' ? 'dim' : 'bold', kind.padEnd(WORD));
    return `${this.#paint('dim', `${time} ms`.padStart(8))}  ${lanes.join(' ')}  ${name}  ${word}  ${text}`;
  }

  #colour(thread: number, text: string): string {
    return this.#paint(COLOURS[thread % COLOURS.length]!, text);
  }
}

/** The lane after a step. */
function after(kind: Kind, lane: string): string {
  if (kind === 'waits') return WAITS;
  if (kind === 'holds') return HOLDS;
  if (kind === 'releases') return IDLE;
  if (lane === HOLDS) return HOLDS;
  return LAST.has(kind) ? IDLE : BUSY;
}

export function title(name: string, about: string, paint: Paint): string {
  return `${paint('bold', name)}  ${paint('dim', about)}`;
}

export function conclusion({ held, text }: Verdict, paint: Paint): string {
  return `${held ? paint('green', '✔') : paint('red', '✘')} ${paint('bold', text)}`;
}
