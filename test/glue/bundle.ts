/** The bindings as tsup builds them, but in milliseconds, in memory, and with any file changed. */

import { fileURLToPath } from 'node:url';
import { type BuildContext, context } from 'esbuild';
import { core, SYNTAX, TARGET } from '../../tsup.config.ts';

export const BINDINGS = fileURLToPath(new URL('../../bindings/', import.meta.url));

export type Format = 'esm' | 'cjs';

/** Builds the bindings again and again; only what has changed since is parsed anew. */
export class Bundler {
  readonly #changed = new Map<string, string>();
  readonly #contexts: Record<Format, Promise<BuildContext>>;

  constructor() {
    this.#contexts = { esm: this.#context('esm'), cjs: this.#context('cjs') };
  }

  /**
   * @param changed files of bindings/ with the text to take in place of theirs
   * @param prelude goes before everything
   */
  async bundle(changed: ReadonlyMap<string, string> = new Map(), prelude = ''): Promise<Record<Format, string>> {
    this.#changed.clear();
    for (const [file, text] of changed) this.#changed.set(BINDINGS + file, text);
    const build = async (format: Format): Promise<string> => {
      const { outputFiles } = await (await this.#contexts[format]).rebuild();
      return prelude + outputFiles![0]!.text;
    };
    return { esm: await build('esm'), cjs: await build('cjs') };
  }

  async close(): Promise<void> {
    for (const context of Object.values(this.#contexts)) await (await context).dispose();
  }

  #context(format: Format): Promise<BuildContext> {
    return context({
      ...TARGET,
      ...SYNTAX,
      entryPoints: [`${BINDINGS}index.ts`],
      bundle: true,
      write: false,
      format,
      logLevel: 'silent',
      plugins: [
        core,
        {
          name: 'changed',
          setup: ({ onLoad }) => {
            onLoad({ filter: /\/bindings\/.*\.ts$/ }, ({ path }) => {
              const contents = this.#changed.get(path);
              return contents === undefined ? undefined : { contents, loader: 'ts' };
            });
          },
        },
      ],
    });
  }
}
