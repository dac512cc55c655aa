/** A worker of the live view: a clerk that sells seats for ever, or one of two that take two locks in opposite order. */
import { AbandonedError, Barrier, Lock } from 'lockwork';
import { trace, traceEvents } from 'lockwork/inspect';
import { sleep } from '../../stage.ts';
import { DOOMED, HELD, type Order, OUTSIDE, type Report, SOLD } from './orders.ts';

const post = (report: Report): void => self.postMessage(report);
const says = (text: string): void => post({ kind: 'says', text });
const tellTrace = (): void => post({ kind: 'trace', timeline: traceEvents() });

/** Holds a lock while it does something, also when the thread that held it before has died. */
function hold(lock: Lock, act: () => void): void {
  try {
    lock.with(act);
  } catch (error) {
    if (!(error instanceof AbandonedError)) throw error;
    says(`gets an AbandonedError of “${lock.name}”, puts things in order, and goes on`);
    lock.recover(act);
  }
}

async function sell(clerk: number, seats: Lock, numbers: Int32Array): Promise<void> {
  for (;;) {
    hold(seats, () => {
      sleep(numbers[HELD]!);
      // Chromium lets a terminated worker run on for two seconds: it would release the lock meanwhile.
      while (Atomics.load(numbers, DOOMED) === clerk) sleep(10);
      numbers[SOLD]!++;
    });
    await new Promise((resolve) => setTimeout(resolve, numbers[OUTSIDE]! * (0.5 + Math.random())));
  }
}

function cross(first: Lock, second: Lock, both: Barrier): void {
  hold(first, () => {
    // Now both have their first.
    both.wait();
    says(`holds “${first.name}”, and wants “${second.name}”`);
    // It will answer no message any more.
    tellTrace();
    hold(second, () => {});
  });
  says('has both, and is done');
  post({ kind: 'ended' });
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  if (data.kind === 'trace') return tellTrace();
  trace({ stacks: false, limit: 2_000 });
  if (data.kind === 'cross') cross(Lock.from(data.first), Lock.from(data.second), Barrier.from(data.both));
  else sell(data.clerk, Lock.from(data.seats), data.numbers).catch(reportError);
};
