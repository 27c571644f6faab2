/** A disk that is full is when removing is wanted most. */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromText, type BytePath } from '../../src/byte-path.ts';
import type { Backend, Location } from '../../src/backend/backend.ts';
import { errnoOf } from '../../src/errors.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { makeBtrfsImage, makeExt4Image, type LoopImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { tool, withScratch } from '../support/scratch.ts';
import { openAt } from './open-at.ts';
import { TRASHED_AT, treeNamed } from './steps.ts';

const [NEWEST, NAME, NESTED] = ['2026-11-12_08:00:00', '2026-11-10_08:00:00', '2026-11-11_08:00:00'].map(fromText) as [
  BytePath,
  BytePath,
  BytePath,
];
const MIB = 1 << 20;

/** Does `act` until there is no space for it. */
function untilFull(act: (number: number) => void): number {
  for (let number = 0; ; number += 1) {
    try {
      act(number);
    } catch (error) {
      if (errnoOf(error) === 'ENOSPC') return number;
      throw error;
    }
  }
}

/** Data first, then what is left for names. */
function fill(directory: string): void {
  mkdirSync(directory);
  for (const size of [MIB, 64 << 10, 4096]) {
    const file = openSync(join(directory, `data-${String(size)}`), 'w');
    untilFull(() => {
      writeSync(file, Buffer.alloc(size, 'x'));
      fsyncSync(file);
    });
    closeSync(file);
  }
}

/** Until not even a name can be changed: what has no data, or so little that it is kept with the metadata. */
function fillMetadata(directory: string, top: string): void {
  for (let round = 0; !isFull(top); round += 1) {
    if (round > 200) throw new Error('it does not become full');
    untilFull((number) => {
      writeFileSync(join(directory, `${String(round)}-${String(number)}-${'n'.repeat(200)}`), round < 4 ? Buffer.alloc(1500, 'x') : '');
    });
    tool('sync', '-f', directory);
  }
}

async function withFull(
  make: (dir: string) => LoopImage,
  location: (image: LoopImage, top: string) => Location,
  test: (backend: Backend, top: string) => Promise<void>,
  makeTree: (path: string) => void,
): Promise<void> {
  await withScratch(async ({ path }) => {
    const image = make(path);
    try {
      const top = image.mount({}, join(path, 'top'));
      for (const name of ['root', 'root-blank']) makeTree(join(top, name));
      mkdirSync(join(top, 'old_roots'));
      for (const name of [NEWEST, NAME, NESTED]) {
        makeTree(join(top, 'old_roots', name));
        writeFileSync(join(top, 'old_roots', name, 'large'), Buffer.alloc(4 * MIB, name));
      }
      const { backend, close } = await openAt(location(image, top));
      try {
        await test(backend, top);
      } finally {
        await close();
      }
    } finally {
      image.close();
    }
  });
}

const isFull = (top: string): boolean => {
  try {
    renameSync(join(top, 'old_roots', NEWEST), join(top, 'old_roots', 'renamed'));
    renameSync(join(top, 'old_roots', 'renamed'), join(top, 'old_roots', NEWEST));
    return false;
  } catch (error) {
    return errnoOf(error) === 'ENOSPC';
  }
};

requires.btrfs('on a full disk', () => {
  it('btrfs: old roots are removed though nothing can be renamed, with what is nested in them; a log is refused and nothing else breaks', async () => {
    await withFull(
      (dir) => makeBtrfsImage({ sizeMiB: 160, dir }),
      (image) => ({
        backend: 'btrfs',
        device: image.device,
        live: fromText('root'),
        blank: fromText('root-blank'),
        archive: fromText('old_roots'),
      }),
      async (backend, top) => {
        tool('btrfs', 'subvolume', 'create', join(top, 'old_roots', NESTED, 'srv'));
        fill(join(top, 'filler'));
        fillMetadata(join(top, 'filler'), top);
        const newest = treeDigest(fromText(join(top, 'old_roots', NEWEST)));
        await expect(backend.appendLog(['{}'])).rejects.toMatchObject({ name: 'RootsError', kind: 'failed' });

        const trees = [await treeNamed(backend, NAME), await treeNamed(backend, NESTED)];
        const discarded = await backend.discard(trees, TRASHED_AT);
        expect(discarded.map(({ error }) => error?.hint)).toEqual([
          expect.stringContaining('without `grace`'),
          expect.stringContaining('without `grace`'),
        ]);
        expect(readdirSync(join(top, 'old_roots')).filter((name) => name !== '.roots')).toEqual([NAME, NESTED, NEWEST].sort());

        expect(isFull(top)).toBe(true);
        const departures = await backend.remove(trees);
        expect(departures.map(({ error, nested }) => [error, nested])).toEqual([
          [null, []],
          [null, ['srv']],
        ]);
        expect(readdirSync(join(top, 'old_roots')).filter((name) => name !== '.roots')).toEqual([NEWEST]);
        expect(treeDigest(fromText(join(top, 'old_roots', NEWEST)))).toBe(newest);
        expect(await backend.settle(60_000)).toBe(true);
        expect((await backend.space()).freeBytes).toBeGreaterThan(6 * MIB);
        await backend.appendLog(['{}']);
        expect((await backend.readLog()).at(-1)).toBe('{}');
      },
      (path) => void tool('btrfs', 'subvolume', 'create', path),
    );
  });
});

requires.root('on a full disk', () => {
  it('a directory on ext4: old roots are removed; a log that has no space is refused and nothing else breaks', async () => {
    await withFull(
      (dir) => makeExt4Image({ sizeMiB: 48, dir }),
      (_, top) => ({
        backend: 'directory',
        live: fromText(join(top, 'root')),
        blank: fromText(join(top, 'root-blank')),
        archive: fromText(join(top, 'old_roots')),
      }),
      async (backend, top) => {
        await backend.appendLog(['before']);
        fill(join(top, 'filler'));
        expect(() => {
          writeFileSync(join(top, 'filler', 'more'), 'x');
        }).toThrow('ENOSPC');
        await expect(backend.appendLog(['x'.repeat(8192)])).rejects.toMatchObject({ name: 'RootsError', kind: 'failed' });
        expect(await backend.readLog()).toEqual(['before']);

        const departures = await backend.remove([await treeNamed(backend, NAME), await treeNamed(backend, NESTED)]);
        expect(departures.map(({ error }) => error)).toEqual([null, null]);
        expect(readdirSync(join(top, 'old_roots')).sort()).toEqual(['.roots', NEWEST]);
        expect(await backend.settle(10_000)).toBe(true);
        expect(statfsSync(top).bfree * statfsSync(top).bsize).toBeGreaterThan(7 * MIB);
        await backend.appendLog(['after']);
        expect((await backend.readLog()).filter((line) => !line.startsWith('x'))).toEqual(['before', 'after']);
        expect(lstatSync(join(top, 'old_roots', NEWEST, 'large')).size).toBe(4 * MIB);
      },
      (path) => mkdirSync(path),
    );
  });
});
