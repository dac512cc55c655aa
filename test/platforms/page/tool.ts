/** The scheduler or the live view in a page of a test, as a visitor has it. */
import { expect } from 'vitest';

export interface Tool {
  readonly tree: ShadowRoot;
  readonly root: HTMLElement;
  all<E extends Element = HTMLElement>(selector: string): E[];
  one<E extends Element = HTMLElement>(selector: string): E;
  text(selector: string): string;
  /** The visible button with this text in it. */
  button(text: string): HTMLButtonElement;
  press(key: string): void;
  end(): void;
}

export function open(mount: (root: HTMLElement) => () => void, width = 800): Tool {
  const root = document.createElement('div');
  root.style.width = `${width}px`;
  document.body.append(root);
  const unmount = mount(root);
  const tree = root.firstElementChild!.shadowRoot!;
  const all = <E extends Element>(selector: string) => [...tree.querySelectorAll<E>(selector)];
  const one = <E extends Element>(selector: string): E => {
    const [found] = all<E>(selector);
    if (!found) throw new Error(`there is no ${selector}`);
    return found;
  };
  return {
    tree,
    root,
    all,
    one,
    text: (selector) => one(selector).textContent!,
    button(text) {
      const found = all<HTMLButtonElement>('button').find((it) => !it.hidden && it.textContent.includes(text));
      if (!found) throw new Error(`there is no button “${text}”`);
      return found;
    },
    press: (key) =>
      (tree.activeElement ?? one('.tool')).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })),
    end() {
      unmount();
      root.remove();
    },
  };
}

/** Nothing sticks out at the side, and each control has a name and can be reached by keyboard. */
export function checkForm({ root, all }: Tool): void {
  const right = root.getBoundingClientRect().right;
  const controls = all<HTMLButtonElement | HTMLInputElement | HTMLSelectElement>('button, input, select');
  for (const element of [...controls, ...all('p, table, pre, svg, details')])
    expect(element.getBoundingClientRect().right, element.outerHTML).toBeLessThanOrEqual(right + 1);
  expect(controls.length).toBeGreaterThan(3);
  for (const control of controls) {
    expect(control.disabled).toBe(false);
    expect(control.tabIndex).toBe(0);
    expect(control.ariaLabel || control.textContent || control.labels?.[0]?.textContent).toMatch(/\w/);
  }
  // Whatever scrolls can be scrolled by keyboard.
  for (const pre of all('pre')) expect(pre.tabIndex).toBe(0);
}
