import type { Result } from './report.ts';
import { notHere, type Runtime } from './runtimes.ts';

/** What came of every file on a runtime; or why there is nothing. */
export type Column = ReadonlyMap<string, Result> | Error;

/** What a runtime failed at, a text each. */
export function failuresOf(runtime: Runtime, column: Column, files: readonly string[]): string[] {
  if (column instanceof Error) return [`${runtime}: not to be had\n${column.message}`];
  return [...new Set([...files, ...column.keys()])].flatMap((file) => {
    if (notHere(runtime, file).whole) return [];
    const { failures } = column.get(file) ?? { failures: ['it was not run, and nothing says why'] };
    return failures.map((failure) => `${runtime}: ${file}: ${failure}`);
  });
}

/** A Markdown table: a row for all, and for each file, a column for each runtime, and below it the reasons for what is not run. */
export function matrix(columns: ReadonlyMap<Runtime, Column>, files: readonly string[]): string {
  const notes: string[] = [];
  const note = (reason: string): string => {
    if (!notes.includes(reason)) notes.push(reason);
    return `<sup>${notes.indexOf(reason) + 1}</sup>`;
  };
  const cell = (runtime: Runtime, column: Column, file: string): string => {
    const { reasons, whole } = notHere(runtime, file);
    const marks = reasons.map(note).join(' ');
    if (whole) return `– ${marks}`;
    const result = column instanceof Error ? undefined : column.get(file);
    if (!result) return '**missing**';
    const { passed, tests, failures } = result;
    const share = `${passed}/${tests}`;
    return [failures.length ? `**${share}**` : share, marks].filter(Boolean).join(' ');
  };
  const all = (column: Column): string => {
    if (column instanceof Error) return '**missing**';
    const results = [...column.values()];
    const sum = (of: 'passed' | 'tests') => results.reduce((sum, result) => sum + result[of], 0);
    return `${sum('passed')}/${sum('tests')}`;
  };
  const row = (...cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row('passed / tests', ...columns.keys()),
    row('---', ...[...columns.keys()].map(() => '---')),
    row('all', ...[...columns.values()].map(all)),
    ...files.map((file) => row(file, ...[...columns].map(([runtime, column]) => cell(runtime, column, file)))),
    '',
    ...notes.map((reason, index) => `${index + 1}. not here: ${reason}`),
  ].join('\n');
}
