/** Servers of pages, on ports that are free. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preview } from 'vite';
import { ISOLATED } from '../../browsers/pages.ts';
import { keep } from '../keep.ts';

const ADDRESS = /http:\/\/localhost:\d+/;

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
  const folder = mkdtempSync(join(tmpdir(), 'lockwork-'));
  const { said: address, [Symbol.asyncDispose]: dispose } = await keep(folder, command.split(' '), ADDRESS, cwd);
  return { address, [Symbol.asyncDispose]: dispose };
}
