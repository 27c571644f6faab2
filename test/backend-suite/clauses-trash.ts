import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import type { TrashedTree } from '../../src/backend/backend.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { tool } from '../support/scratch.ts';
import { atEachMoment, moments } from './moments.ts';
import { SIBLING, everything, expectGone, nest, unmountEverywhere, type Scene } from './scene.ts';
import { TRASHED_AT, discardOne, removeOne, trashedNamed, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');
const noNested: Clause['unless'] = ({ capabilities }) => (capabilities.nestedTrees ? false : 'a tree holds no independent trees');
const noFlags: Clause['unless'] = ({ flags }) => (flags ? false : 'the filesystem has no such flags');

const inArchive = (scene: Scene, name: BytePath): BytePath => joinPath(fromText(scene.archive), name);

/** What may have taken a name in the archive. */
export const TAKEN: readonly (readonly [what: string, plant: (scene: Scene, path: BytePath) => void])[] = [
  ['an empty directory', (_, path) => mkdirSync(toBytes(path))],
  ['an empty tree', (scene, path) => scene.ground.makeTree(path)],
  ['a file', (_, path) => writeFileSync(toBytes(path), 'kept')],
  ['a link that leads nowhere', (_, path) => symlinkSync('/nonexistent', toBytes(path))],
  ['a link to a directory', (scene, path) => symlinkSync(scene.outside, toBytes(path))],
];

export const TRASH: readonly Clause[] = [
  {
    sentence: 'discard, undelete: the tree is in the trash, and then back under its name, as it was, with all that is in it',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      if (scene.ground.capabilities.nestedTrees) nest(scene, path, 'srv', 'srv/deep');
      if (scene.ground.flags) for (const each of ['var/empty', 'etc/hostname']) tool('chattr', '+i', join(path, each));
      const before = treeDigest(path);
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      expect(await backend.discard([tree], TRASHED_AT)).toMatchObject([{ tree, error: null, nested: [], notes: [] }]);
      expect(lstatSync(toBytes(path), { throwIfNoEntry: false })).toBeUndefined();

      const { trees, trashed, others, warnings } = await (await scene.open()).list();
      expect([trees.map(({ name }) => name), others, warnings]).toEqual([[SIBLING], [], []]);
      const [inTrash] = trashed;
      expect(trashed).toEqual([{ ...tree, name: inTrash?.name, formerName: NAME, trashedAt: new Date('2026-11-20T10:00:00Z') }]);
      expect(treeDigest(inArchive(scene, inTrash?.name ?? SIBLING))).toBe(before);

      await backend.undelete(await trashedNamed(backend, NAME));
      expect(treeDigest(path)).toBe(before);
      expect(await treeNamed(backend, NAME)).toEqual(tree);
      expect((await backend.list()).trashed).toEqual([]);
    },
  },
  {
    sentence: 'discard, undelete: whatever bytes the name is',
    test: async (scene) => {
      const names = [
        ...['line\nbreak', '-rf', '*', ' x ', 'T.roots-trash.20261120T100000Z.x', '.roots-trash.', 'x'.repeat(225)].map(fromText),
        fromBytes(Buffer.from([0xff, 0x0a, 0xfe])),
        fromBytes(Buffer.from([0x63, 0xe9])),
      ];
      for (const name of names) scene.addTree(name);
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
      const name = fromText('x'.repeat(226));
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
      const first = treeDigest(path);
      await discardOne(backend, await treeNamed(backend, NAME));
      scene.addTree(NAME);
      const second = treeDigest(path);
      await discardOne(backend, await treeNamed(backend, NAME));
      const trashed = [...(await backend.list()).trashed].sort((a, b) => a.trashedAt.getTime() - b.trashedAt.getTime());
      expect(trashed.map(({ formerName, trashedAt }) => [formerName, trashedAt.toISOString()])).toEqual([
        [NAME, '2026-11-20T10:00:00.000Z'],
        [NAME, '2026-11-20T10:00:01.000Z'],
      ]);
      const [one, other] = trashed as [TrashedTree, TrashedTree];
      await backend.undelete(one);
      expect(treeDigest(path)).toBe(first);
      await expect(backend.undelete(other)).rejects.toMatchObject({ kind: 'failed' });
      renameSync(toBytes(path), join(scene.mountPoint(), 'away'));
      await backend.undelete(other);
      expect(treeDigest(path)).toBe(second);
    },
  },
  {
    sentence: 'discard, undelete: a read-only tree, which stays so',
    unless: noNested,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      scene.ground.makeReadOnly(path);
      scene.ground.commit();
      const before = treeDigest(path);
      const backend = await scene.open();
      expect(await discardOne(backend, await treeNamed(backend, NAME))).toEqual({ nested: [], notes: [] });
      await backend.undelete(await trashedNamed(backend, NAME));
      expect(treeDigest(path)).toBe(before);
      expect((await treeNamed(backend, NAME)).readOnly).toBe(true);
    },
  },
  {
    sentence: 'discard, undelete: the flags of the tree itself are those that it had, in the trash and back, and nothing is told of them',
    unless: noFlags,
    test: async (scene) => {
      const backend = await scene.open();
      for (const flags of ['+i', '+a', '+ia']) {
        for (const readOnly of scene.ground.capabilities.nestedTrees ? [false, true] : [false]) {
          const path = scene.addTree(NAME);
          for (const each of ['var/empty', '']) tool('chattr', flags, join(path, each));
          if (readOnly) scene.ground.makeReadOnly(path);
          scene.ground.commit();
          const before = treeDigest(path);
          const listed = await treeNamed(backend, NAME);
          expect(listed.readOnly).toBe(readOnly);
          expect(await discardOne(backend, listed)).toEqual({ nested: [], notes: [] });
          scene.ground.commit();
          const trashed = await trashedNamed(backend, NAME);
          expect([trashed.readOnly, treeDigest(inArchive(scene, trashed.name))]).toEqual([readOnly, before]);
          await backend.undelete(trashed);
          scene.ground.commit();
          expect(treeDigest(path)).toBe(before);
          expect(await treeNamed(backend, NAME)).toEqual(listed);
          await removeOne(backend, listed);
        }
      }
    },
  },
  {
    sentence: 'trash: what is no tree is told as other, whatever its name, and never goes',
    test: async (scene) => {
      const name = (what: string): BytePath => fromText(`.roots-trash.20261120T100000Z.${what}`);
      writeFileSync(toBytes(inArchive(scene, name('file'))), '');
      symlinkSync(toText(SIBLING), toBytes(inArchive(scene, name('link'))));
      const backend = await scene.open();
      const before = everything(scene);
      const { trees, trashed, others } = await backend.list();
      expect([trees.length, trashed]).toEqual([1, []]);
      expect(others.map((other) => other.name).sort()).toEqual([name('file'), name('link')]);
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
      let lastMoments = 0;
      for (const [what, plant] of TAKEN) {
        plant(scene, path);
        const taken = everything(scene);
        await expect(backend.undelete(tree), what).rejects.toMatchObject({
          kind: 'failed',
          message: expect.stringContaining('something of that name') as string,
        });
        expect(everything(scene), what).toEqual(taken);
        rmSync(toBytes(path), { recursive: true });

        // Right before the last program, which renames.
        await atEachMoment(between, async (during) => {
          let planted = undefined as Record<string, string> | undefined;
          let result = undefined as unknown;
          const act = (call: string): void => {
            if (!call.startsWith('mv ')) return;
            plant(scene, path);
            planted = everything(scene);
          };
          await during(act, async () => (result = await backend.undelete(tree).catch((error: unknown) => error)));
          if (planted === undefined) {
            expect(result, what).toBeUndefined();
            await discardOne(backend, await treeNamed(backend, NAME));
            await backend.list();
          } else {
            expect(result, what).toMatchObject({ kind: 'failed' });
            expect(everything(scene), what).toEqual(planted);
            rmSync(toBytes(path), { recursive: true });
            lastMoments += 1;
          }
        });
      }
      expect(lastMoments).toBe(TAKEN.length);
      await backend.undelete(tree);
      expect((await backend.list()).trees.map(({ name }) => name).sort()).toEqual([SIBLING, NAME].sort());
    },
  },
  {
    sentence: 'undelete: refuses what is mounted, or is not what was listed',
    test: async (scene) => {
      const backend = await scene.open();
      const content = treeDigest(scene.addTree(NAME));
      await discardOne(backend, await treeNamed(backend, NAME));
      const tree = await trashedNamed(backend, NAME);
      const path = inArchive(scene, tree.name);
      const refuses = async (): Promise<void> => {
        const before = everything(scene);
        await expect(backend.undelete(tree)).rejects.toMatchObject({ kind: 'failed' });
        expect(everything(scene)).toEqual(before);
      };
      scene.ground.mountTree(path, scene.mountPoint());
      await refuses();
      await unmountEverywhere(scene);
      tool('mount', '-t', 'tmpfs', 'roots-test', join(toText(path), 'var'));
      await refuses();
      await unmountEverywhere(scene);

      const away = join(scene.mountPoint(), 'away');
      renameSync(toBytes(path), away);
      await refuses();
      for (const [, plant] of [...TAKEN, ['another', (): void => void scene.addTree(tree.name)] as const]) {
        plant(scene, path);
        await refuses();
        renameSync(toBytes(path), join(scene.mountPoint(), 'away'));
      }
      renameSync(away, toBytes(path));
      await backend.undelete(tree);
      expect(treeDigest(inArchive(scene, NAME))).toBe(content);
    },
  },
  {
    sentence: 'remove: a tree in the trash; one that cannot go stays there as it is, under the same name',
    test: async (scene) => {
      const backend = await scene.open();
      scene.addTree(NAME);
      await discardOne(backend, await treeNamed(backend, NAME));
      const tree = await trashedNamed(backend, NAME);
      scene.ground.mountTree(inArchive(scene, tree.name), scene.mountPoint());
      const before = everything(scene);
      await expect(removeOne(backend, tree)).rejects.toThrow(`${NAME} is not removed: it is mounted`);
      expect(everything(scene)).toEqual(before);
      await unmountEverywhere(scene);
      await removeOne(backend, tree);
      expect(readdirSync(scene.archive)).toEqual([SIBLING]);
    },
  },
];
