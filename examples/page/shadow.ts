import css from './tools.css?inline';

/** Puts a tool into an element, in a shadow tree with a style sheet of its own. Answers a function that takes it out again. */
export function shadow(root: HTMLElement, tool: HTMLElement): () => void {
  const host = document.createElement('div');
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  const tree = host.attachShadow({ mode: 'open' });
  tree.adoptedStyleSheets = [sheet];
  tree.append(tool);
  root.append(host);
  return () => host.remove();
}
