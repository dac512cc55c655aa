import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const KEEPER = fileURLToPath(new URL('../browsers/keeper.ts', import.meta.url));
/** How long a server may take to say that it is ready (ms). */
const PATIENCE = 60_000;

export interface Kept extends AsyncDisposable {
  /** What it said when it was ready. */
  said: string;
}

/** Starts a server, and waits until it prints this. It ends with this process, however that ends, and its folder with it. */
export async function keep(folder: string, command: readonly string[], ready: RegExp, cwd = folder): Promise<Kept> {
  const keeper = spawn(process.execPath, [KEEPER, folder, ...command], { cwd, stdio: 'pipe' });
  const ended = new Promise<void>((resolve) => keeper.on('close', () => resolve()));
  const stop = (): Promise<void> => {
    keeper.stdin.end();
    return ended;
  };
  const said = await new Promise<string>((resolve, reject) => {
    let printed = '';
    const fail = (why: string) => reject(new Error(`${printed}\n${command.join(' ')} ${why}`));
    const timer = setTimeout(() => void stop().then(() => fail('is not ready in time')), PATIENCE);
    void ended.then(() => fail('ended at once'));
    for (const stream of [keeper.stdout, keeper.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        const [found] = ready.exec(printed) ?? [];
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      });
    }
  });
  return { said, [Symbol.asyncDispose]: stop };
}
