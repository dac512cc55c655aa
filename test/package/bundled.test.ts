/** A program in one file with the package, as bundlers make it. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
mkdirSync(join(root, 'build'), { recursive: true });
const workshop = mkdtempSync(join(root, 'build', 'bundled-'));
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

const PROGRAM = `
  import { isMainThread, Worker, workerData } from 'node:worker_threads';
  import { Lock } from 'lockwork';
  import { dump } from 'lockwork/inspect';

  function sells(lock) {
    lock.acquire();
  }

  if (isMainThread) {
    const lock = new Lock();
    lock.acquire();
    new Worker(new URL(import.meta.url), { workerData: lock });
    const look = setInterval(() => {
      const { stack } = dump().threads.find(({ self }) => !self) ?? {};
      if (!stack) return;
      clearInterval(look);
      console.log(stack);
      lock.release();
    }, 50);
  } else {
    // Behind this no frame but the program's is left.
    await undefined;
    sells(Lock.from(workerData));
  }
`;

it('shows all that is known of where a thread is blocked, since the file does not tell whose a frame is', async () => {
  const outfile = join(workshop, 'program.mjs');
  await build({
    stdin: { contents: PROGRAM, resolveDir: root },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
    logLevel: 'error',
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile], { timeout: 20_000 });
  const frames = stdout.trim().split('\n');
  expect(frames.filter((frame) => frame.includes('sells'))).toHaveLength(1);
  expect(frames.filter((frame) => frame.includes('stackOfProgram'))).toEqual([]);
  expect(frames.filter((frame) => /wasm:\/\/|wasm-function|\[wasm/.test(frame))).toEqual([]);
});
