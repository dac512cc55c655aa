import { runAll, sections } from './page.ts';

const all = sections();
document.querySelector('main')!.append(...all.map(({ element }) => element));
await runAll(all);
