import { reactive, ref, shallowRef } from 'vue';
import { check, make } from './check.js';

const made = make();
for (const kept of [ref(made).value, reactive(made), shallowRef(made).value]) await check(made, kept);
// Alone, too.
const { lock } = made;
await check(made, { ...made, lock: ref(lock).value });
await check(made, { ...made, lock: reactive(lock) });
