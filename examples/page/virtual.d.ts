declare module 'virtual:compiled/classics' {
  const classics: Readonly<Record<string, () => Promise<{ default: import('./scheduler/loaded.ts').Compiled }>>>;
  export default classics;
}

declare module 'virtual:compiled/core' {
  const core: import('./scheduler/loaded.ts').CompiledCore;
  export default core;
}

declare module '*.css?inline' {
  const text: string;
  export default text;
}
