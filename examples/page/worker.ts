/** A thread of a page: performs one part after the other. */
import { type Call, type Posted, perform } from '../part.ts';

/** What it posts: the steps of a part, and then its end. */
export type Answer = Posted | 'ended';

const post = (answer: Answer): void => self.postMessage(answer);

self.onmessage = ({ data }: MessageEvent<Call>) => {
  perform(data, post).then(() => post('ended'), reportError);
};
