/** What a page's worker has, or can do without, of the modules of Node that test files import. */

/** Of `node:util`, for messages. */
export function inspect(value: unknown): string {
  try {
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** Of `node:worker_threads`: what is posted to one port can be received at the other at once. */
export class MessageChannel {
  readonly port1 = { postMessage: (message: unknown) => this.port2.push(structuredClone(message)), close() {} };
  readonly port2: unknown[] = [];
}

export function receiveMessageOnPort(port: unknown[]): { message: unknown } | undefined {
  return port.length ? { message: port.shift() } : undefined;
}

const notHere = (): never => {
  throw new Error('there is no such thing in a page');
};

const { BroadcastChannel: Channel } = globalThis;

export {
  Channel as BroadcastChannel,
  notHere as execFileSync,
  notHere as once,
  notHere as spawn,
  notHere as spawnSync,
  notHere as Worker,
};
