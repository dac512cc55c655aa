/** The package as it is published, made of a built tree. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The most that it may have (bytes), packed and unpacked: it has documents, and sources for debuggers. */
const MOST = { size: 850_000, unpackedSize: 3_200_000 };
/** What is not for users. */
const STRAY = /node_modules|\.vitepress|^docs\/reference|\.test\.|^test\/|^examples\/page\//;

export interface Packed {
  /** Its file in the folder. */
  filename: string;
  size: number;
  unpackedSize: number;
  /** What is in it, by path. */
  files: string[];
}

/** Packs it into a folder; throws where there is in it what should not be. */
export function pack(out: string): Packed {
  const folder = mkdtempSync(join(tmpdir(), 'lockwork-'));
  try {
    const { filename } = npmPack(root, folder);
    execFileSync('tar', ['-xzf', filename], { cwd: folder });
    const readme = join(folder, 'package/README.md');
    writeFileSync(readme, withAbsoluteLinks(readFileSync(readme, 'utf8')));
    mkdirSync(out, { recursive: true });
    const packed = npmPack(join(folder, 'package'), out);
    const strays = packed.files.filter((file) => STRAY.test(file));
    if (strays.length) throw new Error(`not for users: ${strays.join(', ')}`);
    for (const key of ['size', 'unpackedSize'] as const) {
      if (packed[key] > MOST[key]) throw new Error(`the package's ${key} is ${packed[key]}, and may be ${MOST[key]}`);
    }
    return packed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function npmPack(cwd: string, out: string): Packed {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', out];
  const told = execFileSync('npm', args, { cwd, encoding: 'utf8', timeout: 60_000 });
  const [packed] = Object.values(JSON.parse(told)) as [Omit<Packed, 'files'> & { files: { path: string }[] }];
  return { ...packed, files: packed.files.map(({ path }) => path) };
}

/** README with links that lead to the files of its version, wherever it is shown. In the repository they are relative. */
function withAbsoluteLinks(readme: string): string {
  const { version, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const place = repository.url.replace(/^git\+|\.git$/g, '');
  const raw = place.replace('//github.com/', '//raw.githubusercontent.com/');
  return readme.replaceAll(
    /(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)/g,
    (_, image, text, path) => `${image}[${text}](${image ? raw : `${place}/blob`}/v${version}/${path})`,
  );
}
