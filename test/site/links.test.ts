/** Every link of the site leads somewhere. Those to other hosts are not followed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../../docs/.vitepress/repository.ts';
import { root } from '../platforms/runtimes/bundle.ts';
import { fileOf, pages } from './site.ts';

const SOURCES = `${repository}/blob/main/`;
const attributes = (html: string, name: string): string[] =>
  [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value]) => value!.replaceAll('&amp;', '&'));

/** What is wrong with a link of a page; nothing when it leads somewhere. */
function fault(path: string, link: string): string | undefined {
  if (link.startsWith(SOURCES)) {
    const [file] = link.slice(SOURCES.length).split('#');
    return existsSync(join(root, file!)) ? undefined : 'no such file in the repository';
  }
  if (/^([a-z]+:)?\/\/|^(data|mailto):/.test(link)) return undefined;
  const { pathname, hash } = new URL(link, `http://localhost${path}`);
  const file = fileOf(pathname);
  if (!file) return 'no such page';
  if (!hash || !file.endsWith('.html')) return undefined;
  const ids = attributes(readFileSync(file, 'utf8'), 'id');
  return ids.includes(decodeURIComponent(hash.slice(1))) ? undefined : 'no such place in the page';
}

test('there are pages', () => {
  expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(['/', '/learn/race', '/reference/lockwork/']));
});

test.each(pages)('$path links to what exists', ({ path, html }) => {
  const links = [...attributes(html, 'href'), ...attributes(html, 'src')];
  expect(links.length).toBeGreaterThan(0);
  const faults = [...new Set(links)].flatMap((link) => {
    const found = fault(path, link);
    return found ? `${link}: ${found}` : [];
  });
  expect(faults).toEqual([]);
});
