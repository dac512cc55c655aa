/** What threads that are traced tell each other. */

interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
  unref?(): void;
}

interface Host {
  BroadcastChannel?: new (name: string) => Channel;
  process?: unknown;
}

/**
 * Tells all other threads that are traced, and hears of them in a turn of the event loop. It must not keep a process alive, so
 * not where a channel always does (Deno).
 */
export class Others<T> {
  readonly #channel: Channel | undefined;

  constructor(take: (message: T) => void) {
    const { BroadcastChannel, process } = globalThis as Host;
    if (!BroadcastChannel || (process && !BroadcastChannel.prototype.unref)) return;
    this.#channel = new BroadcastChannel('lockwork.trace');
    this.#channel.onmessage = ({ data }) => take(data as T);
    // Node holds it anew with each listener.
    this.#channel.unref?.();
  }

  tell(message: T): void {
    this.#channel?.postMessage(message);
  }

  close(): void {
    this.#channel?.close();
  }
}
