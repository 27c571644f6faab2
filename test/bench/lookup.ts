/** One path followed through a hundred old roots, and a pattern searched for in all of them. */
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { tool, withScratch } from '../support/scratch.ts';
import { compare, type Row } from './measure.ts';

const COUNT = 100;
/** In each root, besides what it shares with the blank. */
const [OWN_FOLDERS, OWN_FILES] = [20, 50];

export async function lookup({ roots }: { readonly roots: readonly string[] }): Promise<Row[]> {
  return withScratch(({ path }) => {
    const image = makeBtrfsImage({ sizeMiB: 1024, dir: path });
    try {
      const top = image.mount({}, join(path, 'top'));
      tool('btrfs', 'subvolume', 'create', join(top, 'blank'));
      mkdirSync(join(top, 'blank/etc'));
      writeFileSync(join(top, 'blank/etc/unchanged'), 'as in the blank\n');
      mkdirSync(join(top, 'old_roots'));
      for (let boot = 0; boot < COUNT; boot += 1) writeRoot(top, boot);
      tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), join(top, 'root'));
      tool('btrfs', 'filesystem', 'sync', top);
      const config = join(path, 'roots.toml');
      const text = `[targets.root]\ndevice = "${image.device}"\nlive = "root"\nblank = "blank"\narchive = "old_roots"\n`;
      writeFileSync(config, text);
      chmodSync(config, 0o600);
      const work = (...args: string[]) => ({
        work: { name: `roots ${args.join(' ')}`, command: [...roots, ...args, '--config', config] },
        bar: null,
      });
      const node = { name: 'node -e 0', command: [process.execPath, '-e', '0'] };
      return [
        ...compare({
          title: 'one path in 100 old roots (bar: 0.5 s beyond start-up)',
          peer: node,
          works: [
            work('ls'),
            work('find', '/etc/unchanged'),
            work('find', '/etc/each-boot'),
            work('history', '/etc/unchanged'),
            work('history', '/etc/each-boot'),
            work('history', '/etc/each-boot', '--patch'),
          ],
          rounds: 7,
        }),
        ...compare({
          title: 'a name in 100 old roots of 1,000 files',
          peer: { name: 'find -name', command: ['find', join(top, 'old_roots'), '-name', '*-7.conf'] },
          works: [work('find', '*-7.conf'), work('find', '/home/me/1*/*-7.conf')],
          rounds: 5,
        }),
      ];
    } finally {
      image.close();
    }
  });
}

/** One file is as in the boot before, but for its time, in nine boots of ten. */
function writeRoot(top: string, boot: number): void {
  const time = new Date(Date.UTC(2026, 0, 1) + boot * 86_400_000);
  const root = join(top, 'old_roots', time.toISOString().slice(0, 19).replace('T', '_'));
  tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), root);
  writeFileSync(join(root, 'etc/each-boot'), `version ${String(Math.floor(boot / 10))}\n`);
  utimesSync(join(root, 'etc/each-boot'), time, time);
  for (let folder = 0; folder < OWN_FOLDERS; folder += 1) {
    const path = join(root, 'home/me', String(folder));
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < OWN_FILES; file += 1) writeFileSync(join(path, `file-${String(file)}.conf`), `${String(file)}\n`);
  }
}
