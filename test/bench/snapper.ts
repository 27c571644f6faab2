/** snapper(8) of Debian on two trees, with a configuration of its own in a scratch directory; that of the machine is left alone. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tool } from '../support/scratch.ts';

export interface Snapper {
  readonly command: readonly string[];
  /** It keeps what it has found; without that it compares anew. */
  forget(): void;
}

/** `top`: where a btrfs is mounted, directly below `root`. */
export function snapperStatus(root: string, top: string, trees: readonly [from: string, to: string]): Snapper {
  const name = 'of_snapper';
  const subvolume = join(root, top, name);
  const snapshots = join(subvolume, '.snapshots');
  for (const path of [subvolume, snapshots]) tool('btrfs', 'subvolume', 'create', path);
  for (const [at, tree] of trees.entries()) {
    const number = String(at + 1);
    mkdirSync(join(snapshots, number));
    tool('btrfs', 'subvolume', 'snapshot', '-r', tree, join(snapshots, number, 'snapshot'));
    const info = `<?xml version="1.0"?>\n<snapshot>\n  <type>single</type>\n  <num>${number}</num>\n  <date>2026-11-0${number} 10:00:00</date>\n</snapshot>\n`;
    writeFileSync(join(snapshots, number, 'info.xml'), info);
  }
  for (const folder of ['etc/default', 'etc/snapper/configs']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/default/snapper'), 'SNAPPER_CONFIGS="bench"\n');
  writeFileSync(join(root, 'etc/snapper/configs/bench'), `SUBVOLUME="/${top}/${name}"\nFSTYPE="btrfs"\nBACKGROUND_COMPARISON="no"\n`);
  return {
    command: ['snapper', '--no-dbus', '--root', root, '-c', 'bench', 'status', '1..2'],
    forget: () => {
      for (const file of ['filelist-1.txt', 'filelist-1.txt.gz']) rmSync(join(snapshots, '2', file), { force: true });
    },
  };
}
