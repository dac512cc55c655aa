/** The program of docs/beyond.md in three tabs of Chromium at once: each seat is sold once. */
import { createServer } from 'node:http';
import { chromium } from 'playwright';
import { advice, find } from '../../browsers/find.ts';
import { snippetsOf } from './snippets.js';

const { code } = snippetsOf('docs/beyond.md').find(({ name }) => name === 'agency.js');
const page = `<!doctype html><link rel="icon" href="data:,"><script type="module">${code}</script>`;
const server = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end(page));
await new Promise((resolve) => server.listen(0, 'localhost', resolve));
const { port } = server.address();

const found = find('chromium');
if (!found) throw new Error(advice(['chromium']));
await using browser = await chromium.launch({ executablePath: found.executable });
const context = await browser.newContext();

/** The seats that a new tab has sold when all its customers have been there. */
async function sell() {
  const tab = await context.newPage();
  const failed = new Promise((_, reject) => tab.on('pageerror', reject));
  const served = async () => {
    await tab.goto(`http://localhost:${port}`);
    const shown = await tab.waitForFunction(() => /^sold: [\d,]*$/.exec(document.body.textContent)?.[0]);
    return JSON.parse(`[${(await shown.jsonValue())?.slice('sold:'.length)}]`);
  };
  return Promise.race([failed, served()]);
}

const tabs = await Promise.all([sell(), sell(), sell()]);
const seats = tabs.flat().sort((a, b) => a - b);
if (seats.join() !== '1,2,3,4,5,6,7,8,9,10') throw new Error(`the tabs sold ${JSON.stringify(tabs)}`);
await new Promise((resolve) => server.close(resolve));
