/** What is measured in a page. */
import { atMost, type Claim } from '../harness/claims.ts';
import type { Topic } from '../harness/topic.ts';
import { ATOMICS } from '../rivals/atomics.ts';
import { uncontended } from '../topics/uncontended.ts';
import { wasm } from '../topics/wasm.ts';

export const TOPICS: readonly { topic: Topic; claims: Claim[] }[] = [
  // Where JavaScript's Atomics are as fast as wasm's, a mutex on them is hard to come near to.
  { topic: uncontended, claims: [atMost(2.5, { ours: 'Lock', theirs: ATOMICS })] },
  { topic: wasm, claims: wasm.claims },
];
