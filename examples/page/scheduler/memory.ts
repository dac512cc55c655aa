/** The words of memory, which threads are about to touch them, and which sleep on them. */
import type { Names } from '../../../test/model/trace.ts';
import type { Walk } from '../../../test/model/walk.ts';
import { element } from '../element.ts';
import { badge } from './badge.ts';
import type { Loaded } from './loaded.ts';

const HEADS = ['word', 'value', 'next', 'asleep on it'];

const addressOf = (operation: object): number | undefined =>
  'address' in operation ? Number(operation.address) : undefined;

/** The addresses that threads have touched, or are about to, beside those that are shown anyway. */
function shown({ words }: Loaded, { moves, here }: Walk): number[] {
  const states = [
    ...moves.flatMap(({ steps }) => steps.map(({ state }) => state)),
    ...here.standing.map(({ state }) => state),
  ];
  const touched = states.flatMap(({ operation }) => addressOf(operation) ?? []).map((address) => address & ~3);
  const others = [...new Set(touched)].filter((address) => !words.includes(address)).sort((a, b) => a - b);
  return [...words, ...others];
}

export class Memory {
  readonly element = element('table', {}, element('caption', {}, 'Memory'));
  readonly #rows = element('tbody');
  #before = new Map<number, number>();

  constructor() {
    const heads = HEADS.map((head) => element('th', { scope: 'col' }, head));
    this.element.append(element('thead', {}, element('tr', {}, ...heads)), this.#rows);
  }

  show(loaded: Loaded, walk: Walk): void {
    const { standing, word } = walk.here;
    const now = new Map(shown(loaded, walk).map((address) => [address, word(address)]));
    const rows = [...now].map(([address, value]) => {
      const at = standing.flatMap(({ state, place }, t) =>
        addressOf(state.operation) === address ? [{ t, place }] : [],
      );
      const sleepers = at.filter(({ place }) => place > 0).sort((a, b) => a.place - b.place);
      const row = element(
        'tr',
        {},
        element('th', { scope: 'row' }, loaded.names.nameOf(address)),
        element('td', { className: 'value' }, valueOf(value, loaded.names)),
        element('td', {}, ...at.filter(({ place }) => place === 0).map(({ t }) => badge(t))),
        element('td', {}, ...sleepers.map(({ t }) => badge(t))),
      );
      row.dataset.word = loaded.names.nameOf(address);
      row.classList.toggle('changed', (this.#before.get(address) ?? value) !== value);
      return row;
    });
    this.#before = now;
    this.#rows.replaceChildren(...rows);
  }
}

const valueOf = (value: number, names: Names): string => names.valueOf(value);
