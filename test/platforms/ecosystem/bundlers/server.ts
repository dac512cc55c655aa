/** Servers of pages, on ports that are free. */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';
import { ISOLATED } from '../../browsers/pages.ts';

const KEEPER = fileURLToPath(new URL('../../browsers/keeper.ts', import.meta.url));
/** How long a server may take to tell its address (ms). */
const PATIENCE = 60_000;

export interface Server extends AsyncDisposable {
  address: string;
}

/** Serves a folder, with the headers that isolate a page. */
export async function serveFolder(folder: string): Promise<Server> {
  const server = await preview({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { outDir: '.' },
    preview: { port: 0, headers: ISOLATED },
  });
  return { address: server.resolvedUrls!.local[0]!, [Symbol.asyncDispose]: () => server.close() };
}

/** Starts a server that prints its address. It ends with this process, however that ends. */
export async function serveBy(command: string, cwd: string): Promise<Server> {
  const args = [KEEPER, mkdtempSync(join(tmpdir(), 'lockwork-')), ...command.split(' ')];
  const keeper = spawn(process.execPath, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => keeper.on('close', () => resolve()));
  const stop = (): Promise<void> => {
    keeper.stdin.end();
    return ended;
  };
  const address = await new Promise<string>((resolve, reject) => {
    let printed = '';
    const fail = (why: string) => reject(new Error(`${printed}\n${command} ${why}`));
    const timer = setTimeout(() => void stop().then(() => fail('tells no address')), PATIENCE);
    void ended.then(() => fail('ended at once'));
    for (const stream of [keeper.stdout, keeper.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        const [found] = /http:\/\/localhost:\d+/.exec(printed) ?? [];
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      });
    }
  });
  return { address, [Symbol.asyncDispose]: stop };
}
