/**
 * Be the scheduler: a visitor chooses which thread makes the next step, over the interpreter of the model (test/model/). For
 * people that have never seen a model checker.
 */
import type { Move } from '../../../test/model/counterexample.ts';
import { Walk } from '../../../test/model/walk.ts';
import { element } from '../element.ts';
import { shadow } from '../shadow.ts';
import { badge } from './badge.ts';
import type { Loaded } from './loaded.ts';
import { Memory } from './memory.ts';
import { type Choice, choices } from './programs.ts';
import { search } from './search.ts';
import { sourceOf } from './source.ts';
import { ThreadCard } from './thread.ts';
import { nextOfWay, verdictOf, type Walked, wayOf } from './verdict.ts';
import { doneBy } from './words.ts';

/** Shows it in an element. Answers a function that takes it out again. */
export function mount(root: HTMLElement): () => void {
  return shadow(root, new Scheduler().element);
}

/** A program that is walked through. */
interface Scene extends Walked {
  readonly cards: readonly ThreadCard[];
}

const KEYS = [
  ['1, 2, 3', 'the thread of this number makes a step'],
  ['←', 'a step back'],
  ['→', 'the next step of the shortest way'],
  ['Home', 'start again'],
] as const;

class Scheduler {
  readonly element: HTMLElement;
  readonly #programs = element('select', { onchange: () => this.#choose(false) });
  readonly #mended = element('input', { type: 'checkbox', onchange: () => this.#choose(this.#mended.checked) });
  readonly #version = element('label', {}, this.#mended, 'mended');
  readonly #story = element('p', { className: 'story' });
  readonly #first = element('p', { className: 'first' });
  readonly #threads = element('div', { className: 'cards' });
  readonly #verdict = element('p', { className: 'verdict', role: 'status' });
  readonly #why = element('p', { className: 'why' });
  readonly #memory = new Memory();
  readonly #source = element('pre', {
    tabIndex: 0,
    role: 'region',
    ariaLabel: 'Source, with the line at which each thread stands',
  });
  readonly #log = element('ol', { className: 'log' });
  readonly #back = this.#button('Step back', () => this.#stepBack());
  readonly #restart = this.#button('Start again', () => this.#startAgain());
  readonly #shortest = this.#button('Show me the shortest way to the bug', () => this.#findWay());
  readonly #next = this.#button('Next step of the way', () => this.#follow());
  readonly #end = this.#button('To its end', () => this.#followToEnd());
  #scene: Scene | undefined;

  constructor() {
    this.#programs.append(...choices.map(({ title }, i) => element('option', { value: String(i) }, title)));
    const keys = KEYS.flatMap(([key, what]) => [element('dt', {}, element('kbd', {}, key)), element('dd', {}, what)]);
    this.element = element(
      'div',
      { className: 'tool', tabIndex: -1, onkeydown: (event: KeyboardEvent) => this.#key(event) },
      element('div', { className: 'choose' }, element('label', {}, 'Program', this.#programs), this.#version),
      this.#story,
      this.#first,
      this.#threads,
      element('div', { className: 'bar' }, this.#back, this.#restart, this.#shortest, this.#next, this.#end),
      this.#verdict,
      this.#why,
      element(
        'div',
        { className: 'panels' },
        element('div', { className: 'memory' }, this.#memory.element),
        this.#source,
      ),
      element('details', { open: true }, element('summary', {}, 'What has happened'), this.#log),
      element(
        'details',
        {},
        element('summary', {}, 'How to read this, and keys'),
        element(
          'p',
          {},
          'Threads share memory, and nothing else. A computer may run them in any order, one step of one thread at a time; a step is one touch of shared memory. Here the order is yours. ',
          badge(0),
          ' in the memory says that thread T1 is about to touch this word, in the source that it stands at this line. A thread that sleeps does nothing until another one wakes it. BUG is the number of the bug that is built in; 0 is none. Keys work once you have clicked here, or come here by Tab.',
        ),
        element('dl', {}, ...keys),
      ),
    );
    void this.#choose(false);
  }

  get #choice(): Choice {
    return choices[Number(this.#programs.value)]!;
  }

  /** What is chosen now. */
  get #load(): () => Promise<Loaded> {
    const { bug, fine } = this.#choice;
    return bug && !this.#mended.checked ? bug : fine;
  }

  async #choose(mended: boolean): Promise<void> {
    const { story, first, mended: difference, bug } = this.#choice;
    this.#mended.checked = mended;
    this.#version.hidden = !bug;
    const load = this.#load;
    this.#scene = undefined;
    this.#story.textContent = story;
    this.#first.replaceChildren(
      element('strong', {}, mended ? 'Mended: ' : 'Try this first: '),
      mended ? difference : first,
    );
    this.#shortest.textContent = load === bug ? 'Show me the shortest way to the bug' : 'Look for a way to a bug';
    this.#say('runs', 'Loading …');
    let loaded: Loaded;
    try {
      loaded = await load();
    } catch (error) {
      return this.#say('failed', `The program could not be loaded: ${error}`);
    }
    // Another one has been chosen meanwhile.
    if (load !== this.#load) return;
    const cards = loaded.system.programs.map((_, t) => new ThreadCard(t, (move) => this.#go(move)));
    this.#threads.replaceChildren(...cards.map(({ element }) => element));
    this.#scene = { loaded, walk: new Walk(loaded.system, loaded.written), cards };
    this.#show();
  }

  /* What a visitor does. */

  #go(move: Move): void {
    this.#scene?.walk.go(move);
    this.#show();
  }

  #stepBack(): void {
    this.#scene?.walk.back();
    this.#show();
  }

  #startAgain(): void {
    this.#scene?.walk.back(0);
    this.#show();
  }

  async #findWay(): Promise<void> {
    const scene = this.#scene;
    if (!scene || scene.found) return this.#startAgain();
    this.#say('runs', 'Looking at all states …');
    const found = await search(scene.loaded);
    if (scene !== this.#scene) return;
    scene.found = found;
    const steps = found.counterexample?.steps;
    if (steps) scene.way = wayOf(scene.walk, steps);
    this.#startAgain();
  }

  #follow(): void {
    const move = this.#scene && nextOfWay(this.#scene);
    if (move) this.#go(move);
  }

  #followToEnd(): void {
    const scene = this.#scene!;
    for (let move = nextOfWay(scene); move; move = nextOfWay(scene)) scene.walk.go(move);
    this.#show();
  }

  #key(event: KeyboardEvent): void {
    const { key, target, altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey || target instanceof HTMLSelectElement || target instanceof HTMLInputElement)
      return;
    if (key === 'ArrowLeft') this.#stepBack();
    else if (key === 'ArrowRight') this.#follow();
    else if (key === 'Home') this.#startAgain();
    else if (/^[1-9]$/.test(key)) this.#scene?.cards[Number(key) - 1]?.go();
    else return;
    event.preventDefault();
  }

  /* What is seen. */

  #button(text: string, act: () => unknown): HTMLButtonElement {
    const made = element('button', { type: 'button' }, text);
    // One that can do nothing now keeps the focus, so it is not `disabled`.
    made.onclick = () => made.ariaDisabled !== 'true' && act();
    return made;
  }

  #say(state: 'runs' | 'held' | 'failed', text: string): void {
    this.element.dataset.state = state;
    this.#verdict.textContent = text;
  }

  #show(): void {
    const scene = this.#scene;
    if (!scene) return;
    const { walk, loaded, cards, way, found } = scene;
    const { names, lines, sources } = loaded;
    for (const card of cards) card.show(walk, names);
    this.#memory.show(loaded, walk);
    const stands = walk.here.standing.map(({ state }) => lines[state.operation.at]);
    this.#source.style.setProperty('--threads', String(cards.length));
    this.#source.replaceChildren(...sourceOf(sources, stands));
    this.#log.replaceChildren(
      ...walk.moves.map((move) => element('li', {}, badge(move.thread), ` ${doneBy(move, names)}`)),
    );
    const next = nextOfWay(scene);
    this.#back.ariaDisabled = this.#restart.ariaDisabled = String(walk.moves.length === 0);
    this.#next.hidden = this.#end.hidden = !way;
    this.#next.ariaDisabled = this.#end.ariaDisabled = String(!next);
    this.#shortest.ariaDisabled = String(found !== undefined && (walk.moves.length === 0 || !way));
    this.#judge(scene);
  }

  /** Says how it stands. */
  #judge(scene: Scene): void {
    const { state, text } = verdictOf(scene);
    this.#say(state, text);
    this.#why.textContent = state === 'failed' ? `${this.#choice.why} Tick “mended”, and try it again.` : '';
  }
}
