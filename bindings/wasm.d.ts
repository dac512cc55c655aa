/** The published core, inlined by the bundler in hexadecimal. */
declare module '*.wasm' {
  const text: string;
  export default text;
}
