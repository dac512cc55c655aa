/** The script of the page /live-alone of ../browsers/pages.ts: what the live view shows in a page that is not isolated. */
import { mount } from '../../../examples/page/live/index.ts';

const end = mount(document.documentElement);
const shown = document.documentElement.lastElementChild!.shadowRoot!;
new BroadcastChannel(location.pathname).postMessage({
  isolated: crossOriginIsolated,
  text: shown.textContent,
  buttons: shown.querySelectorAll('button').length,
});
end();
