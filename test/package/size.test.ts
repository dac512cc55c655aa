/** What each import costs, as docs/internals/performance.md tells it: the documents keep to the package, and both to the budget. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IMPORTS, kilobytes, partsOf, sizeOf } from '../../bench/size.ts';

const text = readFileSync(new URL('../../docs/internals/performance.md', import.meta.url), 'utf8');

/** The lines of the table that has this in its head. */
function rowsBelow(head: string): string[][] {
  const lines = text.slice(text.indexOf(head)).split('\n\n')[0]!.split('\n').slice(2);
  return lines.map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

/** What compressors of other versions may differ by, kB. */
const EXACT = 0.2;

describe('An import', () => {
  const rows = rowsBelow('| import, kB |');

  it('of every kind is in the table', () => {
    expect(rows.map(([name]) => name)).toEqual(Object.keys(IMPORTS));
  });

  it.each(rows)(
    '%s takes what the documents say, and no more than its budget',
    async (name, _minified, told, budget) => {
      const { gzip } = await sizeOf(IMPORTS[name!]!);
      expect(Math.abs(gzip / 1_000 - Number(told))).toBeLessThanOrEqual(EXACT);
      expect(gzip / 1_000).toBeLessThanOrEqual(Number.parseFloat(budget!));
    },
  );
});

describe('The parts of an import', () => {
  it('are those of the table, and all modules are in one of them', async () => {
    const told = rowsBelow('| part, kB |').map(([part, ...figures]) => [part, figures] as const);
    const imports = ['Event', 'Lock', 'everything'];
    const found = await Promise.all(imports.map(async (name) => new Map(await partsOf(IMPORTS[name]!.program))));
    const parts = new Set(found.flatMap((all) => [...all.keys()]));
    expect([...parts].sort()).toEqual(told.map(([part]) => part!).sort());
    for (const [part, figures] of told) {
      const real = found.map((all) => kilobytes(all.get(part!) ?? 0));
      for (const [i, figure] of figures.entries()) {
        expect(Math.abs(Number(figure) - Number(real[i])), `${part} of ${imports[i]}`).toBeLessThanOrEqual(EXACT);
      }
    }
  });
});
