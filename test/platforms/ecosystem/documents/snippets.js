/** Named snippets of a document: "```js pool", and the name of the file in a comment as the first line. */
import { readFileSync } from 'node:fs';

const FENCE = /^```(\w+(?: \w+)?)\n(?:\/\/ (\S+)\n)?(.*?)^```$/gms;

/** `{ fence, name, code }` of each snippet, in their order. */
export function snippetsOf(document) {
  const text = readFileSync(new URL(`../../../../${document}`, import.meta.url), 'utf8');
  return [...text.matchAll(FENCE)].map(([, fence, name, code]) => ({ fence, name, code }));
}
