/**
 * wasm: the agents are written in C.
 *
 * `wasm/agency.c` is compiled to WebAssembly. Each thread has an instance of it, all of them one memory, and in that the arena.
 * The agents block on the program's lock. The office is the main thread: where the platform can suspend a program, its
 * part is C, too; elsewhere JavaScript awaits the event that C has made.
 */
import { Arena, type ArenaHandle, Event, type Memory } from 'lockwork';
import { imports } from 'lockwork/wasm';
import {
  between,
  count,
  type Kind,
  mostAtOnce,
  role,
  type Say,
  type Stage,
  type Step,
  sleep,
  type Verdict,
} from './stage.ts';

export const about = 'the same 10 seats, sold by four agents in C';

const AGENTS = ['Ada', 'Ben', 'Cleo', 'Dan'];
/** Each agent's. */
const CUSTOMERS = 4;
/** Bytes of a thread's stack. */
const STACK = 4_096;

/** What the program exports. */
interface Agency {
  __stack_pointer: WebAssembly.Global;
  open_flight(): number;
  sell(): void;
  inform(): void;
}

interface Office {
  module: WebAssembly.Module;
  memory: Memory;
  arena: ArenaHandle;
}

export async function main({ threads }: Stage): Promise<void> {
  const module = await load(new URL('./wasm/agency.wasm', import.meta.url));
  const memory = new WebAssembly.Memory({ initial: 3, maximum: 256, shared: true });
  // Below the program's data.
  const arena = new Arena({ memory, byteOffset: 1_024, byteLength: 64_512 });
  const office = { module, memory, arena };
  const roles = AGENTS.map((name) => role(name, agent, office));
  const full = instance(office, () => {}).open_flight();
  await threads(roles, { name: 'office', run: (say) => inform(office, full, say) });
}

/** What each agent's thread runs. */
export function agent(office: Office, say: Say): void {
  const { sell } = instance(office, say);
  for (let customer = 0; customer < CUSTOMERS; customer++) sell();
}

/** What the main thread does. */
async function inform(office: Office, full: number, say: Say): Promise<void> {
  const { promising } = WebAssembly as { promising?: (call: () => void) => () => Promise<void> };
  if (promising) {
    await promising(instance(office, say, true).inform)();
    return;
  }
  const [address, stamp] = new Int32Array(office.memory.buffer, full, 2) as unknown as [number, number];
  say('waits', 'for the event, in JavaScript');
  await Event.from({ kind: 'Event', memory: office.memory, address, stamp }).waitAsync();
  say('tells', 'the airline: the flight is full');
}

/** An instance of the program for this thread, with a stack of its own. */
function instance({ module, memory, arena: handle }: Office, say: Say, suspend = false): Agency {
  const arena = Arena.from(handle);
  const agency = {
    say: (step: number, seat: number) => say(...steps[step]!(seat)),
    bank: () => sleep(between(35, 65)),
  };
  const program = new WebAssembly.Instance(module, { env: { memory }, agency, ...imports(arena, { suspend }) });
  const exports = program.exports as unknown as Agency;
  exports.__stack_pointer.value = arena.allocate(Uint8Array, STACK).byteOffset + STACK;
  return exports;
}

/** What the numbers of `agency.c` mean. */
const steps: ((seat: number) => [Kind, string])[] = [
  () => ['waits', 'in C'],
  () => ['holds', 'the lock'],
  (seat) => ['books', `seat ${seat}`],
  () => ['refuses', 'the customer: sold out'],
  () => ['releases', 'the lock'],
  () => ['tells', 'the airline: the flight is full'],
];

/** From a file in Node, from the server in a page. */
async function load(url: URL): Promise<WebAssembly.Module> {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): typeof import('node:fs') } };
  const files = process?.getBuiltinModule?.('node:fs');
  return WebAssembly.compile(files ? files.readFileSync(url) : await (await fetch(url)).arrayBuffer());
}

export function verdict(taken: Step[]): Verdict {
  const [sold, refused, most] = [count(taken, 'books'), count(taken, 'refuses'), mostAtOnce(taken)];
  const last = taken.findLastIndex(({ kind }) => kind === 'books');
  const told = taken.findIndex(({ kind }) => kind === 'tells');
  return {
    held: sold === 10 && refused === AGENTS.length * CUSTOMERS - 10 && most === 1 && told > last,
    text: `Four agents in C booked ${sold} seats and refused ${refused} customers, at most ${most} inside; then the office was told.`,
  };
}
