import { afterEach, describe, expect, it } from 'vitest';
import { mount } from '../../../examples/page/scheduler/index.ts';
import { choices } from '../../../examples/page/scheduler/programs.ts';
import { checkForm, open, type Tool } from './tool.ts';

/** How long the programs may take to be compiled, and all states to be looked at (ms). */
const LONG = { timeout: 20_000 };

/** What a visitor is told to try first: which thread makes so many steps, or goes on until it is there. */
const FIRST: Readonly<Record<string, readonly (readonly [thread: number, wanted: number | 'sleeps' | 'done'])[]>> = {
  'Two agents sell one seat': [
    [1, 1],
    [2, 1],
    [1, 'done'],
    [2, 'done'],
  ],
  'A release that wakes nobody': [
    [1, 1],
    [2, 'sleeps'],
    [1, 'done'],
  ],
  'A plain store where an atomic is needed': [[1, 3]],
  'Look, then wait': [
    [1, 1],
    [3, 'done'],
    [1, 'sleeps'],
    [2, 'done'],
  ],
  'A set that wakes only one': [
    [1, 'sleeps'],
    [2, 'sleeps'],
    [3, 'done'],
    [1, 'done'],
  ],
  'A waiter that gives up, and keeps the wake-up': [
    [1, 'sleeps'],
    [2, 'sleeps'],
    [3, 'done'],
  ],
  'A guard that is not released on one path': [
    [3, 'done'],
    [1, 6],
  ],
  'A touch after the hand-over': [
    [1, 7],
    [3, 5],
    [1, 1],
    [3, 1],
  ],
  'A notify that wakes one too many': [
    [1, 'sleeps'],
    [2, 'sleeps'],
    [3, 'done'],
    [1, 'done'],
    [2, 'done'],
  ],
  'A notify that wakes one too few': [
    [1, 'sleeps'],
    [2, 'sleeps'],
    [3, 'done'],
  ],
  'A barrier that does not count its rounds': [
    [1, 'sleeps'],
    [2, 'sleeps'],
    [1, 'sleeps'],
  ],
};

let tool: Tool;
afterEach(() => tool.end());

const verdict = (): string => tool.text('.verdict');
const state = (): string | undefined => tool.one('.tool').dataset.state;
const card = (thread: number): HTMLElement => tool.all('.card')[thread - 1]!;
/** What is seen of the state. */
const seen = (): unknown =>
  ['.cards', 'tbody', 'pre', '.log', '.verdict'].map((selector) => tool.one(selector).innerText);
const word = (name: string): string => tool.text(`[data-word="${name}"] .value`);

async function choose(title: string, mended = false): Promise<void> {
  tool ??= open(mount);
  const select = tool.one<HTMLSelectElement>('select');
  select.value = String(choices.findIndex((choice) => choice.title === title));
  expect(select.selectedIndex).toBeGreaterThanOrEqual(0);
  select.dispatchEvent(new Event('change'));
  if (mended) tool.one('input').click();
  await expect.poll(verdict, LONG).toBe('Choose the thread that makes the first step.');
}

function click(...threads: number[]): void {
  for (const thread of threads) card(thread).querySelector('button')!.click();
}

/** Lets a thread make steps until it is in this state. */
function clickUntil(thread: number, wanted: string): void {
  for (let steps = 0; card(thread).dataset.state !== wanted && state() !== 'failed'; steps++) {
    expect(steps).toBeLessThan(50);
    click(thread);
  }
}

async function shortestWay(): Promise<void> {
  tool.button('way to').click();
  await expect.poll(verdict, LONG).toMatch(/^\d+ steps lead to it|^No way leads/);
}

describe('The scheduler', () => {
  it.each(choices)('$title: the shortest way leads to the bug, and none does in the mended version', async (choice) => {
    tool = open(mount);
    if (choice.bug) {
      await choose(choice.title);
      await shortestWay();
      const length = Number.parseInt(verdict(), 10);
      expect(length).toBeGreaterThan(0);
      tool.button('To its end').click();
      expect([state(), verdict()]).toEqual(['failed', expect.stringMatching(/^Found it: \w/)]);
      expect(verdict()).not.toMatch(/\d{2}/);
      expect(tool.text('.why')).toContain(choice.why);
      expect(tool.all('.log li')).toHaveLength(length);
      expect(tool.button('Next step').ariaDisabled).toBe('true');
    }
    await choose(choice.title, choice.bug !== undefined);
    await shortestWay();
    expect([state(), verdict()]).toEqual(['held', expect.stringMatching(/all [\d,]+ states have been looked at/)]);
    expect(tool.all('button').some((it) => !it.hidden && it.textContent.includes('Next step'))).toBe(false);
  });

  it.each(Object.entries(FIRST))('%s: what to try first leads to the bug', async (title, tries) => {
    tool = open(mount);
    await choose(title);
    for (const [thread, wanted] of tries) {
      expect(state()).toBe('runs');
      if (typeof wanted === 'string') clickUntil(thread, wanted);
      else for (let step = 0; step < wanted; step++) click(thread);
    }
    expect([state(), verdict()]).toEqual(['failed', expect.stringMatching(/^Found it/)]);
  });

  it('two agents sell one seat: found by hand, by keyboard', async () => {
    tool = open(mount);
    await choose('Two agents sell one seat');
    for (const key of '121122') tool.press(key);
    expect([state(), verdict()]).toEqual(['failed', 'Found it: T1 and T2 have both sold seat 2.']);
    expect(['seats', 'ticket of T1', 'ticket of T2'].map(word)).toEqual(['1', '2', '2']);
    // Nobody can go on from there, and another order is in order.
    const before = seen();
    for (const key of '12') tool.press(key);
    expect(seen()).toEqual(before);
    tool.press('Home');
    for (const key of '111222') tool.press(key);
    expect(verdict()).toMatch(/^All are done, and nothing went wrong/);
    expect(['seats', 'ticket of T1', 'ticket of T2'].map(word)).toEqual(['0', '2', '1']);
  });

  it('a release that wakes nobody: found by hand, by buttons', async () => {
    tool = open(mount);
    await choose('A release that wakes nobody');
    click(1);
    clickUntil(2, 'sleeps');
    expect(word('lock')).toBe('2');
    expect(tool.text('[data-word="lock"] td:last-child')).toBe('T2');
    clickUntil(1, 'done');
    expect([state(), verdict()]).toEqual(['failed', 'Found it: Nobody can go on, and T2 is not done.']);
    expect(word('lock')).toBe('0');
    await choose('A release that wakes nobody', true);
    click(1);
    clickUntil(2, 'sleeps');
    clickUntil(1, 'done');
    clickUntil(2, 'done');
    expect(state()).toBe('held');
  });

  it('a step back restores what was seen, as far back as one likes', async () => {
    tool = open(mount);
    await choose('A time that runs out while a permit is on its way');
    await shortestWay();
    tool.press('Home');
    const history: unknown[] = [];
    while (tool.button('Next step').ariaDisabled !== 'true') {
      history.push(seen());
      tool.press('ArrowRight');
    }
    expect(history.length).toBeGreaterThan(20);
    expect(state()).toBe('failed');
    while (history.length > 0) {
      tool.press('ArrowLeft');
      expect(seen()).toEqual(history.pop());
    }
    expect(tool.button('Step back').ariaDisabled).toBe('true');
    tool.button('Step back').click();
    expect(tool.all('.log li')).toHaveLength(0);
  });

  it('says when a thread goes round in circles, and when all do, and for ever', async () => {
    tool = open(mount);
    await choose('A guard that is not released on one path');
    click(3, 1);
    expect([state(), verdict()]).toEqual([
      'runs',
      'T1 guard was 1, not 0: changed nothing. All stands just as after step 1, so it goes round in circles: let another one go on.',
    ]);
    expect(tool.text('.line.stands:has(.t1)')).toContain('while (atomic.cmpxchg<i32>(cell, 0, 1)) {}');
    clickUntil(3, 'done');
    for (let steps = 0; state() !== 'failed'; steps++) {
      expect(steps).toBeLessThan(20);
      click(1);
    }
    expect([word('guard'), verdict()]).toEqual(['1', 'Found it: T1 and T2 can only go round in circles, for ever.']);
  });

  it('keeps the focus, and leaves the keys of its controls alone', async () => {
    tool = open(mount);
    await choose('A release that wakes nobody');
    const mine = card(2).querySelector('button')!;
    click(1);
    mine.focus();
    for (let steps = 0; steps < 5; steps++) mine.click();
    expect(card(2).dataset.state).toBe('sleeps');
    expect(tool.tree.activeElement).toBe(mine);
    expect(mine.ariaDisabled).toBe('true');
    const before = seen();
    tool.one('select').focus();
    tool.press('1');
    expect(seen()).toEqual(before);
  });

  it.each([390, 1400])('fits into %i px, and can be used by keyboard', async (width) => {
    tool = open(mount, width);
    for (const title of ['A touch after the hand-over', 'lockwork’s own Lock']) {
      await choose(title);
      click(1, 2, 1, 2);
      checkForm(tool);
    }
  });
});
