import { afterEach, expect, it } from 'vitest';
import { type Section, section } from '../../../examples/page/page.ts';
import { type Name, names } from '../../../examples/programs.ts';

/** A section of the page, and what it shows. */
function open(name: Name) {
  const shown: Section = section(name);
  document.body.append(shown.element);
  const all = (selector: string) => [...shown.element.querySelectorAll<HTMLElement>(selector)];
  return { ...shown, all, one: (selector: string) => all(selector)[0]! };
}

afterEach(() => document.body.replaceChildren());

it.each(names)('%s runs in the page, and the page shows what its threads did', async (name) => {
  const { run, element, all, one } = open(name);
  const { steps, verdict } = await run();
  expect(verdict).toEqual({ held: true, text: expect.any(String) });
  expect(one('.verdict').textContent).toBe(verdict.text);
  expect(element.dataset.state).toBe('held');
  const threads = new Set(steps.map(({ thread }) => thread));
  expect(new Set(all('.threads > *').map(({ textContent }) => textContent))).toEqual(threads);
  expect(all('.lane')).toHaveLength(threads.size);
  expect(all('.lane > b')).toHaveLength(steps.length);
  expect(one('pre').textContent!.trimEnd().split('\n')).toHaveLength(steps.length);
});

it('lets the page go on while threads wait, and wait for one of them itself', async () => {
  const { run } = open('event');
  let turns = 0;
  // No timer: those of a page that is not in front are slow.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    turns++;
    port2.postMessage(undefined);
  };
  port2.postMessage(undefined);
  const { steps } = await run().finally(() => port1.close());
  expect(turns).toBeGreaterThan(100);
  const kinds = steps.flatMap(({ thread, kind }) => (thread === 'flight' || thread === 'office' ? kind : []));
  expect(kinds.filter((kind) => kind !== 'departs')).toEqual(['waits', 'lands', 'tells']);
});

it('draws the end of a thread, and what it left half done until that was repaired', async () => {
  const { run, all } = open('crash');
  const { steps } = await run();
  const at = (kind: string) => steps.filter((step) => step.kind === kind).map(({ time }) => time);
  const times = (selector: string, ...names: string[]) =>
    all(selector).map(({ style }) => names.map((name) => style.getPropertyValue(name)));
  expect(times('b.dies', '--at')).toEqual(at('dies').map((time) => [String(time)]));
  const [ada, dan] = at('dies').map(String);
  expect(times('i.half', '--from', '--to')).toEqual([
    [ada, String(at('repairs')[0])],
    [dan, ''],
  ]);
});

it('runs a program again at the push of its button', async () => {
  const { run, element, one } = open('race');
  await run();
  const before = one('.chart');
  const button = one('button') as HTMLButtonElement;
  button.click();
  expect(button.disabled).toBe(true);
  expect(element.dataset.state).toBe('runs');
  await expect.poll(() => element.dataset.state, { timeout: 10_000 }).toBe('held');
  expect(button.disabled).toBe(false);
  expect(one('.chart')).not.toBe(before);
});
