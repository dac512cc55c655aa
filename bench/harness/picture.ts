/**
 * A bar chart of what was measured: ratios to the baseline. It carries its own colours, for a light and a dark page.
 * Drawn by hand: what draws charts outside a browser is many times the size of lockwork.
 */
import type { Row } from './measure.ts';

export interface Chart {
  title: string;
  baseline: string;
  rows: Row[];
}

const WIDTH = 760;
/** Of the names. */
const MARGIN = 290;
/** Of the figures behind the bars. */
const FIGURES = 140;
const ROW = 22;
const HEAD = 52;
/** The longest bar: one that is many times as long would leave the others too short to compare. */
const LIMIT = 10;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .note { fill: #656d76 }
  rect { fill: #afb8c1 }
  .ours { fill: #0969da }
  line { stroke: #656d76; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note { fill: #8d96a0 }
    rect { fill: #57606a }
    .ours { fill: #4493f8 }
  }`;

/** One below the other. */
export function draw(charts: Chart[]): string {
  const parts: string[] = [];
  let top = 0;
  for (const chart of charts) {
    parts.push(...bars(chart, top));
    top += HEAD + chart.rows.length * ROW + ROW;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img">
<title>What lockwork and others take, as ratios</title>
<style>${STYLE}
</style>
${parts.join('\n')}
</svg>
`;
}

function bars({ title, baseline, rows }: Chart, top: number): string[] {
  const longest = Math.min(LIMIT, Math.max(...rows.map(({ ratio }) => ratio)));
  const scale = (WIDTH - MARGIN - FIGURES) / longest;
  const first = top + HEAD;
  const one = (MARGIN + scale).toFixed(1);
  return [
    text(0, top + 18, title, 'title'),
    text(
      0,
      top + 37,
      `times ${baseline}, the dashed line; shorter is faster${longest === LIMIT ? '; cut bars are longer' : ''}`,
      'note',
    ),
    `<line x1="${one}" x2="${one}" y1="${first}" y2="${first + rows.length * ROW - 2}"/>`,
    ...rows.flatMap(({ name, ours, ratio, median }, i) => {
      const y = first + i * ROW;
      const width = Math.min(ratio, longest) * scale;
      const bar = (from: number, to: number) =>
        `<rect${ours ? ' class="ours"' : ''} x="${(MARGIN + from).toFixed(1)}" y="${y + 2}" width="${(to - from).toFixed(1)}" height="${ROW - 6}" rx="2"/>`;
      return [
        text(MARGIN - 8, y + 14, name, 'name', 'end'),
        ...(ratio > longest ? [bar(0, width - 30), bar(width - 25, width)] : [bar(0, width)]),
        text(MARGIN + width + 6, y + 14, `${ratio.toFixed(2)} · ${median.toFixed(1)} ns`, 'note'),
      ];
    }),
  ];
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;' };

function text(x: number, y: number, content: string, kind: string, anchor = 'start'): string {
  const escaped = content.replace(/[&<]/g, (character) => ENTITIES[character]!);
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
