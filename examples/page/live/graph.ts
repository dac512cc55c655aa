/**
 * Which thread waits for what, and which holds that, as a picture: threads on the left, locks on the right, an arrow from each
 * thread to what it waits for, and from each lock to the thread that holds it. A circle of arrows is a deadlock.
 */
import type { Dump } from 'lockwork/inspect';

const ROW = 56;
const BOX = { width: 118, height: 36 };
const NAMESPACE = 'http://www.w3.org/2000/svg';

type Attributes = Readonly<Record<string, string | number>>;

function svg(tag: string, attributes: Attributes, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

export class Graph {
  readonly element = svg('svg', { role: 'img' });
  #drawn = '';

  /** @param width of the picture: px */
  draw({ threads, primitives, deadlocks }: Dump, width: number): void {
    const workers = threads.filter(({ self }) => !self).sort((a, b) => (a.name < b.name ? -1 : 1));
    const locks = primitives.filter(({ kind }) => kind === 'Lock').sort((a, b) => (a.name < b.name ? 1 : -1));
    const drawn = JSON.stringify([workers, locks, deadlocks, width]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;

    const rows = Math.max(workers.length, locks.length, 1);
    const column = (idents: number[], x: number) =>
      new Map(idents.map((ident, i): [number, Place] => [ident, { x, y: ((i + 0.5) / idents.length) * rows * ROW }]));
    const left = column(
      workers.map(({ ident }) => ident),
      BOX.width / 2 + 1,
    );
    const right = column(
      locks.map(({ ident }) => ident),
      width - BOX.width / 2 - 1,
    );

    const circle = new Set(deadlocks.flatMap(({ threads, primitives }) => [...threads, ...primitives]));
    const arrow = (className: string, thread: number, lock: number, waits: boolean): SVGElement[] => {
      const [from, to] = [left.get(thread), right.get(lock)];
      if (!from || !to) return [];
      const inside = circle.has(thread) && circle.has(lock);
      const [start, end] = [from.x + BOX.width / 2, to.x - BOX.width / 2];
      // The two that a thread and a lock may have between them do not lie on each other.
      const path = waits
        ? `M${start} ${from.y - 6} L${end - 8} ${to.y - 6}`
        : `M${end} ${to.y + 6} L${start + 8} ${from.y + 6}`;
      const marker = `url(#${inside ? 'circle' : className})`;
      return [svg('path', { class: `${className}${inside ? ' circle' : ''}`, d: path, 'marker-end': marker })];
    };
    const arrows = workers.flatMap(({ ident, waitsFor, holds }) => [
      ...(waitsFor ? arrow('waits', ident, waitsFor.ident, true) : []),
      ...holds.flatMap((hold) => arrow('holds', ident, hold.ident, false)),
    ]);
    const box = (className: string, ident: number, text: string, { x, y }: Place): SVGElement =>
      svg(
        'g',
        { class: `${className}${circle.has(ident) ? ' circle' : ''}` },
        svg('rect', {
          x: x - BOX.width / 2,
          y: y - BOX.height / 2,
          rx: className === 'lock' ? 4 : BOX.height / 2,
          ...BOX,
        }),
        svg('text', { x, y, 'text-anchor': 'middle', 'dominant-baseline': 'central' }, text),
      );

    this.element.setAttribute('viewBox', `0 0 ${width} ${rows * ROW}`);
    this.element.setAttribute('aria-label', inWords(workers, deadlocks.length > 0));
    this.element.replaceChildren(
      svg('defs', {}, ...['waits', 'holds', 'circle'].map(marker)),
      ...arrows,
      ...workers.map(({ ident, name, state }) => box(`thread ${state}`, ident, name, left.get(ident)!)),
      ...locks.map(({ ident, name, abandoned }) =>
        box('lock', ident, abandoned ? `${name} †` : name, right.get(ident)!),
      ),
    );
  }
}

const marker = (id: string): SVGElement =>
  svg(
    'marker',
    {
      id,
      viewBox: '0 0 8 8',
      refX: 0,
      refY: 4,
      markerWidth: 8,
      markerHeight: 8,
      markerUnits: 'userSpaceOnUse',
      orient: 'auto',
    },
    svg('path', { d: 'M0 0 L8 4 L0 8 z' }),
  );

function inWords(workers: Dump['threads'], deadlock: boolean): string {
  const lines = workers.map(({ name, waitsFor, holds }) => {
    const parts = [
      ...holds.map((hold) => `holds ${hold.name}`),
      ...(waitsFor ? [`waits for ${waitsFor.name || waitsFor.kind}`] : []),
    ];
    return `${name} ${parts.join(' and ') || 'runs'}`;
  });
  return `${deadlock ? 'Deadlock. ' : ''}${lines.join('; ') || 'No threads'}`;
}
