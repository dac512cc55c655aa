/** Pages that do not give what lockwork needs: what it says there. */
import { describe, expect, it } from 'vitest';
import { visit } from './visit.ts';

describe('A page', () => {
  it('that is cross-origin isolated works', async () => {
    expect(await visit('/isolated')).toEqual({ isolated: true, acquired: true });
  });

  it('that is not works, too', async () => {
    expect(await visit('/plain')).toEqual({ isolated: false, acquired: true });
  });

  it('that is not, where WebAssembly does not share either, is told the two headers', async () => {
    expect(await visit('/unshared')).toEqual({
      isolated: false,
      name: 'UnsupportedError',
      message: expect.stringMatching(
        /cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin.*Cross-Origin-Embedder-Policy: require-corp/,
      ),
    });
  });

  it("whose Content-Security-Policy forbids WebAssembly is told of 'wasm-unsafe-eval'", async () => {
    expect(await visit('/strict')).toEqual({
      isolated: true,
      name: 'UnsupportedError',
      message: expect.stringContaining("'wasm-unsafe-eval'"),
    });
  });

  it('that is neither isolated nor allowed WebAssembly is told of the latter', async () => {
    expect(await visit('/plain-and-strict')).toEqual({
      isolated: false,
      name: 'UnsupportedError',
      message: expect.stringContaining("'wasm-unsafe-eval'"),
    });
  });

  it('whose Content-Security-Policy allows WebAssembly works', async () => {
    expect(await visit('/strict-but-wasm')).toEqual({ isolated: true, acquired: true });
  });
});
