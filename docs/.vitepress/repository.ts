/** The address of the repository, which package.json tells. */
import { readFileSync } from 'node:fs';

const { repository: told } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

export const repository: string = told.url.replace(/^git\+|\.git$/g, '');
