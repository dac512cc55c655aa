/** The dump that ../../behaviour/inspect.test.ts has of a program, by a page's main thread, which cannot block. */
import { currentThread, Event } from 'lockwork';
import { dumpLater } from 'lockwork/inspect';
import { expect, it } from 'vitest';
import { EXPECTED, hangingProgram, normalized } from '../../support/program.ts';
import { until } from '../../support/threads.ts';

it('of one program is the same by the main thread, while all others are blocked', async () => {
  const { dump, end } = await hangingProgram();
  expect(normalized(dump)).toEqual(EXPECTED);
  const main = dump.threads.find(({ self }) => self)!;
  expect([main.id, main.where]).toEqual([0, currentThread().where]);
  end();
});

it('is called main, whatever its window is called, and writes a dump later', async () => {
  const { name, id, self } = currentThread();
  expect([name, id, self]).toEqual(['main', 0, true]);
  const texts: string[] = [];
  const event = new Event({ name: 'open' });
  const wait = event.waitAsync();
  dumpLater(10, { write: (text) => texts.push(text) });
  await until(() => texts.length === 1, 'a dump is written');
  expect(texts[0]).toContain('"main" (this one) runs');
  expect(texts[0]).toContain('    task: 1 waits for Event "open"');
  event.set();
  await wait;
  if (!globalThis.process) expect(() => dumpLater(1, { exit: true })).toThrow('there is no process here');
});
