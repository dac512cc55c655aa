/**
 * Every page in every browser. An installed Firefox or WebKit is only started on a page; so a script that the server puts
 * into each page tells what went wrong in it, and goes on to the next.
 */
import { type BrowserType, chromium, firefox, webkit } from 'playwright';
import { expect, test } from 'vitest';
import { advice, find, NAMES, type Name } from '../platforms/browsers/find.ts';
import { ISOLATED } from '../platforms/browsers/pages.ts';
import { start } from '../platforms/browsers/provider.ts';
import { pages, serve } from './site.ts';

const TYPES: Record<Name, BrowserType> = { chromium, firefox, webkit };
/** How long all pages may take, and a program of one (ms). */
const PATIENCE = 170_000;
const RUN = 30_000;

interface Told {
  path: string;
  problems: string[];
  /** What became of the program of a page, or its tool. */
  state?: string;
}

/** Runs in the page. */
async function visit(patience: number): Promise<void> {
  const problems: string[] = [];
  const asked: Promise<unknown>[] = [];
  /** A browser may give up what it only fetched ahead: that is no problem, if it is there. */
  const ask = async (url: string) => {
    const { ok } = await fetch(url).catch(() => ({ ok: false }));
    if (!ok) problems.push(`${url} is not there`);
  };
  addEventListener(
    'error',
    ({ target, message }) => {
      const { src, href } = (target ?? {}) as { src?: string; href?: string };
      if (message) problems.push(message);
      else asked.push(ask(`${src ?? href}`));
    },
    true,
  );
  addEventListener('unhandledrejection', ({ reason }) => problems.push(String(reason)));
  const { error } = console;
  console.error = (...args) => {
    problems.push(args.join(' '));
    error(...args);
  };
  await new Promise((resolve) => addEventListener('load', resolve));
  const end = performance.now() + patience;
  const until = async (so: () => boolean, what: string) => {
    while (!so()) {
      if (performance.now() > end) return problems.push(`not in time: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await until(() => '__vue_app__' in (document.querySelector('#app') ?? {}), 'the page is alive');
  let state: string | undefined;
  if (document.querySelector('.program')) {
    const section = () => document.querySelector('.program > div')?.shadowRoot?.querySelector('section');
    await until(() => /held|failed/.test(section()?.dataset.state ?? ''), 'the program has run');
    state = section()?.dataset.state;
  }
  if (document.querySelector('.tool')) {
    const said = () => document.querySelector('.tool > div > div')?.shadowRoot?.querySelector('.verdict')?.textContent;
    await until(() => /^(?!Loading)./.test(said() ?? ''), 'the tool says something');
    state = 'held';
  }
  await Promise.all(asked);
  const told = { path: location.pathname, problems, state };
  const next = await (await fetch('/', { method: 'POST', body: JSON.stringify(told) })).json();
  if (next) location.href = next;
}

/** Opens a browser on an address. */
async function open(name: Name, address: string): Promise<AsyncDisposable> {
  const found = find(name);
  if (!found) throw new Error(advice([name]));
  if (found.build === 'playwright' || name === 'chromium') {
    const executable = found.build === 'playwright' ? {} : { executablePath: found.executable };
    const browser = await TYPES[name].launch({ ...executable, env: { ...process.env, JSC_useSharedArrayBuffer: '1' } });
    void (await browser.newPage()).goto(address);
    return { [Symbol.asyncDispose]: () => browser.close() };
  }
  const { keeper } = start(found, address);
  return {
    async [Symbol.asyncDispose]() {
      keeper.stdin.end();
      if (keeper.exitCode === null) await new Promise((resolve) => keeper.once('exit', resolve));
    },
  };
}

/** Opens these pages, one after the other. */
async function tour(name: Name, paths: readonly string[], headers: Readonly<Record<string, string>>): Promise<Told[]> {
  const told: Told[] = [];
  const left = [...paths];
  const first = left.shift()!;
  let done: () => void;
  const all = new Promise<void>((resolve, reject) => {
    done = resolve;
    setTimeout(() => reject(new Error(`not in time; the last page was ${told.at(-1)?.path}`)), PATIENCE).unref();
  });
  const answer = (message: unknown) => {
    told.push(message as Told);
    const next = left.shift();
    if (!next) done();
    return next;
  };
  await using server = await serve(headers, { script: `(${visit})(${RUN})`, answer });
  await using _browser = await open(name, server.address + first);
  await all;
  return told;
}

test.each(NAMES)('%s opens every page without an error, and runs the programs', async (name) => {
  const paths = pages.map(({ path }) => path);
  const told = await tour(name, paths, ISOLATED);
  expect(told.map(({ path }) => path)).toEqual(paths);
  expect(told.filter(({ problems }) => problems.length)).toEqual([]);
  const programs = told.filter(({ path }) => /^\/learn\/\w/.test(path));
  expect(programs.map(({ path, state }) => [path, state])).toEqual(programs.map(({ path }) => [path, 'held']));
});

const CREDENTIALLESS = { ...ISOLATED, 'Cross-Origin-Embedder-Policy': 'credentialless' };
const DOCUMENT = { 'Document-Isolation-Policy': 'isolate-and-require-corp' };

test.each([
  ['chromium', 'credentialless', CREDENTIALLESS],
  ['firefox', 'credentialless', CREDENTIALLESS],
  ['chromium', 'Document-Isolation-Policy', DOCUMENT],
] as const)('%s isolates a page by %s', async (name, _, headers) => {
  const told = await tour(name, ['/learn/lock'], headers);
  expect(told).toEqual([{ path: '/learn/lock', problems: [], state: 'held' }]);
});
