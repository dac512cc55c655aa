import { Condition, Lock } from 'lockwork';
import './left.js';

test('Condition', async () => {
  const changed = new Condition(new Lock());
  let order = 0;
  const cook = changed.withAsync(() => changed.waitForAsync(() => order > 0, { timeout: 10_000 }));
  await changed.withAsync(() => {
    order++;
    changed.notify();
  });
  expect(await cook).toBe(true);
  expect(changed.with(() => changed.wait(1))).toBe(false);
});
