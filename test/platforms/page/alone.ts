/** The script of the page /alone of ../browsers/pages.ts, and of its worker: says which checks pass in both. */
import './hidden.ts';
import { CHECKS } from './checks.ts';

const said: Record<string, string> = {};
for (const [name, check] of Object.entries(CHECKS)) {
  try {
    await check();
    said[name] = 'passed';
  } catch (error) {
    said[name] = `${error}`;
  }
}

if (typeof window === 'undefined') postMessage(said);
else {
  const worker = new Worker('/test/platforms/page/alone.ts', { type: 'module' });
  const theirs = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve({ error: message });
  });
  new BroadcastChannel(location.pathname).postMessage({ page: said, worker: theirs });
}
