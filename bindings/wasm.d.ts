/** A published module, inlined by the bundler as `core-text.ts` encodes it. */
declare module '*.wasm' {
  const text: string;
  export default text;
}
