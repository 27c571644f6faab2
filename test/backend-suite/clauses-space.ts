import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toBytes, toText } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { write } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');
const MIB = 1 << 20;

const notToldOfHeld: Clause['unless'] = ({ heldOpen }) => (heldOpen === true ? false : heldOpen);

export const SPACE: readonly Clause[] = [
  {
    sentence: "space: what the filesystem's own tools say that an ordinary user can have",
    test: async (scene) => {
      const backend = await scene.open();
      const archive = fromText(scene.archive);
      // Others may write to the same filesystem meanwhile.
      let agrees = false;
      for (let round = 0; !agrees && round < 20; round += 1) {
        const expected = scene.ground.space(archive);
        const { freeBytes, totalBytes } = await backend.space();
        agrees = freeBytes === expected.freeBytes && totalBytes === expected.totalBytes;
      }
      expect(agrees).toBe(true);
      // In blocks of what one file takes; statfs(2) knows nothing but these.
      const [size = '', free = ''] = scene.ground
        .within(archive, (at) => tool('df', '-B1', '--output=size,avail', toText(at)))
        .split('\n')
        .slice(1)
        .join('')
        .trim()
        .split(/\s+/);
      const { freeBytes, totalBytes } = await backend.space();
      for (const [own, other] of [
        [totalBytes, Number(size)],
        [freeBytes, Number(free)],
      ] as const)
        expect(Math.abs(own - other) / other).toBeLessThan(0.1);
    },
  },
  {
    sentence: 'settle: what was removed has come back when it returns true',
    unless: ({ alone }) => (alone ? false : 'others write to the same filesystem'),
    test: async (scene) => {
      const backend = await scene.open();
      // What can be compressed may take no space, which no record of this is.
      const chunk = randomBytes(MIB);
      for (const what of ['first', 'second']) {
        const path = scene.addTree(NAME);
        write(scene, path, 'large', Buffer.concat(Array.from({ length: 24 }, () => chunk)));
        scene.ground.within(path, (at) => tool('sync', '-f', toText(at)));
        scene.ground.commit();
        const tree = await treeNamed(backend, NAME);
        const before = (await backend.space()).freeBytes;
        await removeOne(backend, tree);
        expect(await backend.settle(30_000), what).toBe(true);
        expect((await backend.space()).freeBytes - before, what).toBeGreaterThan(23 * MIB);
      }
    },
  },
  {
    sentence: 'settle: false if that takes longer than the patience, such as for a file that is open; then once more',
    unless: notToldOfHeld,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const file = openSync(toBytes(joinPath(path, fromText('etc/hostname'))), 'r');
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
    unless: notToldOfHeld,
    test: async (scene) => {
      const theirs = join(scene.base, 'theirs');
      scene.ground.makeTree(fromText(theirs));
      write(scene, fromText(theirs), 'file', '');
      const backend = await scene.open();
      expect(await backend.settle(30_000)).toBe(true);
      const file = openSync(join(theirs, 'file'), 'r');
      try {
        scene.ground.removeTree(fromText(theirs));
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
    unless: notToldOfHeld,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const stop = new AbortController();
      const backend = await scene.open({ signal: stop.signal });
      const file = openSync(toBytes(joinPath(path, fromText('etc/hostname'))), 'r');
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
