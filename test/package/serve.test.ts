import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { expect, it, onTestFinished } from 'vitest';

it('start:browser serves isolated pages, their workers too, and also what has not changed', async () => {
  const root = fileURLToPath(new URL('../../examples/page', import.meta.url));
  const server = await createServer({
    root,
    configFile: `${root}/vite.config.ts`,
    logLevel: 'error',
    server: { port: 0 },
  });
  onTestFinished(() => server.close());
  await server.listen();
  const address = server.resolvedUrls!.local[0]!;
  const pages = ['', 'scheduler.html', 'live.html'];
  for (const path of [
    ...pages,
    'main.ts',
    'worker.ts?worker_file&type=module',
    'live/worker.ts?worker_file&type=module',
  ]) {
    const first = await fetch(address + path);
    const again = await fetch(address + path, { headers: { 'If-None-Match': first.headers.get('etag')! } });
    expect([first.status, again.status]).toEqual([200, 304]);
    for (const { headers } of [first, again]) {
      expect(headers.get('cross-origin-opener-policy'), path).toBe('same-origin');
      expect(headers.get('cross-origin-embedder-policy'), path).toBe('require-corp');
    }
  }
});
