import { closeSync, openSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');
const MIB = 1 << 20;

export const SPACE: readonly Clause[] = [
  {
    sentence: 'space: what statfs(2) says that an ordinary user can have',
    test: async (scene) => {
      const backend = await scene.open();
      // Others may write to the same filesystem meanwhile.
      const agrees = Array.from({ length: 20 }, () => {
        const { bavail, blocks, bsize } = statfsSync(scene.archive);
        const { freeBytes, totalBytes } = backend.space();
        expect(totalBytes).toBe(blocks * bsize);
        return freeBytes === bavail * bsize;
      });
      expect(agrees).toContain(true);
      const [available] = tool('df', '-B1', '--output=size', scene.archive).split('\n').slice(1);
      expect(backend.space().totalBytes).toBe(Number(available));
    },
  },
  {
    sentence: 'settle: what was removed has come back when it returns true',
    unless: ({ alone }) => (alone ? false : 'others write to the same filesystem'),
    test: async (scene) => {
      const backend = await scene.open();
      for (const what of ['first', 'second']) {
        const path = scene.addTree(NAME);
        writeFileSync(join(path, 'large'), Buffer.alloc(24 * MIB, what));
        tool('sync', '-f', scene.base);
        const tree = await treeNamed(backend, NAME);
        const before = backend.space().freeBytes;
        await removeOne(backend, tree);
        expect(await backend.settle(30_000)).toBe(true);
        expect(backend.space().freeBytes - before).toBeGreaterThan(23 * MIB);
      }
    },
  },
  {
    sentence: 'settle: false if that takes longer than the patience, such as for a file that is open; then once more',
    unless: ({ capabilities }) => (capabilities.nestedTrees ? false : 'nothing tells what is still in use'),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const file = openSync(join(path, 'etc/hostname'), 'r');
      try {
        await removeOne(backend, await treeNamed(backend, NAME));
        const begun = Date.now();
        expect(await backend.settle(300)).toBe(false);
        expect(Date.now() - begun).toBeLessThan(10_000);
        expect(await backend.settle(0)).toBe(false);
      } finally {
        closeSync(file);
      }
      expect(await backend.settle(30_000)).toBe(true);
      expect(await backend.settle(0)).toBe(true);
    },
  },
  {
    sentence: 'settle: waits for what others have removed too, and is false while that is held open',
    unless: ({ capabilities }) => (capabilities.nestedTrees ? false : 'nothing tells what is still in use'),
    test: async (scene) => {
      const theirs = join(scene.base, 'theirs');
      scene.ground.makeTree(fromText(theirs));
      writeFileSync(join(theirs, 'file'), '');
      const backend = await scene.open();
      expect(await backend.settle(30_000)).toBe(true);
      const file = openSync(join(theirs, 'file'), 'r');
      try {
        tool('btrfs', 'subvolume', 'delete', theirs);
        expect(await backend.settle(300)).toBe(false);
        expect(await (await scene.open()).settle(0)).toBe(false);
      } finally {
        closeSync(file);
      }
      expect(await backend.settle(30_000)).toBe(true);
    },
  },
  {
    sentence: 'settle: false soon after the user wants to stop',
    unless: ({ capabilities }) => (capabilities.nestedTrees ? false : 'nothing tells what is still in use'),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const stop = new AbortController();
      const backend = await scene.open({ signal: stop.signal });
      const file = openSync(join(path, 'etc/hostname'), 'r');
      try {
        await removeOne(backend, await treeNamed(backend, NAME));
        const settled = backend.settle(30_000);
        stop.abort();
        expect(await settled).toBe(false);
      } finally {
        closeSync(file);
      }
    },
  },
];
