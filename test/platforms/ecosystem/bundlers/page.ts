/** Shows a page in Chromium. */
import { gzipSync } from 'node:zlib';
import { chromium, type Page, type Response } from 'playwright';
import { encode } from '../../../../bindings/core-text.ts';
import { advice, find } from '../../browsers/find.ts';

/**
 * How the WebAssembly module of lockwork begins in a script, as its package has it: "\0asm" and 1, in whichever quotes. Of
 * these characters none is one that a bundler would have to escape.
 */
const WASM = encode(new Uint8Array([0, ...Buffer.from('asm'), 1]));
/** How long a page may take to show something (ms). */
const PATIENCE = 60_000;

export interface Shown {
  text: string;
  /** Of the smallest script that has lockwork in it, compressed. */
  bytes: number;
}

/** What the page shows in the end. Throws what goes wrong in it, or in its workers. */
export async function show(address: string): Promise<Shown> {
  const found = find('chromium');
  if (!found) throw new Error(advice(['chromium']));
  await using browser = await chromium.launch({ executablePath: found.executable });
  const page = await browser.newPage();
  // Chromium asks for it by itself.
  await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
  const failure = failureOf(page);
  const sizes: Promise<number>[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') sizes.push(sizeOf(response));
  });
  const text = await Promise.race([failure, settled(page, address)]);
  return { text, bytes: Math.min(...(await Promise.all(sizes))) };
}

/** Rejects when there is an error in the console, or nobody catches one. */
function failureOf(page: Page): Promise<never> {
  return new Promise((_resolve, reject) => {
    page.on('pageerror', reject);
    page.on('crash', () => reject(new Error('the page crashed')));
    page.on('console', (message) => {
      if (message.type() === 'error')
        reject(new Error(`in the console: ${message.text()} (${message.location().url})`));
    });
  });
}

/** What is shown once there is a number. */
async function settled(page: Page, address: string): Promise<string> {
  await page.goto(address, { timeout: PATIENCE });
  await page.waitForFunction(() => /^\d+$/.test(document.body.textContent), undefined, { timeout: PATIENCE });
  return page.evaluate(() => document.body.textContent);
}

/** Compressed; endless where lockwork is not in it, or the page is gone. */
async function sizeOf(response: Response): Promise<number> {
  const script = await response.body().catch(() => '');
  return script.includes(WASM) ? gzipSync(script, { level: 9 }).byteLength : Infinity;
}
