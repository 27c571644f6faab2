import { expect } from 'vitest';
import { fromText, type BytePath } from '../../src/byte-path.ts';
import type { TrashedTree } from '../../src/backend/backend.ts';
import { RENAMES, moments } from './moments.ts';
import { longName, oddNames } from './odd-names.ts';
import {
  SIBLING,
  chattr,
  digestOf,
  everything,
  expectGone,
  expectNames,
  mountInside,
  mountTree,
  nest,
  unmountEverywhere,
} from './scene.ts';
import { TRASHED_AT, discardOne, removeOne, trashedNamed, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { taken } from './taken.ts';
import { noFlags, noReadOnly } from './unless.ts';

const NAME = fromText('2026-11-10_08:00:00');
/** How many bytes the trash puts before a name. */
const STAMP = '.roots-trash.20261120T100000Z.'.length;

export const TRASH: readonly Clause[] = [
  {
    sentence: 'discard, undelete: the tree is in the trash, and then back under its name, as it was, with all that is in it',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      if (scene.about.capabilities.nestedTrees) nest(scene, path, 'srv', 'srv/deep');
      if (scene.about.flags) chattr(scene, '+i', path, 'var/empty', 'etc/hostname');
      const before = digestOf(scene, path);
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      expect(await backend.discard([tree], TRASHED_AT)).toMatchObject([{ tree, error: null, nested: [], notes: [] }]);
      expect(scene.ground.exists(path)).toBe(false);

      const { trees, trashed, others, warnings } = await (await scene.open()).list();
      expect([trees.map(({ name }) => name), others, warnings]).toEqual([[SIBLING], [], []]);
      const [inTrash] = trashed;
      expect(trashed).toEqual([{ ...tree, name: inTrash?.name, formerName: NAME, trashedAt: new Date('2026-11-20T10:00:00Z') }]);
      expect(digestOf(scene, scene.at(inTrash?.name ?? SIBLING))).toBe(before);

      await backend.undelete(await trashedNamed(backend, NAME));
      expect(digestOf(scene, path)).toBe(before);
      expect(await treeNamed(backend, NAME)).toEqual(tree);
      expect((await backend.list()).trashed).toEqual([]);
    },
  },
  {
    sentence: 'discard, undelete: whatever bytes the name is',
    test: async (scene) => {
      const names = [...oddNames(scene), longName(scene, STAMP)];
      for (const name of names) scene.addSmallTree(name);
      const backend = await scene.open();
      const before = everything(scene);
      const { trees } = await backend.list();
      expect((await backend.discard(trees, TRASHED_AT)).map(({ error }) => error)).toEqual(trees.map(() => null));
      const { trashed } = await backend.list();
      expect(trashed.map(({ formerName }) => formerName).sort()).toEqual([SIBLING, ...names].sort());
      for (const tree of trashed) await backend.undelete(tree);
      expect(everything(scene)).toEqual(before);
    },
  },
  {
    sentence: 'discard: a name that is too long for it is refused and stays; it can be removed',
    test: async (scene) => {
      const name = longName(scene, STAMP - 1);
      const path = scene.addTree(name);
      const backend = await scene.open();
      const before = everything(scene);
      await expect(discardOne(backend, await treeNamed(backend, name))).rejects.toThrow(
        'is not removed: its name is too long for the trash',
      );
      expect(everything(scene)).toEqual(before);
      await removeOne(backend, await treeNamed(backend, name));
      expectGone(scene, path);
    },
  },
  {
    sentence: 'discard: two of one name in one second are both kept, and both can be had back',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const first = digestOf(scene, path);
      await discardOne(backend, await treeNamed(backend, NAME));
      scene.addTree(NAME);
      const second = digestOf(scene, path);
      await discardOne(backend, await treeNamed(backend, NAME));
      const trashed = [...(await backend.list()).trashed].sort((a, b) => a.trashedAt.getTime() - b.trashedAt.getTime());
      expect(trashed.map(({ formerName, trashedAt }) => [formerName, trashedAt.toISOString()])).toEqual([
        [NAME, '2026-11-20T10:00:00.000Z'],
        [NAME, '2026-11-20T10:00:01.000Z'],
      ]);
      const [one, other] = trashed as [TrashedTree, TrashedTree];
      await backend.undelete(one);
      expect(digestOf(scene, path)).toBe(first);
      await expect(backend.undelete(other)).rejects.toMatchObject({ kind: 'failed' });
      scene.ground.renameTree(path, scene.away());
      await backend.undelete(other);
      expect(digestOf(scene, path)).toBe(second);
    },
  },
  {
    sentence: 'discard, undelete: a read-only tree, which stays so',
    unless: noReadOnly,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      scene.ground.makeReadOnly(path);
      scene.ground.commit();
      const before = digestOf(scene, path);
      const backend = await scene.open();
      expect(await discardOne(backend, await treeNamed(backend, NAME))).toEqual({ nested: [], notes: [] });
      await backend.undelete(await trashedNamed(backend, NAME));
      expect(digestOf(scene, path)).toBe(before);
      expect((await treeNamed(backend, NAME)).readOnly).toBe(true);
    },
  },
  {
    sentence: 'discard, undelete: the flags of the tree itself are those that it had, in the trash and back, and nothing is told of them',
    unless: noFlags,
    test: async (scene) => {
      const backend = await scene.open();
      // To a dataset they mean nothing.
      for (const flags of scene.about.archive === 'directory' ? ['+i', '+a', '+ia'] : ['+ia']) {
        // A snapshot is made of what has the flags, and then they stop its rename for good.
        for (const readOnly of scene.about.readOnly === 'property' ? [false, true] : [false]) {
          const path = scene.addTree(NAME);
          chattr(scene, flags, path, 'var/empty', '');
          if (readOnly) scene.ground.makeReadOnly(path);
          scene.ground.commit();
          const before = digestOf(scene, path);
          const listed = await treeNamed(backend, NAME);
          expect(listed.readOnly).toBe(readOnly);
          expect(await discardOne(backend, listed)).toEqual({ nested: [], notes: [] });
          scene.ground.commit();
          const trashed = await trashedNamed(backend, NAME);
          expect([trashed.readOnly, digestOf(scene, scene.at(trashed.name))]).toEqual([readOnly, before]);
          await backend.undelete(trashed);
          scene.ground.commit();
          expect(digestOf(scene, path)).toBe(before);
          expect(await treeNamed(backend, NAME)).toEqual(listed);
          await removeOne(backend, listed);
        }
      }
    },
  },
  {
    sentence: 'trash: what is no tree is told as other, whatever its name, and never goes',
    test: async (scene) => {
      const name = (number: number): BytePath => fromText(`.roots-trash.20261120T100000Z.${String(number)}`);
      for (const [number, [, plant]] of scene.ground.others.entries()) plant(scene.at(name(number)));
      const backend = await scene.open();
      const before = everything(scene);
      const { trees, trashed, others } = await backend.list();
      expect([trees.length, trashed]).toEqual([1, []]);
      expect(others.map((other) => other.name).sort()).toEqual([...scene.ground.others.keys()].map(name));
      const [tree] = trees;
      if (tree === undefined) throw new Error('it is not listed');
      for (const other of others) await expect(removeOne(backend, { ...tree, name: other.name })).rejects.toThrow('is not removed');
      expect(everything(scene)).toEqual(before);
    },
  },
  {
    sentence: 'undelete: never replaces anything, whatever has the name, and when it gets it',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const between = moments();
      const backend = await scene.open({ run: between.run });
      await discardOne(backend, await treeNamed(backend, NAME));
      const tree = await trashedNamed(backend, NAME);
      for (const [what, plant] of taken(scene)) {
        plant(path);
        const before = everything(scene);
        await expect(backend.undelete(tree), what).rejects.toMatchObject({
          kind: 'failed',
          message: expect.stringContaining('something of that name') as string,
        });
        expect(everything(scene), what).toEqual(before);
        scene.ground.removeTree(path);

        // Only right before the program that renames can this be too late to be seen.
        let planted: Record<string, string> = {};
        const act = (): void => {
          plant(path);
          planted = everything(scene);
        };
        const { result, times } = await between.before(RENAMES, act, () => backend.undelete(tree).catch((error: unknown) => error));
        expect([times, result], what).toMatchObject([1, { kind: 'failed' }]);
        expect(everything(scene), what).toEqual(planted);
        scene.ground.removeTree(path);
      }
      await backend.undelete(tree);
      expect((await backend.list()).trees.map(({ name }) => name).sort()).toEqual([SIBLING, NAME].sort());
    },
  },
  {
    sentence: 'undelete: refuses what is mounted, or is not what was listed',
    test: async (scene) => {
      const backend = await scene.open();
      const content = digestOf(scene, scene.addTree(NAME));
      await discardOne(backend, await treeNamed(backend, NAME));
      const tree = await trashedNamed(backend, NAME);
      const path = scene.at(tree.name);
      const refuses = async (): Promise<void> => {
        const before = everything(scene);
        await expect(backend.undelete(tree)).rejects.toMatchObject({ kind: 'failed' });
        expect(everything(scene)).toEqual(before);
      };
      mountTree(scene, path, scene.mountPoint());
      await refuses();
      await unmountEverywhere(scene);
      mountInside(scene, path, 'var');
      await refuses();
      await unmountEverywhere(scene);

      const away = scene.away();
      scene.ground.renameTree(path, away);
      await refuses();
      for (const [, plant] of [...taken(scene), ['another tree', (): void => void scene.addTree(tree.name)] as const]) {
        plant(path);
        await refuses();
        scene.ground.renameTree(path, scene.away());
      }
      scene.ground.renameTree(away, path);
      await backend.undelete(tree);
      expect(digestOf(scene, scene.at(NAME))).toBe(content);
    },
  },
  {
    sentence: 'remove: a tree in the trash; one that cannot go stays there as it is, under the same name',
    test: async (scene) => {
      const backend = await scene.open();
      scene.addTree(NAME);
      await discardOne(backend, await treeNamed(backend, NAME));
      const tree = await trashedNamed(backend, NAME);
      mountTree(scene, scene.at(tree.name), scene.mountPoint());
      const before = everything(scene);
      await expect(removeOne(backend, tree)).rejects.toThrow(`${NAME} is not removed: it is mounted`);
      expect(everything(scene)).toEqual(before);
      await unmountEverywhere(scene);
      await removeOne(backend, tree);
      expectNames(scene, SIBLING);
    },
  },
];
