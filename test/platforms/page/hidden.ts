/**
 * Shared memory as Safari hides it from a page that is not isolated. The switch that WebKitGTK needs
 * (../browsers/provider.ts) gives it to every page.
 */
if (!crossOriginIsolated) Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
