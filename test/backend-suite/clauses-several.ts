import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { fromText, joinPath, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import type { ArchivedTree, Backend } from '../../src/backend/backend.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { tool } from '../support/scratch.ts';
import { SIBLING, counting, everything, nest, unmountEverywhere, type Scene } from './scene.ts';
import { TRASHED_AT, discardOne, trashedNamed, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const noNested: Clause['unless'] = ({ capabilities }) => (capabilities.nestedTrees ? false : 'a tree holds no independent trees');
const nameOf = (number: number): BytePath => fromText(`2026-10-${String(number).padStart(2, '0')}_08:00:00`);
const inArchive = (scene: Scene, name: BytePath): BytePath => joinPath(fromText(scene.archive), name);

type Seven<T> = [T, T, T, T, T, T, T];

/** A tree with one file, since there are many. */
function addSmallTree(scene: Scene, name: BytePath): BytePath {
  const path = inArchive(scene, name);
  scene.ground.makeTree(path);
  writeFileSync(toBytes(joinPath(path, fromText('file'))), name);
  return path;
}

async function treesNamed(backend: Backend, names: readonly BytePath[]): Promise<ArchivedTree[]> {
  const { trees } = await backend.list();
  return names.flatMap((name) => trees.filter((tree) => tree.name === name));
}

export const SEVERAL: readonly Clause[] = [
  {
    sentence: 'remove, discard: one result for each, in this order; one that must stay does not stop the others and is unchanged',
    test: async (scene) => {
      for (const step of ['remove', 'discard'] as const) {
        const names = [1, 2, 3, 4, 5, 6, 7].map(nameOf);
        const paths = names.map((name) => scene.addTree(name));
        const [, pinned, nested, mounted, exchanged, flagged, gone] = paths as Seven<BytePath>;
        if (scene.ground.capabilities.nestedTrees) nest(scene, nested, 'srv', 'srv/deep');
        if (scene.ground.flags) tool('chattr', '+i', toText(flagged));
        const backend = await scene.open();
        const trees = await treesNamed(backend, names);
        await backend.setPin(trees[1]!, { note: '', at: new Date(0) });
        scene.ground.mountTree(mounted, scene.mountPoint());
        rmSync(toBytes(gone), { recursive: true });
        rmSync(toBytes(exchanged), { recursive: true });
        scene.addTree(names[4]!);
        const before = everything(scene);

        const departures = await (step === 'remove' ? backend.remove(trees) : backend.discard(trees, TRASHED_AT));
        expect(departures.map(({ tree }) => tree)).toEqual(trees);
        expect(departures.map(({ error }) => error?.message ?? null)).toEqual([
          null,
          expect.stringContaining('it is pinned'),
          null,
          expect.stringContaining('it is mounted'),
          expect.stringContaining('is not removed'),
          null,
          expect.stringContaining('is not removed'),
        ]);
        const stay = [pinned, mounted, exchanged].map((path) => toText(path).slice(scene.archive.length + 1));
        const after = everything(scene);
        for (const name of stay) expect([name, after[name]]).toEqual([name, before[name]]);
        expect(Object.keys(after).filter((name) => !name.startsWith('.roots-trash.'))).toEqual([...stay, SIBLING].sort());
        expect(Object.keys(after).filter((name) => name.startsWith('.roots-trash.'))).toHaveLength(step === 'remove' ? 0 : 3);

        await unmountEverywhere(scene);
        await backend.setPin(trees[1]!, null);
        const { trees: left } = await backend.list();
        await backend.remove(left.filter(({ name }) => name !== SIBLING));
      }
    },
  },
  {
    sentence: 'remove: the same tree twice goes once, and nothing else goes',
    test: async (scene) => {
      const name = nameOf(1);
      scene.addTree(name);
      const backend = await scene.open();
      const tree = await treeNamed(backend, name);
      const [first, second] = await backend.remove([tree, tree]);
      expect([first?.error, second?.error?.kind]).toEqual([null, 'failed']);
      expect(readdirSync(scene.archive)).toEqual([SIBLING]);
      expect(await backend.remove([])).toEqual([]);
    },
  },
  {
    sentence:
      'remove: one that the kernel keeps stays under its name as it is, in the middle of as many as go at once, and nested ones with it',
    unless: noNested,
    test: async (scene) => {
      const names = Array.from({ length: scene.ground.capabilities.atOnce }, (_, number) => nameOf(number));
      for (const name of names) addSmallTree(scene, name);
      const [keptName, trashedName] = [names[25]!, fromText('trashed')];
      const kept = inArchive(scene, keptName);
      nest(scene, kept, 'srv', 'srv/deep');
      scene.addTree(trashedName);
      const { run, calls } = counting();
      const backend = await scene.open({ run });
      const trees = await treesNamed(backend, names);
      const before = treeDigest(kept);
      tool('btrfs', 'subvolume', 'set-default', toText(kept));
      try {
        calls.length = 0;
        const departures = await backend.remove(trees);
        expect(departures.flatMap(({ error }) => (error === null ? [] : [error.message]))).toEqual([
          expect.stringMatching(new RegExp(`^[^ ]*${keptName} cannot be removed: `)),
        ]);
        expect(readdirSync(scene.archive).sort()).toEqual([keptName, SIBLING, trashedName].sort());
        expect(treeDigest(kept)).toBe(before);
        // Not one for each.
        expect(calls.length, calls.join('\n')).toBeLessThan(15);

        await discardOne(backend, await treeNamed(backend, trashedName));
        const inTrash = await trashedNamed(backend, trashedName);
        tool('btrfs', 'subvolume', 'set-default', toText(inArchive(scene, inTrash.name)));
        expect((await backend.remove([inTrash]))[0]?.error?.message).toMatch(/^[^ ]*trashed cannot be removed: /);
        expect(await trashedNamed(backend, trashedName)).toEqual(inTrash);
      } finally {
        tool('btrfs', 'subvolume', 'set-default', '5', scene.base);
      }
      const { trees: left, trashed } = await backend.list();
      const last = await backend.remove([...left.filter(({ name }) => name !== SIBLING), ...trashed]);
      expect(last.map(({ error }) => error)).toEqual([null, null]);
      expect(last.flatMap(({ nested }) => nested)).toEqual(['srv/deep', 'srv']);
    },
  },
];
