import * as Comlink from 'comlink';
import { check, WORKERS } from './check.js';

test('Comlink', async () => {
  const workers = Array.from(
    { length: WORKERS },
    () => new Worker(new URL('./comlink.page.worker.js', import.meta.url), { type: 'module' }),
  );
  const proxies = workers.map((worker) => Comlink.wrap(worker));
  await check((name, argument) => proxies[argument.index][name](argument));
  for (const worker of workers) worker.terminate();
});
