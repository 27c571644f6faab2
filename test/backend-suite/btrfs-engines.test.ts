/**
 * The engines of `diff` against each other and against rsync, on trees that random sequences of filesystem operations have made of the blank: what btrfs says that may
 * differ must hold all that differs, both ways.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import type { Backend } from '../../src/backend/backend.ts';
import { openBackend } from '../../src/backend/detect.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run } from '../../src/system/run.ts';
import { makeBtrfsImage, type LoopImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../support/scratch.ts';
import { Tally, expectAgreement, inRounds } from './engines.ts';
import { applyAll, makeGarden } from './random-operations.ts';
import { treeNamed } from './steps.ts';

/** Sequences in one tree, each in a directory of its own, from which things are moved to others. */
const AT_ONCE = 50;
const ROUNDS = 40;
const NAME = fromText('2026-11-10_08:00:00');

requires.btrfs('the engines of diff on btrfs', () => {
  let scratch: Scratch;
  let image: LoopImage;
  let top: string;
  const tally = new Tally();

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
    console.log(tally.toString());
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

  it('agree on whatever may have happened to a tree, both ways, and with rsync', async () => {
    const tree = join(top, 'old_roots', NAME);
    await inRounds({ rounds: ROUNDS, atOnce: AT_ONCE }, async (all) => {
      tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), tree);
      try {
        applyAll(tree, all);
        tally.sequences += all.length;
        await withBackend(async (backend) => {
          const blank = { tree: 'blank', path: join(top, 'blank') } as const;
          const root = { tree: await treeNamed(backend, NAME), path: tree };
          await expectAgreement(backend, blank, root, tally);
          await expectAgreement(backend, root, blank, tally);
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
    });
    expect(tally.sequences).toBeGreaterThanOrEqual(2000);
    for (const kind of ['added', 'removed', 'modified', 'renamed']) expect(tally.count(kind), kind).toBeGreaterThan(100);
    for (const aspect of ['content', 'type', 'mode', 'owner', 'mtime', 'xattr', 'acl', 'target'])
      expect(tally.count(`what ${aspect}`), aspect).toBeGreaterThan(0);
    for (const type of ['file', 'directory', 'symlink', 'fifo', 'socket', 'char', 'block'])
      expect(tally.count(`added ${type}`), type).toBeGreaterThan(0);
    expect(existsSync(join(top, 'old_roots', NAME))).toBe(false);
  }, 600_000);
});
