/** What is to hold of the figures. */
import type { Row } from './measure.ts';

export interface Claim {
  text: string;
  /** Nothing when this machine lacks a rival. */
  ratio(rows: Row[]): Ratio | undefined;
  holds(ratio: number): boolean;
}

interface Ratio {
  ratio: number;
  /** Where it is worst. */
  at?: string;
}

export interface Verdict extends Partial<Ratio> {
  text: string;
  holds?: boolean;
}

/** Every row of ours beside the rival's in its group: the worst of them decides. */
interface Comparison {
  ours: string | string[];
  /** Default: whichever of the others is best. */
  theirs?: string;
  text?: string;
  /** In which groups; default: all there are. */
  groups?: (string | undefined)[];
  /** What is compared; default: the medians. */
  figure?: (row: Row) => number;
}

const BEST = 'the best of the others';

export function atMost(bound: number, comparison: Comparison): Claim {
  const { ours, theirs = BEST, text = `${ours} takes at most ${bound} times as long as ${theirs}` } = comparison;
  return {
    text,
    ratio: (rows) => ratios(rows, comparison, (ours, theirs) => ours / theirs).at(-1),
    holds: (ratio) => ratio <= bound,
  };
}

export function atLeast(bound: number, comparison: Comparison): Claim {
  const { ours, theirs = BEST, text = `${ours} is at least ${bound} times as fast as ${theirs}` } = comparison;
  return {
    text,
    ratio: (rows) => ratios(rows, comparison, (ours, theirs) => theirs / ours).at(0),
    holds: (ratio) => ratio >= bound,
  };
}

/** The least first. */
function ratios(rows: Row[], comparison: Comparison, ratio: (ours: number, theirs: number) => number): Ratio[] {
  const { ours, theirs, groups, figure = (row: Row) => row.median } = comparison;
  return rows
    .filter(({ name, group }) => [ours].flat().includes(name) && (groups?.includes(group) ?? true))
    .flatMap((row) => {
      const rivals = rows.filter((it) => it.group === row.group && (theirs ? it.name === theirs : !it.ours));
      const at = Array.isArray(ours) ? row.name : row.group;
      const best = Math.min(...rivals.map(figure));
      return rivals.length ? { ratio: ratio(figure(row), best), ...(at && { at }) } : [];
    })
    .sort((a, b) => a.ratio - b.ratio);
}

/** That one of ours stays within so many ms. */
export function within(milliseconds: number, name: string, text: string): Claim {
  return {
    text: `${text}: ms, at most ${milliseconds}`,
    ratio: (rows) => ({ ratio: rows.find((row) => row.name === name)!.median / 1e6 }),
    holds: (measured) => measured <= milliseconds,
  };
}

export function check(claims: Claim[], rows: Row[]): Verdict[] {
  return claims.map(({ text, ratio, holds }) => {
    const measured = ratio(rows);
    return { text, ...(measured && { ...measured, holds: holds(measured.ratio) }) };
  });
}
