import { expect, it } from 'vitest';

/** The text of a file of the project. */
async function read(path: string): Promise<string> {
  const response = await fetch(new URL(`../../${path}`, import.meta.url));
  expect(response.ok, path).toBe(true);
  return response.text();
}

it('runs the app of docs/browser.md as it stands there', async () => {
  const documentation = await read('docs/browser.md');
  const lockwork = new URL('../../dist/index.js', import.meta.url).href;
  const script = (name: string, worker = ''): string => {
    const [, source] = documentation.split(`\`\`\`js page\n// ${name}\n`);
    const code = source!
      .split('\n```')[0]!
      .replace("'lockwork'", `'${lockwork}'`)
      .replace("new URL('./worker.js', import.meta.url)", `'${worker}'`);
    return URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  };
  await import(/* @vite-ignore */ script('main.js', script('worker.js')));
  expect(document.body.textContent).toBe('100000');
});
