/** What Chromium finds of the pages: what they weigh, whether everybody can read them, and what they are without isolation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { advice, find } from '../platforms/browsers/find.ts';
import { root } from '../platforms/runtimes/bundle.ts';
import { pages, type Server, serve } from './site.ts';

/** Of the home page, compressed (bytes). */
const HEAVIEST = 200_000;
/** Where menus are looked at, too: they are the same on all pages of a kind. */
const WITH_MENUS = ['/', '/learn/lock', '/primitives', '/reference/lockwork/', '/internals/design'];
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1400, height: 900 };
const axe = readFileSync(join(root, 'docs/node_modules/axe-core/axe.min.js'), 'utf8');

let browser: Browser;
/** One for all, since to open one takes as long as to look at it. */
let page: Page;
let server: Server;
beforeAll(async () => {
  const found = find('chromium');
  if (!found) throw new Error(advice(['chromium']));
  browser = await chromium.launch(found.build === 'playwright' ? {} : { executablePath: found.executable });
  page = await browser.newPage();
  server = await serve();
});
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

async function open(path: string): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(DESK);
  await page.goto(server.address + path);
  await page.waitForFunction(() => '__vue_app__' in document.querySelector('#app')!);
  if (path === '/learn/scheduler' || path === '/learn/live') await page.locator('.tool .verdict').waitFor();
  else if (/^\/learn\/\w/.test(path)) await page.locator('.program section[data-state=held]').waitFor();
}

/** Of axe, what is used here. */
interface Axe {
  run(
    part: string,
    options: object,
  ): Promise<{ violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }>;
}

/** Serious faults in a part of the page, a text each; by these rules, or by all. */
async function faultsOf(of: Page, part: string, rules?: readonly string[]): Promise<string[]> {
  const { violations } = await of.evaluate(
    ([part, rules]) => (globalThis as unknown as { axe: Axe }).axe.run(part, rules ? { runOnly: rules } : {}),
    [part, rules] as const,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ target }) => target.join(' '))
          .slice(0, 3)
          .join('; ')}`,
    );
}

/** Those in the light, and those of colours in the dark. */
async function faults(of: Page, part = 'html'): Promise<Record<string, string[]>> {
  await of.evaluate(axe);
  const light = await faultsOf(of, part);
  await of.emulateMedia({ colorScheme: 'dark' });
  await of.waitForFunction(() => document.documentElement.classList.contains('dark'));
  const dark = await faultsOf(of, part, ['color-contrast', 'link-in-text-block']);
  return { light, dark };
}

const NONE = { light: [], dark: [] };

/** Nothing is beyond the right edge of a phone. */
async function expectNarrow(): Promise<void> {
  await page.setViewportSize(PHONE);
  const beyond = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect.poll(beyond, { message: 'how much is beyond the right edge' }).toBeLessThanOrEqual(0);
}

test('the home page is light', async () => {
  await using own = await serve();
  const page = await browser.newPage();
  await page.goto(own.address, { waitUntil: 'networkidle' });
  await page.close();
  expect(own.sent).toBeLessThan(HEAVIEST);
});

test.each(pages.map(({ path }) => path))('%s can be read by everybody, and at the size of a phone', async (path) => {
  await open(path);
  expect.soft(await faults(page, WITH_MENUS.includes(path) ? 'html' : '.VPContent')).toEqual(NONE);
  await expectNarrow();
});

test('the scheduler can be read where a bug is found', async () => {
  await open('/learn/scheduler');
  await page.getByRole('button', { name: 'Show me the shortest way to the bug' }).click();
  await page.getByRole('button', { name: 'To its end' }).click();
  await page.locator('.tool[data-state=failed] .verdict').waitFor();
  expect.soft(await faults(page, '.tool')).toEqual(NONE);
  await expectNarrow();
});

test('the live view can be read where there is a deadlock', async () => {
  await open('/learn/live');
  await page.getByRole('button', { name: 'Make a deadlock' }).click();
  await page.locator('path.circle').first().waitFor();
  expect.soft(await faults(page, '.tool')).toEqual(NONE);
  await expectNarrow();
});

test('a page that is not isolated says what is missing, and a service worker helps', async () => {
  await using plain = await serve({});
  const page = await browser.newPage();
  await page.goto(`${plain.address}/learn/lock`);
  const note = page.locator('.isolation');
  await note.waitFor();
  expect(await note.textContent()).toContain('Cross-Origin-Embedder-Policy: require-corp');
  expect(await faults(page)).toEqual(NONE);
  await note.getByRole('button').click();
  // The page is loaded again meanwhile.
  const verdict = () => page.locator('.program .verdict').textContent({ timeout: 1_000 });
  await expect.poll(() => verdict().catch(String), { timeout: 30_000 }).toContain('10 booked');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await page.close();
});

test('the search finds a method', async () => {
  await open('/');
  await page.keyboard.press('Control+k');
  await page.locator('input.search-input').fill('holdAsync');
  await page.locator('.result').first().waitFor();
  expect(await page.locator('.result').count()).toBeGreaterThan(0);
});
