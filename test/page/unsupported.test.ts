/** Pages that do not give what lockwork needs: what it says there. */
import { describe, expect, it } from 'vitest';

/** What visitor.ts says in one of the pages of test/browsers/pages.ts. */
async function visit(path: string): Promise<unknown> {
  const channel = new BroadcastChannel(path);
  const said = new Promise((resolve, reject) => {
    channel.addEventListener('message', ({ data }) => resolve(data));
    setTimeout(reject, 20_000, new Error(`${path} said nothing within 20 s`));
  });
  const page = window.open(path);
  try {
    return await said;
  } finally {
    page?.close();
    channel.close();
  }
}

describe('A page', () => {
  it('that is cross-origin isolated works', async () => {
    expect(await visit('/isolated')).toEqual({ isolated: true, acquired: true });
  });

  it('that is not is told the two headers', async () => {
    expect(await visit('/plain')).toEqual({
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

  it('whose Content-Security-Policy allows WebAssembly works', async () => {
    expect(await visit('/strict-but-wasm')).toEqual({ isolated: true, acquired: true });
  });
});
