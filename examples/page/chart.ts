/**
 * A timeline as a picture: a lane for each thread, and in it what the thread does, from left to right.
 *
 * Where something begins and ends are custom properties in ms; the style sheet makes places of them. So time passes by
 * setting two properties of the whole: --now, where what still lasts ends, and --end, the right edge.
 */
import { after, type Doing, sign } from '../lane.ts';
import type { Step } from '../stage.ts';
import { element } from './element.ts';

/** The first right edge (ms); it moves when time gets there. */
const LEAST = 100;

/** Distances of the lines of the scale (ms), and how many lines there are at the most. */
const DISTANCES = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const LINES = 6;

export class Chart {
  readonly element = element('div', { className: 'chart' });
  readonly #scale = element('div', { className: 'scale' });
  readonly #lanes: Map<string, Lane>;
  #drawn = '';

  constructor(threads: string[]) {
    this.#lanes = new Map(threads.map((thread) => [thread, new Lane()]));
    const names = threads.map((thread) => element('span', {}, thread));
    const lanes = [...this.#lanes.values()].map(({ element }) => element);
    this.element.append(
      element('div', { className: 'threads' }, ...names),
      element('div', { className: 'lanes' }, this.#scale, ...lanes),
    );
    this.pass(0);
  }

  step(step: Step): void {
    this.#lanes.get(step.thread)!.step(step);
    if (step.of) this.#lanes.get(step.of)!.does('idle', step.time);
    this.pass(step.time);
  }

  /** Time passes. */
  pass(now: number): void {
    const end = Math.max(LEAST, now);
    place(this.element, { now, end });
    const distance = DISTANCES.find((distance) => end / distance <= LINES) ?? end;
    const lines = Array.from({ length: Math.floor(end / distance) + 1 }, (_, index) => index * distance);
    if (this.#drawn === String(lines)) return;
    this.#drawn = String(lines);
    this.#scale.replaceChildren(...lines.map((at) => place(element('span', {}, `${at} ms`), { at })));
  }
}

class Lane {
  readonly element = element('div', { className: 'lane' });
  #doing: Doing = 'idle';
  #lasts: HTMLElement | undefined;

  step({ time, thread, kind, text }: Step): void {
    this.does(after(kind, this.#doing), time);
    const title = `${time} ms: ${thread} ${kind} ${text}`;
    this.element.append(place(element('b', { className: kind, title }, sign(kind)), { at: time }));
  }

  does(doing: Doing, time: number): void {
    if (doing === this.#doing) return;
    if (this.#lasts) place(this.#lasts, { to: time });
    this.#lasts = doing === 'idle' ? undefined : place(element('i', { className: doing }), { from: time });
    if (this.#lasts) this.element.append(this.#lasts);
    this.#doing = doing;
  }
}

function place<T extends HTMLElement>(element: T, times: Record<string, number>): T {
  for (const [name, time] of Object.entries(times)) element.style.setProperty(`--${name}`, String(time));
  return element;
}
