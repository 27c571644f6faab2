/** Two trees compared, beside the programs of others, with the metadata in memory and without. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { tool, withScratch } from '../support/scratch.ts';
import { compare, type Row, type Work } from './measure.ts';
import { snapperStatus } from './snapper.ts';

const CHANGES = 100;

interface Place {
  readonly roots: readonly string[];
  readonly folders: number;
  readonly rounds: number;
  readonly cold: boolean;
}

/** Folders of a hundred files each. */
export async function diffs({ roots, folders, rounds, cold }: Place): Promise<Row[]> {
  return withScratch(({ path }) => {
    const image = makeBtrfsImage({ sizeMiB: 4096, dir: path });
    try {
      // Else the peers change the trees by reading them, and what they have touched is in the stream of btrfs send.
      const top = image.mount({ options: ['noatime'] }, join(path, 'top'));
      const at = (name: string): string => join(top, name);
      for (const name of ['blank', 'empty']) tool('btrfs', 'subvolume', 'create', at(name));
      fill(at('blank'), folders);
      mkdirSync(at('old_roots'));
      const old = at('old_roots/2026-11-01_10:00:00');
      tool('btrfs', 'subvolume', 'snapshot', at('blank'), old);
      for (let change = 0; change < CHANGES; change += 1)
        writeFileSync(join(old, `d${String(change % folders)}`, `f${String(change)}`), 'changed');
      tool('btrfs', 'subvolume', 'snapshot', old, at('root'));
      // What btrfs send can be given; of what can be written to, roots makes such by itself.
      mkdirSync(at('sealed_roots'));
      const [a, b] = [at('sealed_blank'), at('sealed_roots/2026-11-01_10:00:00')];
      tool('btrfs', 'subvolume', 'snapshot', '-r', at('blank'), a);
      tool('btrfs', 'subvolume', 'snapshot', '-r', old, b);
      tool('btrfs', 'filesystem', 'sync', top);
      const config = (blank: string, archive = 'old_roots'): string => {
        const file = join(path, `${blank}.toml`);
        writeFileSync(file, `[targets.root]\ndevice = "${image.device}"\nlive = "root"\nblank = "${blank}"\narchive = "${archive}"\n`, {
          mode: 0o600,
        });
        return file;
      };
      const prepare = (): void => {
        if (cold) writeFileSync('/proc/sys/vm/drop_caches', '3');
      };
      const work = (name: string, command: readonly string[]): Work => ({ name, command, prepare });
      const snapper = snapperStatus(path, 'top', [at('blank'), old]);
      const rsync = (to: string): Work => work('rsync -naHAXi --delete', ['rsync', '-naHAXi', '--delete', `${old}/`, `${to}/`]);
      const diff = (blank: string, ...more: readonly string[]): Work =>
        work(['roots diff', ...more].join(' '), [...roots, 'diff', 'latest', '--summary', '--config', config(blank), ...more]);
      const shell = (name: string, script: string): Work => work(name, ['sh', '-c', script]);
      const what = `${cold ? 'cold' : 'warm'}: ${String(folders * 100)} files`;
      return [
        ...compare({
          title: `diff, ${what}, ${String(CHANGES)} changes, beside rsync`,
          peer: rsync(at('blank')),
          works: [
            { work: diff('blank'), bar: 0.1 },
            { work: diff('blank', '--engine', 'walk'), bar: 0.6 },
            { work: shell('diff -rq --no-dereference', `diff -rq --no-dereference '${at('blank')}' '${old}'; true`), bar: null },
          ],
          rounds,
        }),
        ...compare({
          title: `diff, ${what}, ${String(CHANGES)} changes, beside btrfs (bar: 4 and start-up)`,
          peer: shell(
            'btrfs send --no-data -p A B | btrfs receive --dump',
            `btrfs send --quiet --no-data -p '${a}' '${b}' | btrfs receive --dump >/dev/null`,
          ),
          works: [
            { work: work('roots diff, blank to live', [...roots, 'diff', '--summary', '--config', config('blank')]), bar: null },
            { work: { ...diff('blank'), name: 'roots diff, blank to an old root' }, bar: null },
            {
              work: work('roots diff, of the same read-only trees', [
                ...roots,
                ...['diff', 'latest', '--summary', '--config', config('sealed_blank', 'sealed_roots')],
              ]),
              bar: null,
            },
            {
              work: {
                ...work('snapper status', snapper.command),
                prepare: () => {
                  snapper.forget();
                  prepare();
                },
              },
              bar: null,
            },
            { work: work('roots --version', [...roots, '--version']), bar: null },
            { work: work('node -e 0', [process.execPath, '-e', '0']), bar: null },
          ],
          rounds,
        }),
        ...compare({ title: `diff, ${what}, blank empty`, peer: rsync(at('empty')), works: [{ work: diff('empty'), bar: 0.6 }], rounds }),
      ];
    } finally {
      image.close();
    }
  });
}

/** A hundred files in each folder. */
export function fill(tree: string, folders: number): void {
  for (let folder = 0; folder < folders; folder += 1) {
    mkdirSync(join(tree, `d${String(folder)}`));
    for (let file = 0; file < 100; file += 1)
      writeFileSync(join(tree, `d${String(folder)}`, `f${String(file)}`), 'x'.repeat((file % 40) * 50));
  }
}
