/** Real workers, a death and a deadlock among them: what the live view shows of that. */
import type { TraceEvent } from 'lockwork/inspect';
import { afterEach, describe, expect, it } from 'vitest';
import { mount } from '../../../examples/page/live/index.ts';
import { checkTimeline } from '../../support/perfetto.ts';
import { checkForm, open, type Tool } from './tool.ts';
import { visit } from './visit.ts';

/** A thread that is terminated may be found seconds later, in Chromium above all (docs/death.md). */
const LONG = { timeout: 20_000 };

let tool: Tool | undefined;
afterEach(() => {
  tool?.end();
  tool = undefined;
});

function begin(width?: number): Tool {
  tool = open(mount, width);
  return tool;
}

const shown = ({ one }: Tool): string => one<SVGElement>('svg').getAttribute('aria-label')!;
const sold = ({ text }: Tool): number => Number.parseInt(text('.sold').replaceAll(',', ''), 10);

function move({ all }: Tool, name: string, value: number): void {
  const label = all<HTMLLabelElement>('label').find(({ textContent }) => textContent.startsWith(name))!;
  const input = label.control as HTMLInputElement;
  input.value = String(value);
  input.dispatchEvent(new Event('input'));
}

async function makeDeadlock(view: Tool): Promise<void> {
  view.button('Make a deadlock').click();
  await expect.poll(() => view.all('path.circle').length, LONG).toBe(4);
}

describe('The live view', () => {
  it('shows threads that hold, wait, and sell', async () => {
    const view = begin();
    await expect.poll(() => shown(view), LONG).toMatch(/clerk \d holds seats/);
    await expect.poll(() => shown(view), LONG).toMatch(/clerk \d waits for seats/);
    await expect.poll(() => sold(view), LONG).toBeGreaterThan(2);
    expect(view.all('g.thread')).toHaveLength(3);
    move(view, 'Threads', 5);
    await expect.poll(() => view.all('g.thread').length, LONG).toBe(5);
    expect(view.text('.verdict')).toBe('5 threads are at work.');
    move(view, 'Time held', 0);
    move(view, 'Time outside', 0);
    const before = sold(view);
    await expect.poll(() => sold(view), LONG).toBeGreaterThan(before + 20);
  });

  it('shows a deadlock as a circle, which ends with one of its threads', async () => {
    const view = begin();
    await makeDeadlock(view);
    expect(shown(view)).toMatch(
      /^Deadlock\. .*teller holds accounts and waits for rates; trader holds rates and waits/,
    );
    expect(view.text('.verdict')).toMatch(/^Deadlock: "t\w+" waits for Lock/);
    expect(view.text('details pre')).toContain('DEADLOCK: ');
    // Beside it the others go on.
    const before = sold(view);
    await expect.poll(() => sold(view), LONG).toBeGreaterThan(before);
    view.button('Terminate the holder').click();
    await expect.poll(() => view.text('.said'), LONG).toMatch(/has both, and is done/);
    expect(view.text('.said')).toMatch(/gets an AbandonedError of “(accounts|rates)”/);
    await expect.poll(() => view.all('.circle:not(marker)').length, LONG).toBe(0);
    await expect.poll(() => view.text('.verdict'), LONG).toBe('3 threads are at work.');
  });

  it('terminates the holder: the others get an AbandonedError, and go on', async () => {
    const view = begin();
    await expect.poll(() => shown(view), LONG).toMatch(/waits for seats/);
    view.button('Terminate the holder').click();
    await expect.poll(() => view.text('.said'), LONG).toMatch(/clerk \d is terminated, and held “seats”/);
    const [, dead] = /clerk (\d) is terminated/.exec(view.text('.said'))!;
    await expect.poll(() => view.text('.said'), LONG).toMatch(/clerk \d gets an AbandonedError of “seats”/);
    const before = sold(view);
    await expect.poll(() => sold(view), LONG).toBeGreaterThan(before + 2);
    await expect.poll(() => view.all('g.thread').length, LONG).toBe(2);
    expect(shown(view)).not.toContain(`clerk ${dead}`);
    expect(view.text('output')).toBe('2');
  });

  it('makes a trace of all threads, also of those in a deadlock', async () => {
    const view = begin();
    await expect.poll(() => sold(view), LONG).toBeGreaterThan(3);
    await makeDeadlock(view);
    view.button('Open as trace').click();
    await expect.poll(() => view.all('.trace a').length, LONG).toBe(2);
    const file = view.one<HTMLAnchorElement>('.trace a[download]');
    const timeline = await (await fetch(file.href)).json();
    checkTimeline(timeline);
    const names = timeline.traceEvents.map(({ ph, name, args }: TraceEvent) => `${ph === 'M' ? args!.name : name}`);
    for (const name of ['holds Lock "seats"', 'holds Lock "accounts"', 'holds Lock "rates"'])
      expect(names).toContain(name);
    for (const name of ['clerk 1', 'clerk 2', 'clerk 3', 'teller', 'trader'])
      expect(
        names.some((one: string) => one.startsWith(name)),
        name,
      ).toBe(true);
  });

  it.each([390, 1400])('fits into %i px, and can be used by keyboard', async (width) => {
    const view = begin(width);
    await makeDeadlock(view);
    checkForm(view);
    // Letters are as large as beside the picture.
    const scale =
      view.one<SVGElement>('svg').getBoundingClientRect().width /
      Number(view.one('svg').getAttribute('viewBox')!.split(' ')[2]);
    expect(scale).toBeCloseTo(1, 1);
  });

  it('says what is missing in a page that is not isolated', async () => {
    expect(await visit('/live-alone')).toEqual({
      isolated: false,
      text: expect.stringMatching(
        /not cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin\s+Cross-Origin-Embedder-Policy: require-corp/s,
      ),
      buttons: 0,
    });
  });
});
