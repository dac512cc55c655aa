/** Servers that a case talks to. Each is for one case: on a socket in a folder of its own, and gone afterwards. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from '../apt.ts';
import { onPath } from '../browsers/find.ts';
import { keep } from './keep.ts';

/** The programs, by the package of Debian that brings them. */
const PROGRAMS = { 'redis-server': ['redis-server'], postgresql: ['initdb', 'postgres'] };
/** Both say so. */
const READY = /ready to accept connections/i;

export interface Served extends AsyncDisposable {
  /** How a case finds it. */
  env: Record<string, string>;
}

export type ServerName = keyof typeof SERVERS;

const SERVERS = { redis, postgres };

const find = (program: string) => onPath(program) ?? globSync(`/usr/lib/postgresql/*/bin/${program}`).at(-1);

const missing = () => Object.entries(PROGRAMS).flatMap(([name, programs]) => (programs.every(find) ? [] : [name]));

/** Installs what is missing; throws what to do where that is not possible. */
export function installServers(): void {
  if (missing().length && onPath('apt-get')) installPackages(missing());
  if (missing().length) {
    const names = missing().join(' ');
    throw new Error(`The servers of docs/beyond.md are missing. Debian and Ubuntu: apt-get install ${names}`);
  }
}

export const start = (name: ServerName): Promise<Served> => SERVERS[name](mkdtempSync(join(tmpdir(), 'lockwork-')));

async function redis(folder: string): Promise<Served> {
  const socket = join(folder, 'socket');
  const options = ['--port', '0', '--unixsocket', socket, '--save', ''];
  const kept = await keep(folder, [find('redis-server')!, ...options], READY);
  return { ...kept, env: { REDIS_URL: socket } };
}

async function postgres(folder: string): Promise<Served> {
  // It refuses to be run by root.
  const root = process.getuid?.() === 0;
  if (root) execFileSync('chown', ['postgres', folder]);
  const as = root ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  const data = join(folder, 'data');
  const create = ['--pgdata', data, '--username', 'postgres', '--auth', 'trust', '--no-sync', '--no-locale'];
  const [program, ...args] = [...as, find('initdb')!, ...create];
  execFileSync(program!, args, { cwd: folder, stdio: 'pipe', timeout: 60_000 });
  const options = ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'];
  const kept = await keep(folder, [...as, find('postgres')!, ...options], READY);
  return { ...kept, env: { PGHOST: folder, PGUSER: 'postgres', PGDATABASE: 'postgres' } };
}
