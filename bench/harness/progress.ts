/** What stderr says while something runs. */
import { styleText } from 'node:util';

/** Of a topic, by its place: on a terminal in one line that goes on. */
export function progress(place: string): (step: string) => void {
  const { stderr } = process;
  if (stderr.isTTY) return (step) => stderr.write(`\r\x1b[K${styleText('dim', step && `${place}, ${step}`)}`);
  stderr.write(`${place} …\n`);
  return () => {};
}
