/**
 * `npm run bench`: the figures of the design, side by side with their peers, as a table and in results.md. Nothing here can fail for being slow.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFieldArchive } from '../fixtures/field-archive.ts';
import { makeBtrfsImage, type LoopImage } from '../support/loop-image.ts';
import { mountTable, tool, withScratch } from '../support/scratch.ts';
import { compare, type Row } from './measure.ts';
import { makeRoots, pruning } from './pruning.ts';

const roots = [process.execPath, fileURLToPath(new URL('../../bin/run.js', import.meta.url))];
const node = [process.execPath, '-e', '0'];
const rows: Row[] = [];

await startUp();
await manyRoots();
await trees();
report();

/** A machine as in the field, in a mount namespace of its own: what else is mounted here must not be looked at. */
async function startUp(): Promise<void> {
  const field = await buildFieldArchive();
  const { alone, end } = aloneWith(field.device);
  try {
    const work = (...args: string[]) => ({ name: `roots ${args.join(' ')}`, command: [...alone, ...roots, ...args] });
    rows.push(
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
    );
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
async function manyRoots(): Promise<void> {
  await withScratch(async ({ path }) => {
    const image = makeBtrfsImage({ sizeMiB: 1024, dir: path });
    try {
      const top = image.mount({}, join(path, 'top'));
      tool('btrfs', 'subvolume', 'create', join(top, 'blank'));
      mkdirSync(join(top, 'old_roots'));
      const config = writeConfig(path, image);
      makeRoots(top, 1000);
      rows.push(
        ...compare({
          title: 'ls of 1,000 old roots (bar: 1 s in all)',
          peer: { name: 'node -e 0', command: node },
          works: [{ work: { name: 'roots ls', command: [...roots, 'ls', '--config', config] }, bar: null }],
          rounds: 7,
        }),
      );
      rows.push(
        ...compare({
          title: 'plan of 1,000 old roots (bar: 1 s in all)',
          peer: { name: 'node -e 0', command: node },
          works: [{ work: { name: 'roots prune --dry-run', command: [...roots, 'prune', '--dry-run', '--config', config] }, bar: null }],
          rounds: 7,
        }),
      );
      rows.push(...pruning({ roots, top, config }));
    } finally {
      image.close();
    }
  });
}

/** Comparing and restoring, with the peers from Debian. */
async function trees(): Promise<void> {
  await withScratch(async ({ path }) => {
    const image = makeBtrfsImage({ sizeMiB: 3072, dir: path });
    try {
      const top = image.mount({}, join(path, 'top'));
      for (const name of ['blank', 'empty']) tool('btrfs', 'subvolume', 'create', join(top, name));
      fill(join(top, 'blank'));
      mkdirSync(join(top, 'old_roots'));
      tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), join(top, 'old_roots/2026-11-01_10:00:00'));
      const root = join(top, 'old_roots/2026-11-01_10:00:00');
      for (let at = 0; at < 100; at += 1) writeFileSync(join(root, `d${String(at)}`, 'f1'), 'changed');
      tool('sh', '-c', `head -c 1073741824 /dev/urandom > ${join(root, 'large')}`);
      tool('btrfs', 'filesystem', 'sync', top);
      const config = writeConfig(path, image);
      const empty = writeConfig(path, image, 'empty');
      diffs(root, join(top, 'blank'), config, '20,000 files, 100 changes');
      diffs(root, join(top, 'empty'), empty, '20,000 files, blank empty');
      const to = join(top, 'restored');
      rows.push(
        ...compare({
          title: 'restore of a file of 1 GiB on the same filesystem (no slower but for start-up)',
          peer: {
            name: 'cp --reflink=always',
            command: ['cp', '--reflink=always', join(root, 'large'), to],
            prepare: () => rmSync(to, { force: true }),
          },
          works: [
            {
              work: {
                name: 'roots restore',
                command: [...roots, 'restore', '/large', '--from', 'latest', '--to', to, '--config', config],
                prepare: () => rmSync(to, { force: true }),
              },
              bar: null,
            },
            { work: { name: 'node -e 0', command: node }, bar: null },
          ],
          rounds: 7,
        }),
      );
    } finally {
      image.close();
    }
  });
}

function diffs(root: string, blank: string, config: string, title: string): void {
  rows.push(
    ...compare({
      title: `diff, warm: ${title}`,
      peer: { name: 'rsync -naHAXi --delete', command: ['rsync', '-naHAXi', '--delete', `${root}/`, `${blank}/`] },
      works: [{ work: { name: 'roots diff', command: [...roots, 'diff', 'latest', '--config', config] }, bar: 0.6 }],
      rounds: 7,
    }),
  );
}

function fill(tree: string): void {
  for (let folder = 0; folder < 200; folder += 1) {
    mkdirSync(join(tree, `d${String(folder)}`));
    for (let file = 0; file < 100; file += 1) writeFileSync(join(tree, `d${String(folder)}`, `f${String(file)}`), 'x'.repeat(file * 50));
  }
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

function report(): void {
  const text = [
    '# Benchmark results',
    '',
    'Written by `npm run bench`. Times are wall-clock milliseconds of whole programs; a ratio is the median over the rounds of the ratio within one round.',
    '',
    `- ${new Date().toISOString().slice(0, 10)}, ${String(cpus().length)} cores, Linux ${release()}, Node ${process.version}, ${tool('btrfs', '--version').trim()}`,
    '- btrfs on a loop device; peers: GNU coreutils, rsync, btrfs-progs',
    ...groups().flatMap(([title, group]) => [
      '',
      `## ${title}`,
      '',
      '| what | median | least to most | ratio | bar |',
      '|---|---|---|---|---|',
      ...group.map(line),
    ]),
    '',
  ].join('\n');
  process.stdout.write(text);
  writeFileSync(new URL('results.md', import.meta.url), text);
}

function groups(): [string, Row[]][] {
  return [...new Set(rows.map((row) => row.title))].map((title) => [title, rows.filter((row) => row.title === title)]);
}

function line({ name, median, least, most, ratio, bar }: Row): string {
  const verdict = bar === null || ratio === null ? '' : `${bar.toFixed(1)}: ${ratio <= bar ? 'met' : 'not met'}`;
  return `| \`${name}\` | ${median.toFixed(0)} ms | ${least.toFixed(0)} to ${most.toFixed(0)} | ${ratio === null ? '' : `${ratio.toFixed(2)}×`} | ${verdict} |`;
}
