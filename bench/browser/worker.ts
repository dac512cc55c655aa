/** The worker of a page that measures: told for how long, it posts the rows of each topic. */
import { measure, type Row, type Settings } from '../harness/measure.ts';
import { TOPICS } from './topics.ts';

addEventListener(
  'message',
  async ({ data }: MessageEvent<Settings>) => {
    const results: Row[][] = [];
    for (const { topic } of TOPICS) {
      const { rivals } = await topic.open(false);
      results.push(await measure(rivals, topic.baseline, data, () => {}));
    }
    postMessage(results);
  },
  { once: true },
);
