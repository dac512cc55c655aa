/** The sources, with a mark at the line where each thread stands. */
import { element } from '../element.ts';
import { badge } from './badge.ts';

/** More are shown around the threads only. */
const MOST_LINES = 60;
const AROUND = 5;

/** @param stands for each thread the file and the line, as `lock.ts:24` */
export function sourceOf(sources: Readonly<Record<string, string>>, stands: readonly (string | undefined)[]): Node[] {
  const files = Object.entries(sources).map(([file, text]) => ({ file, lines: text.trimEnd().split('\n') }));
  const whole = files.flatMap(({ lines }) => lines).length <= MOST_LINES;
  return files.flatMap(({ file, lines }) => {
    const threadsAt = (line: number) => [...stands.keys()].filter((t) => stands[t] === `${file}:${line}`);
    const near = (line: number): boolean =>
      stands.some((stand) => {
        const [name, at] = stand?.split(':') ?? [];
        return name === file && Math.abs(Number(at) - line) <= AROUND;
      });
    const shown = [...lines.keys()].filter((i) => whole || near(i + 1));
    if (shown.length === 0) return [];
    const rows = shown.map((i) => {
      const threads = threadsAt(i + 1);
      const row = element(
        'span',
        { className: 'line' },
        element('i', {}, String(i + 1)),
        element('span', { className: 'marks' }, ...threads.map(badge)),
        `${lines[i]}\n`,
      );
      row.classList.toggle('stands', threads.length > 0);
      row.classList.toggle('gap', i > 0 && !shown.includes(i - 1));
      return row;
    });
    return [element('strong', {}, file), element('code', {}, ...rows)];
  });
}
