import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { type Rolldown, build as vite } from 'vite';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = "import { NotHeldError } from 'lockwork'; console.log(NotHeldError);";
/** The package is 50 times that, minified. */
const BYTES = 1_100;

const BUNDLERS: Record<string, () => Promise<string>> = {
  async esbuild() {
    const { outputFiles } = await esbuild({
      stdin: { contents: PROGRAM, resolveDir: root },
      bundle: true,
      format: 'esm',
      minify: true,
      write: false,
    });
    return outputFiles[0]!.text;
  },
  async Vite() {
    const built = await vite({
      root,
      configFile: false,
      logLevel: 'error',
      plugins: [
        {
          name: 'program',
          // The package finds itself for what is in its folder only.
          resolveId: (id) => (id === 'program' ? `${root}program.js` : undefined),
          load: (id) => (id === `${root}program.js` ? PROGRAM : undefined),
        },
      ],
      build: { write: false, rolldownOptions: { input: 'program' } },
    });
    const { output } = built as Rolldown.RolldownOutput;
    return output[0].code;
  },
};

it.each(Object.keys(BUNDLERS))('%s keeps of the package what is imported, and nothing beside it', async (bundler) => {
  const code = await BUNDLERS[bundler]!();
  expect(code).toContain('NotHeldError');
  expect(Buffer.byteLength(code)).toBeLessThanOrEqual(BYTES);
});
