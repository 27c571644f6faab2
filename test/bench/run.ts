/**
 * `npm run bench [PART…]`: the figures of the design, side by side with their peers, as tables and in results.md. Nothing here can fail for being slow.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFieldArchive } from '../fixtures/field-archive.ts';
import { makeBtrfsImage, type LoopImage } from '../support/loop-image.ts';
import { mountTable, tool, withScratch } from '../support/scratch.ts';
import { diffs } from './diffs.ts';
import { lookup } from './lookup.ts';
import { memory } from './memory.ts';
import { compare, type Row } from './measure.ts';
import { makeRoots, pruning } from './pruning.ts';
import { report } from './report.ts';
import { restoring } from './restoring.ts';

const roots = [process.execPath, fileURLToPath(new URL('../../bin/run.js', import.meta.url))];
const node = [process.execPath, '-e', '0'];

/** By the names that the command takes; without one it runs all. */
const PARTS: Readonly<Record<string, () => Promise<Row[]>>> = {
  'start-up': startUp,
  many: manyRoots,
  diff: () => diffs({ roots, folders: 200, rounds: 7, cold: false }),
  'large-diff': () => diffs({ roots, folders: 2000, rounds: 5, cold: false }),
  'cold-diff': () => diffs({ roots, folders: 2000, rounds: 3, cold: true }),
  memory: () => memory({ roots, folders: 10_000 }),
  restore: () => restoring({ roots }),
  lookup: () => lookup({ roots }),
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in PARTS));
if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: the parts are ${Object.keys(PARTS).join(', ')}`);
for (const [name, measure] of Object.entries(PARTS)) if (named.length === 0 || named.includes(name)) report(await measure());

/** A machine as in the field, in a mount namespace of its own: what else is mounted here must not be looked at. */
async function startUp(): Promise<Row[]> {
  const field = await buildFieldArchive();
  const { alone, end } = aloneWith(field.device);
  try {
    const work = (...args: string[]) => ({ name: `roots ${args.join(' ')}`, command: [...alone, ...roots, ...args] });
    return [
      ...compare({
        title: 'start-up, 30 old roots, nothing configured, top level not mounted',
        peer: { name: 'node -e 0', command: [...alone, ...node] },
        works: [
          { work: work('--version'), bar: 2 },
          { work: work('ls'), bar: 2.5 },
          { work: work('ls', '--json'), bar: 2.5 },
        ],
        rounds: 25,
      }),
    ];
  } finally {
    end();
    field.close();
  }
}

/** What begins with `alone` runs with no btrfs in sight but this one, the peer too. */
function aloneWith(device: string): { alone: readonly string[]; end: () => void } {
  const others = mountTable().filter((mount) => mount.type === 'btrfs' && mount.source !== device);
  const unmount = others.map(({ at }) => `umount -l '${at}'`).toReversed();
  const { stdout } = spawnSync('unshare', ['--mount', 'sh', '-c', [...unmount, 'sleep 600 >/dev/null 2>&1 & echo $!'].join('; ')], {
    encoding: 'utf8',
  });
  const pid = Number(stdout.trim());
  return {
    alone: ['nsenter', `--mount=/proc/${String(pid)}/ns/mnt`, '--wd=/', '--'],
    end: () => {
      process.kill(pid);
    },
  };
}

/** A thousand listed and planned for, and two hundred removed. */
async function manyRoots(): Promise<Row[]> {
  return withScratch(({ path }) => {
    const image = makeBtrfsImage({ sizeMiB: 1024, dir: path });
    try {
      const top = image.mount({}, join(path, 'top'));
      tool('btrfs', 'subvolume', 'create', join(top, 'blank'));
      mkdirSync(join(top, 'old_roots'));
      const config = writeConfig(path, image);
      makeRoots(top, 1000);
      return [
        ...compare({
          title: 'ls of 1,000 old roots (bar: 1 s in all)',
          peer: { name: 'node -e 0', command: node },
          works: [{ work: { name: 'roots ls', command: [...roots, 'ls', '--config', config] }, bar: null }],
          rounds: 7,
        }),
        ...compare({
          title: 'plan of 1,000 old roots (bar: 1 s in all)',
          peer: { name: 'node -e 0', command: node },
          works: [{ work: { name: 'roots prune --dry-run', command: [...roots, 'prune', '--dry-run', '--config', config] }, bar: null }],
          rounds: 7,
        }),
        ...pruning({ roots, top, config }),
      ];
    } finally {
      image.close();
    }
  });
}

function writeConfig(path: string, image: LoopImage, blank = 'blank'): string {
  const file = join(path, `${blank}.toml`);
  writeFileSync(
    file,
    `[targets.root]\ndevice = "${image.device}"\nblank = "${blank}"\narchive = "old_roots"\n[targets.root.keep]\nlast = 3\n`,
    { mode: 0o600 },
  );
  return file;
}
