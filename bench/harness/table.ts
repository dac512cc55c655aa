/** What is printed of the figures. */
import { styleText } from 'node:util';
import type { Verdict } from './claims.ts';
import type { Row } from './measure.ts';
import type { Topic } from './topic.ts';

export function table({ title, baseline, columns = [] }: Topic, rows: Row[]): string {
  const widths = [38, 13, 27, 9, ...columns.map(() => 14)];
  const lines = [
    styleText('bold', title),
    styleText('dim', align(['', 'median', 'quartiles', 'ratio', ...columns.map(({ name }) => name)], widths)),
  ];
  let last: string | undefined;
  for (const { name, group, ours, median, lower, upper, ratio, more } of rows) {
    if (group !== last) lines.push(styleText('dim', `${group}:`));
    last = group;
    const cells = [name, number(median), `${number(lower)} – ${number(upper)}`, ratio.toFixed(2)];
    const text = align([...cells, ...columns.map(({ name, show }) => show(more[name]!))], widths);
    lines.push(ours ? text : styleText('cyan', text));
  }
  const legend = [`ratio: to ${baseline}`, ...columns.map(({ name, note }) => `${name}: ${note}`)];
  legend.push(`rounds: ${rows[0]!.samples.length}`);
  return [...lines, styleText('dim', legend.join('. '))].join('\n');
}

/** A line of a table: the first cell to the left, all others to the right. */
export function align(cells: string[], widths: number[]): string {
  return cells.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('');
}

export function number(ns: number): string {
  if (ns >= 1e6) return `${number(ns / 1e6)} ms`;
  return ns.toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** Of all topics: what holds and what does not. */
export function summary(results: { topic: string; claims: Verdict[] }[]): string {
  const lines = results.flatMap(({ topic, claims }) => claims.map((claim) => `${topic.padEnd(17)}${verdict(claim)}`));
  const held = results.flatMap(({ claims }) => claims).filter(({ holds }) => holds).length;
  return [styleText('bold', `${held} of ${lines.length} claims hold`), ...lines].join('\n');
}

export function verdict({ text, ratio, at, holds }: Verdict): string {
  if (ratio === undefined) return `${styleText('yellow', '?')}  ${text}: not measured, a rival is missing`;
  const mark = holds ? styleText('green', '✓') : styleText('red', '✗');
  return `${mark}  ${text}: ${ratio.toFixed(2)}${at ? ` (${at})` : ''}`;
}
