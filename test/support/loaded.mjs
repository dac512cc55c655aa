/** Says to a page that a worker is there, before the module under test is evaluated: everything is loaded by then. */
if (!globalThis.process) postMessage('loaded');
