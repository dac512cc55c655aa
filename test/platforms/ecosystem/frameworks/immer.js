import { produce } from 'immer';
import { check, make } from './check.js';

const made = make();
const next = produce({ ...made, count: 0 }, (draft) => {
  draft.count++;
  draft.lock.tryAcquire();
  draft.lock.release();
});
await check(made, next);
