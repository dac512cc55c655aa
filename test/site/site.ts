/** The built site: its files, and a server of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ISOLATED } from '../platforms/browsers/pages.ts';
import { root } from '../platforms/runtimes/bundle.ts';

const folder = join(root, 'build/site');
if (!existsSync(folder)) throw new Error(`${folder} is missing: npm run docs`);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

export interface Page {
  /** As it is asked for: `/learn/race`. */
  path: string;
  html: string;
}

export const pages: readonly Page[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.html') && file !== '404.html')
  .map((file) => ({
    path: `/${file.replaceAll('\\', '/').replace(/(^|(?<=\/))index\.html$|\.html$/, '')}`,
    html: readFileSync(join(folder, file), 'utf8'),
  }))
  .sort((a, b) => a.path.localeCompare(b.path));

/** The file of a path, if there is one. */
export function fileOf(path: string): string | undefined {
  const place = join(folder, decodeURIComponent(path));
  return [place, `${place}.html`, join(place, 'index.html')].find((file) => existsSync(file) && extname(file) !== '');
}

export interface Server extends AsyncDisposable {
  address: string;
  /** How many bytes it has sent, compressed. */
  sent: number;
}

/** What a page of the site also gets, and what answers its messages. */
export interface Visitor {
  script: string;
  answer(message: unknown): unknown;
}

/** Serves the site with these headers, compressed. */
export async function serve(headers: Readonly<Record<string, string>> = ISOLATED, visitor?: Visitor): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    response.setHeaders(new Map(Object.entries(headers)));
    if (request.method === 'POST') {
      response.end(JSON.stringify(visitor?.answer(await bodyOf(request)) ?? null));
      return;
    }
    const file = fileOf(pathname);
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    let body = readFileSync(file);
    if (visitor && file.endsWith('.html')) {
      body = Buffer.from(body.toString().replace('<head>', `<head><script>${visitor.script}</script>`));
    }
    body = gzipSync(body);
    made.sent += body.byteLength;
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Encoding': 'gzip',
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the server has no port');
  const made: Server = {
    address: `http://localhost:${address.port}`,
    sent: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return made;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return JSON.parse(text);
}
