/**
 * Where the browsers of this machine are. For each the first there is of: what its environment variable names,
 * Playwright's build, an installed one.
 */
import { accessSync, constants, existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserType, chromium, firefox, webkit } from 'playwright';

export type Name = 'chromium' | 'firefox' | 'webkit';

interface Kind {
  playwright: BrowserType;
  /** Installed ones: programs on the PATH, and places elsewhere. */
  programs: string[];
  places: string[];
  /** What Debian and its relatives call it. */
  packages: string[];
}

const KINDS: Record<Name, Kind> = {
  chromium: {
    playwright: chromium,
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'],
    places: [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      'C:/Program Files*/Google/Chrome/Application/chrome.exe',
      'C:/Program Files*/Microsoft/Edge/Application/msedge.exe',
    ],
    packages: ['chromium'],
  },
  firefox: {
    playwright: firefox,
    programs: ['firefox', 'firefox-esr'],
    places: ['/Applications/Firefox.app/Contents/MacOS/firefox', 'C:/Program Files*/Mozilla Firefox/firefox.exe'],
    packages: ['firefox-esr'],
  },
  webkit: {
    playwright: webkit,
    // Safari starts neither without a window nor without somebody to allow it; WebKitGTK does, with a screen of its own.
    programs: [],
    places: ['/usr/lib/*/webkit*gtk-*/MiniBrowser', '/usr/{lib,lib64,libexec}/webkit*gtk-*/MiniBrowser'],
    packages: ['webkit2gtk-driver', 'xvfb', 'xauth'],
  },
};

export const NAMES = Object.keys(KINDS) as Name[];

export interface Found {
  name: Name;
  /** Playwright's builds understand its protocol; an installed Firefox or WebKit only shows what it is told to. */
  build: 'playwright' | 'installed';
  executable: string;
}

/** Nothing when this machine has no such browser, or not all that it takes to start it. */
export function find(name: Name): Found | undefined {
  const { playwright, programs, places } = KINDS[name];
  const named = process.env[variable(name)];
  if (named) return { name, build: 'installed', executable: named };
  const own = playwright.executablePath();
  if (own && existsSync(own)) return { name, build: 'playwright', executable: own };
  if (name === 'webkit' && !(onPath('xvfb-run') && onPath('xauth'))) return undefined;
  const executable = programs.map(onPath).find(Boolean) ?? places.flatMap((place) => globSync(place))[0];
  return executable ? { name, build: 'installed', executable } : undefined;
}

/** The environment variable that names an executable. */
function variable(name: Name): string {
  return `LOCKWORK_${name.toUpperCase()}`;
}

export function packages(names: readonly Name[]): string[] {
  return names.flatMap((name) => KINDS[name].packages);
}

/** What to do where browsers are missing. */
export function advice(names: readonly Name[]): string {
  return [
    `The tests run in ${NAMES.join(', ')}, and there is no ${names.join(', no ')} here. Any of these helps:`,
    `  npx playwright install --with-deps ${names.join(' ')}`,
    `  apt-get install ${packages(names).join(' ')}    (as root, on Debian)`,
    `  ${names.map((name) => `${variable(name)}=/path/to/it`).join(' ')} npm test`,
    'Without browsers: npx vitest run --project threads --project model',
  ].join('\n');
}

export function onPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
