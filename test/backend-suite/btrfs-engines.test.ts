/**
 * The engines of `diff` against each other and against rsync, on trees that random sequences of filesystem operations have made of the blank: what btrfs says that may
 * differ must hold all that differs, both ways.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromBytes, fromText, toBytes, type BytePath } from '../../src/byte-path.ts';
import type { Backend, TreeRef } from '../../src/backend/backend.ts';
import { openBackend } from '../../src/backend/detect.ts';
import { toJson, type Change } from '../../src/diff/change.ts';
import { narrowed } from '../../src/diff/narrowed.ts';
import { walkDiff } from '../../src/diff/walk.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run } from '../../src/system/run.ts';
import { createTreeReader } from '../../src/system/tree-reader.ts';
import { makeBtrfsImage, type LoopImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../support/scratch.ts';
import { OPERATIONS, applyAll, makeGarden, type Operation } from './random-operations.ts';
import { treeNamed } from './steps.ts';

/** Sequences in one tree, each in a directory of its own, from which things are moved to others. */
const AT_ONCE = 50;
const ROUNDS = 40;
const NAME = fromText('2026-11-10_08:00:00');

requires.btrfs('the engines of diff on btrfs', () => {
  let scratch: Scratch;
  let image: LoopImage;
  let top: string;
  const kinds = new Map<string, number>();
  let sequences = 0;

  beforeAll(() => {
    scratch = makeScratch();
    image = makeBtrfsImage({ sizeMiB: 512, dir: scratch.path });
    top = image.mount({}, join(scratch.path, 'top'));
    tool('btrfs', 'subvolume', 'create', join(top, 'blank'));
    mkdirSync(join(top, 'old_roots'));
    makeGarden(join(top, 'blank'), AT_ONCE);
    tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), join(top, 'root'));
  });
  afterAll(() => {
    console.log(
      `${String(sequences)} random sequences of operations; changes: ${[...kinds].map(([kind, count]) => `${kind} ${String(count)}`).join(', ')}`,
    );
    image.close();
    scratch.remove();
  });

  async function withBackend<T>(use: (backend: Backend) => Promise<T>): Promise<T> {
    const pool = new PrivateMountPool(run, 'read');
    const location = {
      backend: 'btrfs',
      device: image.device,
      live: fromText('root'),
      blank: fromText('blank'),
      archive: fromText('old_roots'),
    } as const;
    const backend = await openBackend(location, { run, signal: new AbortController().signal, privateMounts: pool });
    try {
      return await use(backend);
    } finally {
      await backend.close();
      await pool.close();
    }
  }

  async function compare(backend: Backend, from: TreeRef, to: TreeRef, engine: 'walk' | 'btrfs-send'): Promise<Change[]> {
    const reader = createTreeReader(run);
    const narrowing = engine === 'walk' ? null : await backend.narrow(from, to);
    if (narrowing !== null && 'why' in narrowing) throw new Error(narrowing.why);
    const paths = { from: await backend.pathOf(from), to: await backend.pathOf(to) };
    const changes: Change[] = [];
    const problems: unknown[] = [];
    const options = { problems: (problem: unknown) => problems.push(problem) };
    const narrow = narrowing === null ? reader : narrowed(reader, narrowing.candidates);
    for await (const change of walkDiff(narrow, { path: paths.from }, { path: paths.to }, options)) changes.push(change);
    expect(problems).toEqual([]);
    return changes;
  }

  it('agree on whatever may have happened to a tree, both ways, and with rsync', async () => {
    const round = async (all: readonly (readonly Operation[])[]): Promise<void> => {
      const tree = join(top, 'old_roots', NAME);
      tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), tree);
      try {
        applyAll(tree, all);
        sequences += all.length;
        await withBackend(async (backend) => {
          const root = await treeNamed(backend, NAME);
          for (const [from, to, paths] of [
            ['blank', root, [join(top, 'blank'), tree]],
            [root, 'blank', [tree, join(top, 'blank')]],
          ] as const) {
            const walked = await compare(backend, from, to, 'walk');
            const sent = await compare(backend, from, to, 'btrfs-send');
            expect(sent.map(toJson)).toEqual(walked.map(toJson));
            expect(walked.map(({ path }) => path).sort()).toEqual(byRsync(paths[0], paths[1]));
            for (const { kind, type, what } of walked)
              for (const each of [kind, `${kind} ${type}`, ...what.map((aspect) => `what ${aspect}`)])
                kinds.set(each, (kinds.get(each) ?? 0) + 1);
          }
          expect(readdirSync(join(top, 'old_roots', '.roots'))).toEqual([]);
        });
      } finally {
        tool(
          'sh',
          '-c',
          'chattr -R -f -ia "$1"; for each in $(btrfs subvolume list -o "$1" | sed "s/.* path //"); do btrfs subvolume delete "$2/$each"; done; btrfs subvolume delete "$1"',
          'sh',
          tree,
          top,
        );
      }
    };
    const first = Math.floor(Math.random() * 2 ** 31);
    for (let seed = first; seed < first + ROUNDS; seed += 1) {
      const all = fc.sample(fc.array(OPERATIONS, { minLength: 2, maxLength: 12 }), { seed, numRuns: AT_ONCE });
      await round(all).catch((error: unknown) => {
        throw new Error(`with the seed ${String(seed)}`, { cause: error });
      });
    }
    expect(sequences).toBeGreaterThanOrEqual(2000);
    for (const kind of ['added', 'removed', 'modified']) expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(100);
    for (const aspect of ['content', 'type', 'mode', 'owner', 'mtime', 'xattr', 'acl', 'target'])
      expect(kinds.get(`what ${aspect}`) ?? 0, aspect).toBeGreaterThan(0);
    for (const type of ['file', 'directory', 'symlink', 'fifo', 'socket', 'char', 'block'])
      expect(kinds.get(`added ${type}`) ?? 0, type).toBeGreaterThan(0);
    expect(existsSync(join(top, 'old_roots', NAME))).toBe(false);
  });
});

/** The paths that rsync would change to make the one what the other is. Times of directories and symlinks are not ours to tell. */
function byRsync(from: string, to: string): BytePath[] {
  const { status, stdout, stderr } = spawnSync(
    'rsync',
    [
      '-naciAX',
      '--modify-window=-1',
      '--numeric-ids',
      '--delete',
      '--exclude=/.roots',
      '--8-bit-output',
      '--out-format=%i %n',
      `${to}/`,
      `${from}/`,
    ],
    { maxBuffer: 1 << 28 },
  );
  if (status !== 0) throw new Error(stderr.toString());
  const paths = new Set<BytePath>();
  for (const line of fromBytes(stdout).split('\n')) {
    const item = line.slice(0, 11);
    const path = unescaped(line.slice(12));
    if (line === '' || path === './') continue;
    const isTimeOnly = /^\.[dL]\.\.t\.{6}$/.test(item);
    if (!isTimeOnly) paths.add(path.replace(/\/$/, '') as BytePath);
  }
  return [...paths].sort();
}

/** `\#012` is a line break. */
function unescaped(text: string): string {
  return fromBytes(
    toBytes(text.replaceAll(/\\#(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as BytePath),
  );
}
