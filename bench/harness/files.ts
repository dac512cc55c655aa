/** Files of the repository. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Of a path from its root. */
export const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** Whether a file is there, and newer than what it is made of. */
export function isNewer(made: string, ...sources: string[]): boolean {
  const time = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return time(made) > Math.max(...sources.map(time));
}
