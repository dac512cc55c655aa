/** What the script of one of the pages of ../browsers/pages.ts says there. */
export async function visit(path: string): Promise<unknown> {
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
