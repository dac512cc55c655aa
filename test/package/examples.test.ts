import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Name, names, programs } from '../../examples/programs.ts';
import { run } from '../../examples/run.ts';
import { type Kind, mostAtOnce, type Step } from '../../examples/stage.ts';
import { Timeline } from '../../examples/timeline.ts';
import { until } from '../support/threads.ts';

/** Who did something, in order. */
const who = (steps: Step[], kind: Kind): string[] => steps.filter((s) => s.kind === kind).map((s) => s.thread);
const first = (steps: Step[], kind: Kind): number => steps.findIndex((s) => s.kind === kind);
const last = (steps: Step[], kind: Kind): number => steps.findLastIndex((s) => s.kind === kind);
const step = (thread: string, kind: Kind, time = 0): Step => ({ time, thread, kind, text: 'something' });

/** Runs a program, and sees that its steps came in order, all of them to the audience too, and that it held. */
async function played(name: Name): Promise<Step[]> {
  const seen: Step[] = [];
  let cast: string[] = [];
  let ended = false;
  const running = run(name, {
    begins: (threads) => {
      cast = threads;
    },
    step: (step) => seen.push(step),
  }).finally(() => {
    ended = true;
  });
  await Promise.race([running, until(() => ended, `the program ${name} ends`)]);
  const { steps, verdict } = await running;
  expect(seen).toEqual(steps);
  expect(steps.map(({ time }) => time)).toEqual(steps.map(({ time }) => time).sort((a, b) => a - b));
  expect(new Set(steps.map(({ thread }) => thread))).toEqual(new Set(cast));
  expect(verdict).toEqual({ held: true, text: expect.any(String) });
  return steps;
}

// At once: they sleep most of the time, and busy cores must change nothing.
describe.concurrent('the examples', () => {
  it('race: sells more seats than there are, every time', { repeats: 9 }, async () => {
    const steps = await played('race');
    expect(who(steps, 'begins')).toHaveLength(15);
    expect(who(steps, 'books').length).toBeGreaterThan(10);
    expect(programs.lock.verdict(steps).held).toBe(false);
  });

  it('lock: sells exactly 10, every time', { repeats: 9 }, async () => {
    const steps = await played('lock');
    expect(who(steps, 'books')).toHaveLength(10);
    expect(who(steps, 'refuses')).toHaveLength(5);
    const inside = steps.filter(({ kind }) => kind === 'holds' || kind === 'releases');
    expect(inside).toHaveLength(30);
    for (let i = 0; i < inside.length; i += 2) {
      expect([inside[i]!.kind, inside[i + 1]!.kind]).toEqual(['holds', 'releases']);
      expect(inside[i]!.thread).toBe(inside[i + 1]!.thread);
    }
    const seats = steps.filter(({ kind }) => kind === 'books').map(({ text }) => text.split(' ')[1]);
    expect(seats).toEqual(['10', '9', '8', '7', '6', '5', '4', '3', '2', '1']);
    expect(programs.race.verdict(steps).held).toBe(false);
  });

  it('rlock: the inner call works under an RLock, and times out under a Lock', async () => {
    const steps = await played('rlock');
    expect(who(steps, 'books').sort()).toEqual(['Ada', 'Ben']);
    expect(who(steps, 'gives up')).toEqual(['Cleo']);
    expect(mostAtOnce(steps.filter(({ thread }) => thread !== 'Cleo'))).toBe(1);
    const cleo = (kind: Kind): number => steps.find((s) => s.thread === 'Cleo' && s.kind === kind)!.time;
    expect(cleo('gives up') - cleo('holds')).toBeGreaterThanOrEqual(300);
  });

  it('semaphore: 3 are inside, and never more', async () => {
    const steps = await played('semaphore');
    expect(who(steps, 'books')).toHaveLength(10);
    expect(new Set(who(steps, 'books')).size).toBe(10);
    expect(mostAtOnce(steps)).toBe(3);
  });

  it('event: nobody is collected before the landing, everybody after it', async () => {
    const steps = await played('event');
    expect(who(steps, 'lands')).toEqual(['flight']);
    expect(who(steps, 'collects').sort()).toEqual(['Ada', 'Ben', 'Cleo', 'Dan']);
    expect(first(steps, 'collects')).toBeGreaterThan(first(steps, 'lands'));
  });

  it('barrier: nobody leaves before all have arrived', async () => {
    const steps = await played('barrier');
    expect(who(steps, 'waits').sort()).toEqual(['Ada', 'Ben', 'Cleo', 'Dan', 'guide']);
    expect(who(steps, 'leaves').sort()).toEqual(['Ada', 'Ben', 'Cleo', 'Dan', 'guide']);
    expect(who(steps, 'counts')).toHaveLength(1);
    expect(last(steps, 'waits')).toBeLessThan(first(steps, 'counts'));
    expect(last(steps, 'counts')).toBeLessThan(first(steps, 'leaves'));
  });

  it('condition: customers are served in order of arrival, and nobody polls', async () => {
    const steps = await played('condition');
    const served = steps.filter(({ kind }) => kind === 'serves').map(({ text }) => text);
    expect(served).toEqual(who(steps, 'joins'));
    expect([...served].sort()).toEqual(['Ada', 'Ben', 'Cleo', 'Dan', 'Eve']);
    // After each look at an empty line somebody joined it.
    const looks = steps.filter(({ kind }) => kind === 'waits' || kind === 'joins').map(({ kind }) => kind);
    expect(looks.join(' ')).not.toContain('waits waits');
    expect(new Set(who(steps, 'waits'))).toEqual(new Set(['agent']));
  });

  it('crash: who is told repairs, and loses nothing', { repeats: 1 }, async () => {
    const steps = await played('crash');
    expect(who(steps, 'dies')).toEqual(['Ada', 'Dan']);
    expect(first(steps, 'dies')).toBeLessThan(first(steps, 'learns'));
    expect(first(steps, 'learns')).toBeLessThan(first(steps, 'repairs'));
    const seats = (names: string[]): string[] =>
      steps.filter(({ kind, thread }) => kind === 'books' && names.includes(thread)).map(({ text }) => text);
    expect(seats(['Ada', 'Ben', 'Cleo'])).toEqual(['seat 2', 'seat 1']);
    expect(seats(['Dan', 'Eve', 'Finn'])).toEqual(['seat 1']);
    expect(steps.flatMap(({ of }) => of ?? [])).toEqual(['Ada']);
    const told = new Set(who(steps, 'learns'));
    expect(told.has('Eve') || told.has('Finn')).toBe(false);
    // Nobody but who was told has the lock before the repair.
    const lisbon = steps.filter(({ thread }) => ['Ada', 'Ben', 'Cleo'].includes(thread));
    expect(first(lisbon, 'repairs')).toBeLessThan(first(lisbon, 'books'));
  });

  it('wasm: agents in C sell exactly 10, and then the office is told', { repeats: 4 }, async () => {
    const steps = await played('wasm');
    expect(who(steps, 'books')).toHaveLength(10);
    expect(who(steps, 'refuses')).toHaveLength(6);
    expect(mostAtOnce(steps)).toBe(1);
    expect(who(steps, 'tells')).toEqual(['office']);
    expect(first(steps, 'tells')).toBeGreaterThan(last(steps, 'books'));
  });
});

describe('the verdicts', () => {
  it.each(names)('%s: nothing happened, so nothing was shown', (name) => {
    expect(programs[name].verdict([]).held).toBe(false);
  });

  it('the highest number inside', () => {
    const [a, b] = [step('a', 'holds'), step('b', 'holds')];
    const [c, d] = [step('a', 'releases'), step('b', 'releases')];
    expect(mostAtOnce([a, c, b, d])).toBe(1);
    expect(mostAtOnce([a, b, d, c])).toBe(2);
  });

  it('barrier: somebody left before all had come', () => {
    const people = ['guide', 'Ada', 'Ben', 'Cleo', 'Dan'];
    const waits = people.map((name) => step(name, 'waits'));
    const leaves = people.map((name) => step(name, 'leaves'));
    const counts = step('Dan', 'counts');
    expect(programs.barrier.verdict([...waits, counts, ...leaves]).held).toBe(true);
    expect(programs.barrier.verdict([...waits.slice(1), leaves[1]!, waits[0]!, counts, ...leaves.slice(1)]).held).toBe(
      false,
    );
  });

  it('crash: nobody repaired, or two did, or who was not to be told was', () => {
    const steps = [
      ...['Ada', 'Dan'].map((name) => step(name, 'dies')),
      ...[step('Ben', 'learns'), step('Ben', 'repairs'), step('Ben', 'books'), step('Cleo', 'books')],
      ...[step('Eve', 'books'), step('Finn', 'refuses')],
    ];
    const held = (steps: Step[]): boolean => programs.crash.verdict(steps).held;
    expect(held(steps)).toBe(true);
    for (const one of steps) expect(held(steps.filter((other) => other !== one)), one.kind).toBe(false);
    expect(held([...steps, step('Cleo', 'repairs')])).toBe(false);
    expect(held([...steps, step('Finn', 'learns')])).toBe(false);
  });

  it('event: somebody was collected before the landing', () => {
    const collects = ['Ada', 'Ben', 'Cleo', 'Dan'].map((name) => step(name, 'collects'));
    const lands = step('flight', 'lands');
    expect(programs.event.verdict([lands, ...collects]).held).toBe(true);
    expect(programs.event.verdict([collects[0]!, lands, ...collects.slice(1)]).held).toBe(false);
  });
});

describe('the timeline', () => {
  it('shows what each thread was doing', () => {
    const timeline = new Timeline(['Ada', 'Benno'], (_, text) => text);
    const lines = [
      step('Ada', 'waits'),
      step('Ada', 'holds'),
      step('Benno', 'waits', 12),
      step('Ada', 'books', 1234),
      step('Ada', 'releases', 1234),
      step('Benno', 'holds', 1235),
    ].map((step) => timeline.line(step));
    expect(lines).toEqual([
      '    0 ms  ○    Ada    waits     something',
      '    0 ms  ●    Ada    holds     something',
      '   12 ms  ┃ ○  Benno  waits     something',
      ' 1234 ms  ✓ ┊  Ada    books     something',
      ' 1234 ms  ◌ ┊  Ada    releases  something',
      ' 1235 ms    ●  Benno  holds     something',
    ]);
  });

  it('shows what a dead thread has left half done, until it is repaired', () => {
    const timeline = new Timeline(['Ada', 'Ben'], (_, text) => text);
    const lines = [
      step('Ada', 'holds'),
      step('Ben', 'waits'),
      step('Ada', 'dies'),
      step('Ben', 'learns'),
      step('Ben', 'holds'),
      { ...step('Ben', 'repairs'), of: 'Ada' },
      step('Ben', 'books'),
    ].map((step) => timeline.line(step).slice(10, 13));
    expect(lines).toEqual(['●  ', '┃ ○', '† ┊', '░ !', '░ ●', '░ ✓', '  ✓']);
  });
});

describe('the command', () => {
  const main = fileURLToPath(new URL('../../examples/main.ts', import.meta.url));

  interface Result {
    code: number;
    out: string;
    err: string;
  }

  function command(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
    const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
    const options = { env: { ...inherited, ...env }, timeout: 20_000 };
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [main, ...args], options, (_error, out, err) =>
        resolve({ code: child.exitCode ?? -1, out, err }),
      );
    });
  }

  it('names them', async () => {
    const { code, out, err } = await command(['--list']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n').flatMap((line) => line.trim().split(' ')[0] || [])).toEqual(names);
    expect(names).toEqual(['race', 'lock', 'rlock', 'semaphore', 'event', 'barrier', 'condition', 'crash', 'wasm']);
  });

  it('helps', async () => {
    const { code, out } = await command(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('--list');
  });

  it('refuses a wrong name, with the right ones, and runs nothing', async () => {
    const { code, out, err } = await command(['rlock', 'barier']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('"barier"');
    for (const name of names) expect(err).toContain(name);
  });

  it('refuses a wrong option', async () => {
    const { code, err } = await command(['--lst']);
    expect(code).toBe(2);
    expect(err).toContain('--lst');
  });

  it('runs those that are named, without colours where nobody sees them', async () => {
    const { code, out, err } = await command(['rlock', 'semaphore']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).not.toContain('\u001b');
    expect(out.split('\n').filter((line) => line.startsWith('✔'))).toHaveLength(2);
    expect(out).not.toContain('✘');
  });

  it('runs in colour where that is asked for, and not where NO_COLOR is set', async () => {
    const [coloured, plain] = await Promise.all([
      command(['rlock'], { FORCE_COLOR: '1' }),
      command(['rlock'], { NO_COLOR: '1' }),
    ]);
    expect(coloured.out).toContain('\u001b[36m');
    expect(plain.out).not.toContain('\u001b');
  });
});
