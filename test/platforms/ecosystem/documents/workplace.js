/** A folder of a newcomer's, outside of the clone. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packed = fileURLToPath(new URL('../../../../build/ecosystem/', import.meta.url));
/** The package as it would be published. */
export const tarball = join(
  packed,
  readdirSync(packed).find((file) => file.endsWith('.tgz')),
);

/** A new folder, which is gone with this process. */
export function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'lockwork-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Calls a command there, and answers what it prints. */
export const call = (cwd, command, ...args) => execFileSync(command, args, { cwd, encoding: 'utf8' });

/** `npm install`, out of the cache where that has it. */
export const install = (cwd, ...packages) =>
  call(cwd, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages);
