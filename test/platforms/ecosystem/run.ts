import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname, join } from 'node:path';
import type { Case } from './case.ts';
import { start } from './servers.ts';
import { folder } from './tools.ts';

/** What Node warns of when listeners are added again and again, as by a module that is evaluated for every test file. */
const LEAK = 'MaxListenersExceededWarning';

/** How a case tells what the table says beside that it works. */
const NOTE = /^note: (.*)$/m;

export interface Outcome {
  /** What it printed, and why that is a failure; nothing when it works. */
  failure: string;
  note: string | undefined;
}

/** Runs a case of a group with the Node at a path. */
export async function outcomeOf(node: string, group: string, { args, bound = 60_000, server }: Case): Promise<Outcome> {
  await using served = server && (await start(server));
  const env = {
    ...process.env,
    NO_COLOR: '1',
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    ...served?.env,
  };
  // A process group of its own: what a tool has started ends with it.
  const child = spawn(node, args, { cwd: join(folder, group), env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let late = '';
  const timer = setTimeout(() => {
    late = `, after the ${bound} ms that it may take`;
    process.kill(-child.pid!, 'SIGKILL');
  }, bound);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      printed += data;
    });
  }
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  const works = code === 0 && !printed.includes(LEAK);
  return {
    failure: works ? '' : `${printed}\nit ended with ${signal ?? `code ${code}`}${late}`,
    note: NOTE.exec(printed)?.[1],
  };
}
