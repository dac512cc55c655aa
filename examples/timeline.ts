/**
 * Steps as text, a line each:
 *
 *     52 ms  ┊ ● ┊   thread 2  holds     the lock
 *
 * The columns between time and thread are lanes, one for each thread: what it was doing then.
 */
import { after, type Doing, sign } from './lane.ts';
import type { Step, Verdict } from './stage.ts';

const LINES: Record<Doing, string> = { idle: ' ', works: '│', waits: '┊', holds: '┃', 'half done': '░' };

export const LEGEND = (['waits', 'holds', 'works', 'half done'] as const)
  .map((doing) => `${LINES[doing]} ${doing}`)
  .join('   ');

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
  readonly #lanes: Doing[];

  constructor(threads: string[], paint: Paint) {
    this.#threads = threads;
    this.#paint = paint;
    this.#lanes = threads.map(() => 'idle');
  }

  line({ time, thread, kind, text, of }: Step): string {
    const own = this.#threads.indexOf(thread);
    const lanes = this.#lanes.map((lane, index) => {
      if (index === own) return this.#colour(own, sign(kind));
      if (lane === 'idle') return LINES[lane];
      return lane === 'waits' ? this.#paint('dim', LINES[lane]) : this.#colour(index, LINES[lane]);
    });
    this.#lanes[own] = after(kind, this.#lanes[own]!);
    if (of) this.#lanes[this.#threads.indexOf(of)] = 'idle';

    const width = Math.max(...this.#threads.map(({ length }) => length));
    const name = this.#colour(own, thread.padEnd(width));
    const word = this.#paint(kind === 'waits' ? 'dim' : 'bold', kind.padEnd(WORD));
    return `${this.#paint('dim', `${time} ms`.padStart(8))}  ${lanes.join(' ')}  ${name}  ${word}  ${text}`;
  }

  #colour(thread: number, text: string): string {
    return this.#paint(COLOURS[thread % COLOURS.length]!, text);
  }
}

export function title(name: string, about: string, paint: Paint): string {
  return `${paint('bold', name)}  ${paint('dim', about)}`;
}

export function conclusion({ held, text }: Verdict, paint: Paint): string {
  return `${held ? paint('green', '✔') : paint('red', '✘')} ${paint('bold', text)}`;
}
