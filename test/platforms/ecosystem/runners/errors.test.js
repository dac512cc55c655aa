import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  DeadlockError,
  Lock,
  NotHeldError,
  OverReleaseError,
  ThreadingError,
  TimeoutError,
} from 'lockwork';
import './left.js';

test('errors of the classes that are imported', async () => {
  const lock = new Lock({ name: 'seats' });
  expect(() => lock.release()).toThrow(NotHeldError);
  expect(() => lock.release()).toThrow(ThreadingError);
  expect(() => lock.release()).toThrow(Error);
  expect(() => lock.release()).toThrow(/seats/);
  expect(() => new Lock({ name: 1 })).toThrow(TypeError);
  expect(() => lock.acquire(-1)).toThrow(RangeError);
  await lock.withAsync(async () => {
    expect(() => lock.acquire()).toThrow(DeadlockError);
    expect(() => lock.hold(0)).toThrow(TimeoutError);
    await expect(lock.holdAsync({ timeout: 1 })).rejects.toThrow(TimeoutError);
  });
  expect(() => new BoundedSemaphore(1).release()).toThrow(OverReleaseError);
  const meeting = new Barrier(2);
  expect(() => meeting.wait(1)).toThrow(BrokenBarrierError);
  await expect(meeting.waitAsync()).rejects.toBeInstanceOf(BrokenBarrierError);
});
