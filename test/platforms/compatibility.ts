/** docs/compatibility.md, whose tables are written by the programs that find out what is in them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './runtimes/bundle.ts';

const file = join(root, 'docs/compatibility.md');

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
export function writeTable(name: string, text: string): void {
  const page = readFileSync(file, 'utf8');
  const [before, , after] = page.split(new RegExp(`(?<=<!-- ${name} -->\n)([^]*)(?=<!-- /${name} -->)`));
  if (after === undefined) throw new Error(`${file} has no place for ${name}`);
  writeFileSync(file, `${before}${text}\n${after}`);
}
