/** A large file brought back on the same filesystem. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { tool, withScratch } from '../support/scratch.ts';
import { compare, type Row } from './measure.ts';

export async function restoring({ roots }: { readonly roots: readonly string[] }): Promise<Row[]> {
  return withScratch(({ path }) => {
    const image = makeBtrfsImage({ sizeMiB: 3072, dir: path });
    try {
      const top = image.mount({}, join(path, 'top'));
      tool('btrfs', 'subvolume', 'create', join(top, 'blank'));
      mkdirSync(join(top, 'old_roots'));
      const root = join(top, 'old_roots/2026-11-01_10:00:00');
      tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), root);
      tool('sh', '-c', `head -c 1073741824 /dev/urandom > '${root}/large'`);
      tool('btrfs', 'filesystem', 'sync', top);
      const config = join(path, 'roots.toml');
      writeFileSync(config, `[targets.root]\ndevice = "${image.device}"\nblank = "blank"\narchive = "old_roots"\n`, { mode: 0o600 });
      const to = join(top, 'restored');
      const prepare = (): void => rmSync(to, { force: true });
      return compare({
        title: 'restore of a file of 1 GiB on the same filesystem (no slower but for start-up)',
        peer: { name: 'cp --reflink=always', command: ['cp', '--reflink=always', join(root, 'large'), to], prepare },
        works: [
          {
            work: {
              name: 'roots restore',
              command: [...roots, 'restore', '/large', '--from', 'latest', '--to', to, '--config', config],
              prepare,
            },
            bar: null,
          },
          { work: { name: 'roots ls (start-up)', command: [...roots, 'ls', '--config', config] }, bar: null },
          { work: { name: 'node -e 0', command: [process.execPath, '-e', '0'] }, bar: null },
        ],
        rounds: 7,
      });
    } finally {
      image.close();
    }
  });
}
