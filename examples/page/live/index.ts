/**
 * The live view: real workers at work, and which of them waits for which. What is drawn is what `dump()` of lockwork/inspect
 * answers, which blocks nobody.
 */
import { type Dump, formatDump } from 'lockwork/inspect';
import { element } from '../element.ts';
import { shadow } from '../shadow.ts';
import { Crew, holderIn } from './crew.ts';
import { Graph } from './graph.ts';

/** Shows it in an element. Answers a function that ends the workers, and takes it out again. */
export function mount(root: HTMLElement): () => void {
  if (!crossOriginIsolated) return shadow(root, missing());
  const view = new LiveView();
  const remove = shadow(root, view.element);
  return () => {
    view.end();
    remove();
  };
}

/** What is shown where threads cannot share memory. */
function missing(): HTMLElement {
  const headers = ['Cross-Origin-Opener-Policy: same-origin', 'Cross-Origin-Embedder-Policy: require-corp'];
  return element(
    'div',
    { className: 'tool' },
    element(
      'p',
      { className: 'first' },
      element('strong', {}, 'This page cannot show its workers here. '),
      'It is not cross-origin isolated, and so its threads share no memory. Its server has to send two headers with the page:',
    ),
    element('pre', {}, headers.join('\n')),
  );
}

/** From one look at the threads to the next (ms). */
const PERIOD = 100;
/** How many of the last things that threads said are shown. */
const MOST_SAID = 8;

interface Slider {
  readonly label: HTMLElement;
  readonly input: HTMLInputElement;
}

class LiveView {
  readonly element: HTMLElement;
  readonly #crew = new Crew((name, text) => this.#hear(`${name} ${text}.`));
  readonly #graph = new Graph();
  readonly #picture = element('div', { className: 'picture' });
  readonly #verdict = element('p', { className: 'verdict', role: 'status' });
  readonly #sold = element('p', { className: 'sold' });
  readonly #said = element('ul', { className: 'said' });
  readonly #text = element('pre', { tabIndex: 0, role: 'region', ariaLabel: 'The dump, as text' });
  readonly #trace = element('p', { className: 'trace', role: 'status' });
  readonly #threads = slider('Threads', 1, 6, 1, 3, '', () => this.#hire());
  readonly #held = slider('Time held', 0, 2_000, 50, 300, ' ms', () => this.#pace());
  readonly #outside = slider('Time outside', 0, 2_000, 50, 300, ' ms', () => this.#pace());
  readonly #timer = setInterval(() => this.#look(), PERIOD);
  /** The next thread that is seen to hold a lock is terminated. */
  #terminates = false;
  #file = '';

  constructor() {
    this.#picture.append(this.#graph.element);
    const button = (text: string, onclick: () => unknown) => element('button', { type: 'button', onclick }, text);
    this.element = element(
      'div',
      { className: 'tool live' },
      element(
        'p',
        { className: 'first' },
        element('strong', {}, 'Try this first: '),
        'let threads hold the lock for longer, and see how the others wait. Then make a deadlock, and end it by terminating a thread.',
      ),
      element('div', { className: 'sliders' }, ...[this.#threads, this.#held, this.#outside].map(({ label }) => label)),
      element(
        'div',
        { className: 'bar' },
        button('Terminate the holder', () => {
          this.#terminates = true;
        }),
        button('Make a deadlock', () => this.#cross()),
        button('Open as trace', () => this.#save()),
      ),
      this.#trace,
      this.#verdict,
      this.#picture,
      element(
        'p',
        { className: 'legend' },
        'Round: a thread. Square: a lock. ',
        element('b', { className: 'waits' }, '- - →'),
        ' waits for, ',
        element('b', { className: 'holds' }, '→'),
        ' is held by, † its holder has died. A circle of arrows is a deadlock.',
      ),
      this.#sold,
      this.#said,
      element('details', {}, element('summary', {}, 'The same as text: formatDump(dump())'), this.#text),
    );
    this.#pace();
    this.#hire();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#crew.end();
    URL.revokeObjectURL(this.#file);
  }

  /* What a visitor does. */

  #pace(): void {
    this.#crew.pace(this.#held.input.valueAsNumber, this.#outside.input.valueAsNumber);
  }

  #hire(): void {
    const wanted = this.#threads.input.valueAsNumber;
    while (this.#crew.clerks.length < wanted) this.#crew.hire();
    for (const name of this.#crew.clerks.slice(wanted)) this.#crew.terminate(name);
  }

  #cross(): void {
    if (this.#crew.crosses) this.#hear('teller and trader are there already: terminate one of them.');
    else this.#crew.cross();
  }

  #terminate({ name, holds }: NonNullable<ReturnType<typeof holderIn>>): void {
    this.#terminates = false;
    this.#crew.terminate(name);
    this.#hear(`${name} is terminated, and held ${holds.map((hold) => `“${hold.name}”`).join(' and ')}.`);
    const clerks = this.#crew.clerks.length;
    if (name.startsWith('clerk')) set(this.#threads, clerks);
  }

  async #save(): Promise<void> {
    this.#trace.textContent = 'Asking all threads …';
    const timeline = await this.#crew.timeline();
    URL.revokeObjectURL(this.#file);
    this.#file = URL.createObjectURL(new Blob([JSON.stringify(timeline)], { type: 'application/json' }));
    const spans = timeline.traceEvents.filter(({ ph }) => ph === 'X').length;
    this.#trace.replaceChildren(
      `${spans.toLocaleString('en')} waits and holds: `,
      element('a', { href: this.#file, download: 'lockwork-trace.json' }, 'save lockwork-trace.json'),
      ', and open it at ',
      // In an isolated page no other window can be sent anything.
      element('a', { href: 'https://ui.perfetto.dev', target: '_blank', rel: 'noreferrer' }, 'ui.perfetto.dev'),
      '.',
    );
  }

  /* What is seen. */

  #hear(text: string): void {
    this.#said.prepend(element('li', {}, text));
    this.#said.children[MOST_SAID]?.remove();
  }

  #look(): void {
    const dump = this.#crew.look();
    const holder = this.#terminates ? holderIn(dump) : undefined;
    if (holder) this.#terminate(holder);
    this.#graph.draw(dump, Math.max(300, this.#picture.clientWidth));
    this.#text.textContent = formatDump(dump);
    this.#sold.textContent = `${this.#crew.sold.toLocaleString('en')} seats sold.`;
    const [state, text] = verdictOf(dump);
    // A screen reader says it when it changes.
    if (this.#verdict.textContent === text) return;
    this.element.dataset.state = state;
    this.#verdict.textContent = text;
  }
}

function verdictOf({ threads, deadlocks }: Dump): [state: 'runs' | 'failed', text: string] {
  const [deadlock] = deadlocks;
  if (deadlock) return ['failed', `Deadlock: ${deadlock.text}.`];
  const workers = threads.filter(({ self }) => !self).length;
  return ['runs', workers === 1 ? 'One thread is at work.' : `${workers} threads are at work.`];
}

function slider(
  name: string,
  min: number,
  max: number,
  step: number,
  value: number,
  unit: string,
  act: () => void,
): Slider {
  const output = element('output');
  const input = element('input', { type: 'range', min: `${min}`, max: `${max}`, step: `${step}` });
  const show = (): void => {
    output.textContent = `${input.value}${unit}`;
  };
  input.value = String(value);
  input.addEventListener('input', () => {
    show();
    act();
  });
  input.addEventListener('change', show);
  show();
  return { input, label: element('label', {}, `${name} `, input, output) };
}

/** As if a visitor had moved it, without what follows from that. */
function set({ input }: Slider, value: number): void {
  input.value = String(value);
  input.dispatchEvent(new globalThis.Event('change'));
}
