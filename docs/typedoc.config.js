/** The reference: what is exported, out of the comments of the sources, as pages of the site. A lack of one is an error. */
import { OptionDefaults } from 'typedoc';

const at = (path) => new URL(path, import.meta.url).pathname;

/** @type {Partial<import('typedoc').TypeDocOptions> & import('typedoc-plugin-markdown').PluginOptions} */
export default {
  entryPoints: ['index.ts', 'inspect/index.ts', 'wasm/index.ts'].map((file) => at(`../bindings/${file}`)),
  tsconfig: at('../tsconfig.build.json'),
  out: at('reference'),
  docsRoot: at('.'),
  plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme'],
  readme: 'none',
  membersWithOwnFile: ['Class', 'Function'],
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  blockTags: [...OptionDefaults.blockTags, '@ts-ignore'],
  // The branches of types that ask which types the program knows.
  intentionallyNotDocumented: [
    'Memory.__type.WebAssembly',
    'Memory.__type.WebAssembly.__type.Memory',
    'Memory.__type.WebAssembly.__type.Memory.__type.prototype',
    'SharedArray.__type.[toStringTag]',
    'Signal.__type.AbortSignal',
    'Signal.__type.AbortSignal.__type.prototype',
  ].map((name) => `lockwork.${name}`),
  intentionallyNotExported: ['Plain', 'Any', 'Use'],
  requiredToBeDocumented: [...OptionDefaults.requiredToBeDocumented, 'Constructor'],
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  treatWarningsAsErrors: true,
  logLevel: 'Warn',
};
