/** A page that is not cross-origin isolated shares memory with no other thread: what works within it, and within its worker. */
import { describe, expect, it } from 'vitest';
import { CHECKS } from './checks.ts';
import { visit } from './visit.ts';

describe('A thread that shares memory with no other one', () => {
  let visited: Promise<unknown> | undefined;

  for (const where of ['page', 'worker']) {
    it.each(Object.keys(CHECKS))(`${where}: %s`, async (name) => {
      visited ??= visit('/alone');
      expect(await visited).toMatchObject({ [where]: { [name]: 'passed' } });
    });
  }
});
