/** A thread: where it is, and the buttons that let it go on. */
import type { Move, Standing } from '../../../test/model/counterexample.ts';
import type { Names } from '../../../test/model/trace.ts';
import type { Walk } from '../../../test/model/walk.ts';
import { element } from '../element.ts';
import { badge } from './badge.ts';
import { coming } from './words.ts';

export class ThreadCard {
  readonly element: HTMLElement;
  readonly #thread: number;
  readonly #call = element('code');
  readonly #hand = element('p', { className: 'hand' });
  readonly #moves = element('div', { className: 'moves' });
  /** The same ones again and again, so that the focus stays. */
  readonly #buttons: HTMLButtonElement[] = [];
  readonly #go: (move: Move) => void;
  #possible: readonly Move[] = [];

  constructor(thread: number, go: (move: Move) => void) {
    this.#thread = thread;
    this.#go = go;
    const head = element('h2', {}, badge(thread), ' ', this.#call);
    this.element = element(
      'section',
      { className: 'card', ariaLabel: `Thread ${thread + 1}` },
      head,
      this.#hand,
      this.#moves,
    );
  }

  /** Does the first of what it can do. */
  go(place = 0): void {
    const move = this.#possible[place];
    if (move) this.#go(move);
  }

  show(walk: Walk, names: Names): void {
    const { moves, standing, violation } = walk.here;
    const stand = standing[this.#thread]!;
    this.#possible = violation ? [] : moves.filter(({ thread }) => thread === this.#thread);
    this.element.dataset.state = stand.place ? 'sleeps' : stand.state.operation.kind === 'done' ? 'done' : 'runs';
    this.#call.textContent = stand.state.call || (this.element.dataset.state === 'done' ? '' : 'its own work');
    this.#hand.textContent = handOf(walk, this.#thread, names);
    const labels = this.#possible.map(({ steps }) => {
      const step = steps.find(({ state }) => state.operation.kind !== 'event') ?? steps[0]!;
      return coming(step.state.operation, names, step.what, step.result);
    });
    if (labels.length === 0 || stand.place > 0) labels.unshift(rest(stand, names, violation !== undefined));
    // In front of what a sleeper may do stands that it sleeps.
    const first = labels.length - this.#possible.length;
    for (const [i, label] of labels.entries()) {
      const button = this.#button(i);
      button.onclick = () => this.go(i - first);
      button.replaceChildren(
        ...(i === first ? [element('kbd', { ariaHidden: 'true' }, String(this.#thread + 1)), ' '] : []),
        label,
      );
      button.ariaDisabled = String(i < first);
      // What is written on it is a part of its name.
      button.ariaLabel = `${i === first ? `${this.#thread + 1} ` : ''}${label}, T${this.#thread + 1}`;
    }
    for (const [i, button] of this.#buttons.entries()) button.hidden = i >= labels.length;
  }

  #button(place: number): HTMLButtonElement {
    if (!this.#buttons[place]) {
      this.#buttons[place] = element('button', { type: 'button' });
      this.#moves.append(this.#buttons[place]);
    }
    return this.#buttons[place];
  }
}

/** Why a thread does nothing. */
function rest({ state, place }: Standing, names: Names, over: boolean): string {
  const { operation } = state;
  if (operation.kind === 'done') return 'is done';
  if (place > 0 && operation.kind === 'wait') return `sleeps on ${names.nameOf(operation.address)}`;
  if (operation.kind === 'until') return 'waits for the others to be where they should be';
  return over ? `next: ${coming(operation, names)}` : 'cannot go on';
}

/** What a thread has found in memory, and still has in hand: it may be old by now. */
function handOf({ moves }: Walk, thread: number, names: Names): string {
  const last = moves
    .flatMap(({ steps }) => steps)
    .findLast((step) => step.thread === thread && step.before !== undefined);
  if (!last || !('address' in last.state.operation) || last.result === undefined) return '';
  return `found ${names.valueOf(last.result)} in ${names.nameOf(last.state.operation.address)}`;
}
