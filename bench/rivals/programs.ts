/** Programs of their own: other languages, and Node with other flags or globals. */
import { spawnSync } from 'node:child_process';
import { isNewer, path } from '../harness/files.ts';
import type { Command } from '../harness/outside.ts';

export const V8: Command = {
  name: 'V8 with --harmony-struct',
  words: () => [process.execPath, '--harmony-struct', path('bench/rivals/v8.ts')],
};
export const GLIBC: Command = { name: 'glibc pthreads', words: () => [compile()] };
export const PYTHON: Command = { name: 'Python threading', words: () => ['python3', path('bench/rivals/python.py')] };
export const MULTITHREADING: Command = {
  name: 'multithreading',
  words: () => [process.execPath, path('bench/rivals/multithreading.ts')],
};

const C_SOURCES = ['pthread.c', 'pthread-programs.c'].map((name) => path(`bench/rivals/${name}`));
const C_HEADER = path('bench/rivals/pthread.h');
const C_BINARY = path('build/pthread');

function compile(): string {
  if (isNewer(C_BINARY, C_HEADER, ...C_SOURCES)) return C_BINARY;
  const { error, status, stderr } = spawnSync('cc', ['-O2', '-pthread', ...C_SOURCES, '-o', C_BINARY], {
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status) throw new Error(stderr);
  return C_BINARY;
}
