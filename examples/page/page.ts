/** The page: a section for each program, with its timeline and its verdict. */
import type { Played } from '../play.ts';
import { type Name, names, programs } from '../programs.ts';
import { Timeline } from '../timeline.ts';
import { Chart } from './chart.ts';
import { element } from './element.ts';
import { run } from './run.ts';

export interface Section {
  name: Name;
  element: HTMLElement;
  /** Runs the program and shows it. Rejects when it could not be run; the section says so, too. */
  run(): Promise<Played>;
}

export function section(name: Name): Section {
  const stage = element('div', { className: 'stage' });
  const verdict = element('p', { className: 'verdict', role: 'status' });
  const log = element('pre');
  const again = element('button', { type: 'button', onclick: () => show().catch(console.error) }, 'Run again');
  const whole = element(
    'section',
    { id: name },
    element('header', {}, element('h2', {}, name), element('p', {}, programs[name].about), again),
    stage,
    verdict,
    element('details', {}, element('summary', {}, 'Step by step'), log),
  );

  /** Runs the program, drawing while it runs. */
  async function show(): Promise<Played> {
    say('runs', 'Running …');
    log.textContent = '';
    again.disabled = true;
    let chart: Chart;
    let timeline: Timeline;
    let zero: number | undefined;
    let frame = requestAnimationFrame(function draw() {
      if (zero !== undefined) chart.pass(performance.now() - zero);
      frame = requestAnimationFrame(draw);
    });
    try {
      const played = await run(name, {
        begins(threads) {
          chart = new Chart(threads);
          timeline = new Timeline(threads, (_, text) => text);
          stage.replaceChildren(chart.element);
        },
        step(step) {
          zero ??= performance.now() - step.time;
          chart.step(step);
          log.append(`${timeline.line(step)}\n`);
        },
      });
      chart!.pass(played.steps.at(-1)!.time);
      say(played.verdict.held ? 'held' : 'failed', played.verdict.text);
      return played;
    } catch (error) {
      say('failed', String(error));
      throw error;
    } finally {
      cancelAnimationFrame(frame);
      again.disabled = false;
    }
  }

  function say(state: 'runs' | 'held' | 'failed', text: string): void {
    whole.dataset.state = state;
    verdict.textContent = text;
  }

  return { name, element: whole, run: show };
}

export const sections = (): Section[] => names.map(section);

/** Runs them one after the other, also when one could not be run. */
export async function runAll(sections: Section[]): Promise<PromiseSettledResult<Played>[]> {
  const results: PromiseSettledResult<Played>[] = [];
  for (const section of sections) results.push(...(await Promise.allSettled([section.run()])));
  return results;
}
