/** The worker of a page that measures: told for how long, it posts the rows. */
import { measure, type Settings } from '../harness/measure.ts';
import { uncontended } from '../topics/uncontended.ts';

addEventListener(
  'message',
  async ({ data }: MessageEvent<Settings>) => {
    const { rivals } = await uncontended.open(false);
    postMessage(await measure(rivals, uncontended.baseline, data, () => {}));
  },
  { once: true },
);
