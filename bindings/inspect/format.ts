import { invalidType, show } from '../validate.ts';
import type { Dump, PrimitiveDump, PrimitiveInfo, ThreadDump } from './dump.ts';

const label = ({ kind, name }: PrimitiveInfo): string => (name ? `${kind} ${show(name)}` : kind);

/** The last part of a path or an address. */
const file = (where: string): string => where.replace(/[?#].*/s, '').replace(/.*[\\/](?=.)/s, '');

function thread({ name, id, self, state, where, waitsFor, holds, tasks, stack }: ThreadDump): string[] {
  const who = [show(name), ...(id > 0 ? [`#${id}`] : []), ...(self ? ['(this one)'] : [])];
  const does = waitsFor ? `blocked on ${label(waitsFor)}` : state;
  const held = holds.map((hold) => {
    const times = hold.count > 1 ? `, ${hold.count} times` : '';
    return `    ${hold.task ? 'a task holds' : 'holds'} ${label(hold)}${times}`;
  });
  return [
    `${who.join(' ')} ${does}${where ? `   ${file(where)}` : ''}`,
    ...held,
    ...tasks.map((task) => `    task: ${task.waits} wait${task.waits === 1 ? 's' : ''} for ${label(task)}`),
    ...(stack ? stack.split('\n').map((line) => `    ${line}`) : []),
  ];
}

function primitive(of: PrimitiveDump): string {
  const facts: string[] = [];
  if (of.held !== undefined) facts.push(of.held ? 'held' : 'free');
  if (of.abandoned) facts.push('abandoned');
  if (of.value !== undefined) facts.push(`${of.value} free`);
  facts.push(`${of.waiters} wait${of.waiters === 1 ? 's' : ''}`);
  return `${label(of)}: ${facts.join(', ')}`;
}

/**
 * A dump as text: each thread with what it holds and waits for, and where; each primitive; deadlocks.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 * import { dump, formatDump } from 'lockwork/inspect';
 *
 * new Lock({ name: 'seats' }).acquire();
 * formatDump(dump()).includes('Lock "seats": held'); // true
 * ```
 *
 * @throws TypeError when it is no dump
 */
export function formatDump(dump: Dump): string {
  const { threads, primitives, deadlocks } = (dump ?? {}) as Partial<Dump>;
  if (!Array.isArray(threads) || !Array.isArray(primitives) || !Array.isArray(deadlocks)) {
    throw invalidType(`formatDump: the argument must be what dump() answers, not ${show(dump)}`);
  }
  return [
    ...threads.flatMap(thread),
    ...primitives.map(primitive),
    ...deadlocks.map(({ text }) => `DEADLOCK: ${text}`),
  ].join('\n');
}
