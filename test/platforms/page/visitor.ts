/** The script of the pages of ../browsers/pages.ts: says what came of using lockwork there. */
import './hidden.ts';
import { Lock } from 'lockwork';

const said: Record<string, unknown> = { isolated: crossOriginIsolated };
try {
  said.acquired = new Lock().tryAcquire();
} catch (error) {
  Object.assign(said, { name: (error as Error).name, message: (error as Error).message });
}
new BroadcastChannel(location.pathname).postMessage(said);
