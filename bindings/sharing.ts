import { ThreadingError, UnsupportedError } from './errors.ts';
import { outdated } from './host.ts';
import { show } from './validate.ts';

/** Whether this platform has shared memory, and whether other threads can get it. */

/**
 * Whether memory reaches no other thread, as in a page that is not cross-origin isolated. Platforms hide this name then;
 * `crossOriginIsolated` does not tell, since some share without (Chromium by a policy or a switch, Node).
 */
const alone = /* @__PURE__ */ (() => typeof SharedArrayBuffer !== 'function')();

/** The class of shared buffers, which WebAssembly makes also where its name is hidden; nothing where there are none. */
export const SharedBuffer = /* @__PURE__ */ ((): SharedArrayBufferConstructor | undefined => {
  if (!alone) return SharedArrayBuffer;
  try {
    const { buffer } = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true });
    // Platforms without threads do not know the option, or refuse it.
    return buffer instanceof ArrayBuffer
      ? undefined
      : ((buffer as SharedArrayBuffer).constructor as SharedArrayBufferConstructor);
  } catch {
    return undefined;
  }
})();

const NOT_ISOLATED =
  'this page is not cross-origin isolated. Serve it from https or localhost, with the headers "Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp"';

/** What the platform must have: shared memory, and WebAssembly. */
export function checkPlatform(): void {
  if (typeof WebAssembly !== 'object') {
    throw new UnsupportedError('lockwork needs WebAssembly, which this platform does not have');
  }
  if (outdated) throw new UnsupportedError('lockwork needs Node 20.16, 22.3 or a newer one');
  if (!SharedBuffer) throw new UnsupportedError(`lockwork needs SharedArrayBuffer, and ${NOT_ISOLATED}`);
}

/** Throws where memory reaches no other thread. */
export function checkReach(what: string): void {
  if (alone) throw new UnsupportedError(`${what}, since ${NOT_ISOLATED}`);
}

/** What `console.log` shows, where an object has it. */
const SHOWN = ['locked', 'owner', 'value', 'isSet', 'parties', 'waiting', 'broken', 'waiters', 'used', 'capacity'];

/** What Node, Bun and Deno call to show one. Made by a call, as `Scoped` is. */
const Shown = /* @__PURE__ */ (() => {
  abstract class Shown {
    [Symbol.for('nodejs.util.inspect.custom')](): string {
      const it = this as unknown as Record<string, unknown>;
      try {
        const facts = SHOWN.map((name) => [name, it[name]] as const).filter(([, value]) => value !== undefined);
        return `${this} { ${facts.map(([name, value]) => `${name}: ${show(value)}`).join(', ')} }`;
      } catch (error) {
        // A proxy has no private fields, and Node calls this of one, too.
        return error instanceof ThreadingError ? `${this} { destroyed: true }` : String(it.kind);
      }
    }
  }
  return Shown;
})();

/** What a message may carry: its own enumerable fields are its handle. */
export abstract class Postable extends Shown {
  /** What it is: the name of its class. */
  abstract readonly kind: string;

  /** @internal */
  constructor() {
    super();
    // The field that a structured clone reads first, before the platform refuses the memory without such advice.
    if (alone) Object.defineProperty(this, 'shared', { enumerable: true, get: refusePosting });
  }

  override toString(): string {
    return this.kind;
  }

  /** What JSON has of it: its handle, with a text that names it in place of the memory, which no other process can have. */
  toJSON(): object {
    return { ...this, memory: `${this}: it cannot leave its process` };
  }
}

function refusePosting(this: Postable): void {
  checkReach(`${this}: it cannot be posted`);
}
