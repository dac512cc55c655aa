import { expect, it } from 'vitest';
import { commands } from 'vitest/browser';

it('runs the app of docs/browser.md as it stands there', async () => {
  const documentation = await commands.readFile('docs/browser.md');
  const lockwork = new URL('../../../dist/index.js', import.meta.url).href;
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
