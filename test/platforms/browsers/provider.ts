/**
 * Vitest's way into a browser. Playwright drives its own builds and every Chromium; the Firefox and the WebKit that a
 * machine has do not speak its protocol, and are just started on the page of the session: the tests need no more.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineBrowserProvider } from '@vitest/browser';
import { playwright } from '@vitest/browser-playwright';
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node';
import { advice, type Found, find, type Name } from './find.ts';

/** How long a browser may take to show the page (ms); Vitest would give up without a reason after 60,000. */
const PATIENCE = 50_000;

/** WebKitGTK does not give even an isolated page shared memory without it. */
const env = { ...process.env, JSC_useSharedArrayBuffer: '1' } as Record<string, string>;

export function provider(name: Name): BrowserProviderOption {
  const found = find(name);
  if (found?.build === 'playwright') return playwright({ launchOptions: { env } });
  if (found && name === 'chromium') return playwright({ launchOptions: { executablePath: found.executable } });
  return defineBrowserProvider({ name: 'spawn', providerFactory: (project) => new Spawn(project, name, found) });
}

class Spawn implements BrowserProvider {
  readonly name = 'spawn';
  readonly supportsParallelism = false;
  readonly #project: TestProject;
  readonly #browser: Name;
  readonly #found: Found | undefined;
  readonly #keepers = new Set<ChildProcess>();

  constructor(project: TestProject, browser: Name, found: Found | undefined) {
    this.#project = project;
    this.#browser = browser;
    this.#found = found;
    // Vitest asks every provider for it, and a window of any size will do.
    project.browser!.registerCommand('__vitest_viewport' as never, (async () => {}) as never);
  }

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  /** Starts a browser on the page; answers when the page is connected, so that a browser which ends first is told. */
  async openPage(session: string, url: string): Promise<void> {
    if (!this.#found) throw new Error(advice([this.#browser]));
    const { keeper, command, said } = start(this.#found, url);
    this.#keepers.add(keeper);
    for (const end = performance.now() + PATIENCE; !this.#project.browser!.state.orchestrators.has(session); ) {
      if (keeper.exitCode !== null) throw new Error(`${command} ended at once:\n${said()}`);
      if (performance.now() > end) throw new Error(`${command} did not show the page:\n${said()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#keepers].map(async (keeper) => {
        keeper.stdin!.end();
        if (keeper.exitCode === null) await new Promise((resolve) => keeper.once('exit', resolve));
      }),
    );
    this.#keepers.clear();
  }
}

/** An installed Firefox or WebKit on a page, until the keeper's standard input is closed. */
export function start({ name, executable }: Found, url: string) {
  const folder = mkdtempSync(join(tmpdir(), `lockwork-${name}-`));
  const command = name === 'firefox' ? firefox(executable, folder, url) : webkit(executable, url);
  const keeper = spawn(process.execPath, [fileURLToPath(new URL('keeper.ts', import.meta.url)), folder, ...command], {
    env: { ...env, TMPDIR: folder },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [keeper.stdout, keeper.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
  }
  return { keeper, command: command.join(' '), said: () => said };
}

/** A new profile without the pages that greet a new user. */
function firefox(executable: string, profile: string, url: string): string[] {
  const settings = {
    'app.update.enabled': false,
    'browser.aboutwelcome.enabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'browser.startup.homepage_override.mstone': 'ignore',
    'datareporting.policy.dataSubmissionEnabled': false,
    // Tests open pages without a click.
    'dom.disable_open_during_load': false,
    'dom.ipc.processPrelaunch.enabled': false,
    'network.captive-portal-service.enabled': false,
    'toolkit.telemetry.reportingpolicy.firstRun': false,
  };
  const lines = Object.entries(settings).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
  writeFileSync(join(profile, 'user.js'), lines.join('\n'));
  return [executable, '--headless', '--no-remote', '--profile', profile, url];
}

/** It has no mode without a window, so the window is on a screen that nobody sees. */
function webkit(executable: string, url: string): string[] {
  return [
    'xvfb-run',
    '--auto-servernum',
    executable,
    '--private',
    '--javascript-can-open-windows-automatically=true',
    url,
  ];
}
