/** The site: the pages of docs/ as they stand there, the reference made of the sources, and the programs of examples/. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { compiled } from '../../examples/page/scheduler/compiled.ts';
import { repository } from './repository.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const LEARN: DefaultTheme.SidebarItem[] = [
  { text: 'Threads, tasks, timelines', link: '/learn/' },
  { text: 'A race', link: '/learn/race' },
  { text: 'Lock', link: '/learn/lock' },
  { text: 'RLock', link: '/learn/rlock' },
  { text: 'Semaphore', link: '/learn/semaphore' },
  { text: 'Event', link: '/learn/event' },
  { text: 'Barrier', link: '/learn/barrier' },
  { text: 'Condition', link: '/learn/condition' },
  { text: 'A crash', link: '/learn/crash' },
  { text: 'Be the scheduler', link: '/learn/scheduler' },
  { text: 'Workers at work', link: '/learn/live' },
];

const GUIDE: DefaultTheme.SidebarItem[] = [
  {
    text: 'Guide',
    items: [
      { text: 'The primitives', link: '/primitives' },
      { text: 'Blocking or async', link: '/async' },
      { text: 'Sharing', link: '/sharing' },
      { text: 'Errors', link: '/errors' },
      { text: 'When a thread dies', link: '/death' },
      { text: 'It hangs', link: '/hangs' },
      { text: 'Testing', link: '/testing' },
      { text: 'Recipes', link: '/recipes' },
    ],
  },
  {
    text: 'Where it runs',
    items: [
      { text: 'Node, Bun and Deno', link: '/node' },
      { text: 'Pages', link: '/browser' },
      { text: 'Pools', link: '/pools' },
      { text: 'WebAssembly programs', link: '/wasm' },
      { text: 'TypeScript and CommonJS', link: '/typescript' },
      { text: 'Tasks, threads, processes', link: '/models' },
      { text: 'Beyond one process', link: '/beyond' },
    ],
  },
  { text: 'Coming from', items: [{ text: 'Python', link: '/python' }] },
];

const INTERNALS: DefaultTheme.SidebarItem[] = [
  { text: 'How it works', link: '/how-it-works' },
  { text: 'Design', link: '/internals/design' },
  { text: 'Verification', link: '/internals/verification' },
  { text: 'Performance', link: '/internals/performance' },
  { text: 'Decisions', link: '/internals/decisions' },
];

const reference: DefaultTheme.SidebarItem[] = JSON.parse(readFileSync(at('../reference/typedoc-sidebar.json'), 'utf8'));
/** With groups that are always open: there are few, and one that closes is a button with a link in it. */
const open = (items: DefaultTheme.SidebarItem[]): DefaultTheme.SidebarItem[] =>
  items.map(({ collapsed: _, items, ...item }) => ({ ...item, ...(items && { items: open(items) }) }));

/** GitHub's, so that a link to a place works there and here. */
const slugify = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

export default defineConfig({
  title: 'lockwork',
  description: "Python's threading primitives for JavaScript threads",
  lang: 'en',
  base: process.env.SITE_BASE ?? '/',
  outDir: at('../../build/site'),
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  themeConfig: {
    nav: [
      { text: 'Learn', link: '/learn/', activeMatch: '^/learn/' },
      {
        text: 'Guide',
        link: '/primitives',
        activeMatch:
          '^/(primitives|async|sharing|errors|death|hangs|testing|recipes|node|browser|pools|wasm|typescript|models|beyond|python)$',
      },
      { text: 'Reference', link: '/reference/lockwork/', activeMatch: '^/reference/' },
      { text: 'Internals', link: '/how-it-works', activeMatch: '^/(how-it-works|internals/)' },
      { text: 'Compatibility', link: '/compatibility' },
    ],
    sidebar: {
      '/learn/': [{ text: 'Learn', items: LEARN }],
      '/reference/': open(reference),
      '/internals/': [{ text: 'Internals', items: INTERNALS }],
      '/how-it-works': [{ text: 'Internals', items: INTERNALS }],
      '/': GUIDE,
    },
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: repository }],
    footer: { message: 'MIT license' },
  },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify },
    config(md) {
      // What is not a page of the site is in the repository.
      md.core.ruler.push('repository', ({ tokens, env }) => {
        for (const { children } of tokens) {
          for (const token of children ?? []) {
            const href = token.type === 'link_open' ? token.attrGet('href') : null;
            if (!href || /^([a-z]+:|#|\/)/.test(href)) continue;
            const { pathname, hash } = new URL(href, `file:///docs/${env.relativePath}`);
            if (!pathname.startsWith('/docs/')) token.attrSet('href', `${repository}/blob/main${pathname}${hash}`);
          }
        }
      });
    },
  },
  vite: {
    // The package itself: elsewhere it stands in node_modules, and needs no alias.
    resolve: {
      alias: [
        { find: /^lockwork$/, replacement: at('../../dist/index.js') },
        { find: /^lockwork\/(inspect|wasm)$/, replacement: at('../../dist/$1.js') },
      ],
    },
    worker: { format: 'es' },
    server: { fs: { allow: [at('../..')] } },
    plugins: [
      compiled as never,
      {
        name: 'isolation',
        // Where a host cannot send the headers, a service worker adds them: docs/browser.md.
        generateBundle() {
          const file = at('../node_modules/coi-serviceworker/coi-serviceworker.min.js');
          this.emitFile({ type: 'asset', fileName: 'coi-serviceworker.min.js', source: readFileSync(file) });
        },
        configureServer({ middlewares }) {
          middlewares.use((_request, response, next) => {
            response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
            response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
            next();
          });
        },
      },
    ],
  },
});
