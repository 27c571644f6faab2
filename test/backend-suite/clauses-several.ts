import { expect } from 'vitest';
import { fromText, type BytePath } from '../../src/byte-path.ts';
import type { ArchivedTree, Backend } from '../../src/backend/backend.ts';
import { SIBLING, chattr, counting, digestOf, everything, expectNames, mountTree, nest, unmountEverywhere } from './scene.ts';
import { TRASHED_AT, discardOne, trashedNamed, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { noKeeping } from './unless.ts';

const nameOf = (number: number): BytePath => fromText(`2026-10-${String(number).padStart(2, '0')}_08:00:00`);

type Seven<T> = [T, T, T, T, T, T, T];

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
        const [, , nested, mounted, exchanged, flagged, gone] = paths as Seven<BytePath>;
        if (scene.about.capabilities.nestedTrees) nest(scene, nested, 'srv', 'srv/deep');
        if (scene.about.flags) chattr(scene, '+i', flagged, '');
        const backend = await scene.open();
        const trees = await treesNamed(backend, names);
        await backend.setPin(trees[1]!, { note: '', at: new Date(0) });
        mountTree(scene, mounted, scene.mountPoint());
        scene.ground.removeTree(gone);
        scene.ground.removeTree(exchanged);
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
        const stay = [names[1]!, names[3]!, names[4]!];
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
      expectNames(scene, SIBLING);
      expect(await backend.remove([])).toEqual([]);
    },
  },
  {
    sentence:
      'remove: one that the kernel keeps stays under its name as it is, in the middle of many that go at once, and nested ones with it',
    unless: noKeeping,
    test: async (scene) => {
      const { atOnce, nestedTrees } = scene.about.capabilities;
      const names = Array.from({ length: Math.max(Math.min(atOnce, scene.ground.many ?? Infinity), 3) }, (_, number) => nameOf(number));
      for (const name of names) scene.addSmallTree(name);
      const [keptName, trashedName] = [names[Math.floor(names.length / 8)]!, fromText('trashed')];
      const kept = scene.at(keptName);
      if (nestedTrees) nest(scene, kept, 'srv', 'srv/deep');
      scene.addTree(trashedName);
      const { run, calls } = counting();
      const backend = await scene.open({ run });
      const trees = await treesNamed(backend, names);
      const before = digestOf(scene, kept);
      const release = scene.ground.keep!(kept);
      try {
        calls.length = 0;
        const departures = await backend.remove(trees);
        expect(departures.flatMap(({ error }) => (error === null ? [] : [error.message]))).toEqual([
          expect.stringMatching(new RegExp(`^[^ ]*${keptName} (?:cannot be|is not) removed: `)),
        ]);
        // Not one for each, where many go at once.
        if (atOnce > 100) expect(calls.length, calls.join('\n')).toBeLessThan(15);
      } finally {
        release();
      }
      expectNames(scene, keptName, SIBLING, trashedName);
      expect(digestOf(scene, kept)).toBe(before);

      await discardOne(backend, await treeNamed(backend, trashedName));
      const inTrash = await trashedNamed(backend, trashedName);
      const releaseTrash = scene.ground.keep!(scene.at(inTrash.name));
      try {
        expect((await backend.remove([inTrash]))[0]?.error?.message).toMatch(/^[^ ]*trashed (?:cannot be|is not) removed: /);
      } finally {
        releaseTrash();
      }
      expect(await trashedNamed(backend, trashedName)).toEqual(inTrash);
      const { trees: left, trashed } = await backend.list();
      const last = await backend.remove([...left.filter(({ name }) => name !== SIBLING), ...trashed]);
      expect(last.map(({ error }) => error)).toEqual([null, null]);
      expect(last.flatMap(({ nested }) => nested)).toEqual(nestedTrees ? ['srv/deep', 'srv'] : []);
    },
  },
];
