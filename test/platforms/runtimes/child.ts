/** The process of one test file: `child.js FILE [NAMES OF TESTS THAT ARE NOT FOR THIS RUNTIME, AS JSON]`. */
import { writeSync } from 'node:fs';
import { runFile } from './harness.ts';

// By itself Bun would go on.
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error) => {
    console.error(error);
    process.exit(1);
  });
}

const [file = '', notHere = '[]'] = process.argv.slice(2);
await runFile(
  file,
  () => import(new URL(`./${file}.js`, import.meta.url).href),
  // Straight to the pipe: what a blocked thread has yet to print would be lost.
  (line) => writeSync(1, `${JSON.stringify(line)}\n`),
  JSON.parse(notHere),
);
process.exit();
