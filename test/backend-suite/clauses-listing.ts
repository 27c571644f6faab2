import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { longName, oddNames, oddest } from './odd-names.ts';
import { openAt } from './open-at.ts';
import { inOtherNamespace } from './processes.ts';
import { SIBLING, contentOf, counting, everything, mountInside, mountPart, mountScript, mountTree, read, write } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { either, noDirectory, noIdentity, noNested, noReadOnly } from './unless.ts';

const [NAME, ELSEWHERE] = ['2026-11-10_08:00:00', 'elsewhere'].map(fromText) as [BytePath, BytePath];

export const LISTING: readonly Clause[] = [
  {
    sentence: 'list: all that is in the archive, read fresh',
    test: async (scene) => {
      const backend = await scene.open();
      expect((await backend.list()).trees.map((tree) => tree.name)).toEqual([SIBLING]);
      const path = scene.addTree(NAME);
      expect((await backend.list()).trees.map((tree) => tree.name).sort()).toEqual([SIBLING, NAME].sort());
      scene.ground.renameTree(path, scene.at(ELSEWHERE));
      expect((await backend.list()).trees.map((tree) => tree.name).sort()).toEqual([SIBLING, ELSEWHERE].sort());
      scene.ground.removeTree(scene.at(ELSEWHERE));
      expect((await backend.list()).trees.map((tree) => tree.name)).toEqual([SIBLING]);
    },
  },
  {
    sentence: 'list: a name is bytes, whatever they are',
    test: async (scene) => {
      const names = [...oddNames(scene), longName(scene)];
      for (const name of names) scene.ground.makeTree(scene.at(name));
      const backend = await scene.open();
      for (const round of ['uncommitted', 'committed']) {
        const { trees, others } = await backend.list();
        expect(trees.map((tree) => tree.name).sort(), round).toEqual([SIBLING, ...names].sort());
        expect(trees.map((tree) => tree.timeName).sort(), round).toEqual([SIBLING, ...names].sort());
        expect(others, round).toEqual([]);
        expect(new Set(trees.map((tree) => tree.id)).size, round).toBe(trees.length);
        scene.ground.commit();
      }
    },
  },
  {
    sentence: 'list: a tree is positively a tree of its own; everything else in the archive is told with why',
    test: async (scene) => {
      const names = scene.ground.others.map((_, at) => fromText(`2026-11-${String(at + 10)}_00:00:00`));
      for (const [at, [, plant]] of scene.ground.others.entries()) plant(scene.at(names[at]!));
      expect(names.length).toBeGreaterThan(0);
      const { trees, trashed, others } = await (await scene.open()).list();
      expect([trees.map((tree) => tree.name), trashed]).toEqual([[SIBLING], []]);
      expect(others.map((other) => other.name).sort()).toEqual(names);
      for (const { why } of others) expect(why).not.toBe('');
    },
  },
  {
    sentence: 'list: what another filesystem is mounted at is no tree of its own',
    unless: noDirectory,
    test: async (scene) => {
      const path = toText(scene.at(NAME));
      mkdirSync(path);
      tool('mount', '-t', 'tmpfs', 'roots-test', path);
      symlinkSync(scene.outside, join(scene.archive, 'link'));
      const { trees, others } = await (await scene.open()).list();
      expect(trees.map((tree) => tree.name)).toEqual([SIBLING]);
      expect(others.map((other) => other.name).sort()).toEqual([NAME, 'link']);
    },
  },
  {
    sentence: 'list: a plain directory is no tree of its own where trees are subvolumes',
    unless: either(noNested, noDirectory),
    test: async (scene) => {
      tool('cp', '-a', toText(scene.at(SIBLING)), toText(scene.at(NAME)));
      const backend = await scene.open();
      const { trees, others } = await backend.list();
      expect(trees.map((tree) => tree.name)).toEqual([SIBLING]);
      expect(others).toEqual([{ name: NAME, why: 'a plain directory, not a subvolume' }]);
    },
  },
  {
    sentence: "list: the backend's own state is not in it",
    test: async (scene) => {
      const backend = await scene.open();
      await backend.setPin(await treeNamed(backend, SIBLING), { note: '', at: new Date(0) });
      await backend.appendLog(['a line']);
      const { trees, trashed, others } = await backend.list();
      expect([...trees, ...trashed, ...others].map((each) => each.name)).toEqual([SIBLING]);
    },
  },
  {
    sentence: 'list: changes nothing',
    test: async (scene) => {
      const seen = (): unknown => [
        everything(scene),
        scene.ground.beyond([fromText(scene.archive)]),
        contentOf(scene, fromText(scene.archive)),
      ];
      const before = seen();
      const backend = await scene.open();
      await backend.list();
      await backend.generation();
      await backend.readLog();
      expect(seen()).toEqual(before);
    },
  },
  {
    sentence: 'list: the number of programs it starts does not grow with the archive',
    test: async (scene) => {
      const { run, calls } = counting();
      const backend = await scene.open({ run });
      const programsFor = async (count: number): Promise<number> => {
        for (let number = 0; number < count; number += 1)
          scene.ground.makeTree(scene.at(fromText(`17000000${String(count)}-${String(number)}`)));
        scene.ground.commit();
        calls.length = 0;
        await backend.list();
        return calls.length;
      };
      const few = await programsFor(3);
      expect(await programsFor(40), calls.join('\n')).toBe(few);
    },
  },
  {
    sentence: 'list: errors with `not-found` if the archive does not exist',
    test: async (scene) => {
      scene.ground.removeTree(fromText(scene.archive));
      await expect(scene.open().then((backend) => backend.list())).rejects.toMatchObject({ kind: 'not-found' });
    },
    changesBeside: true,
  },
  {
    sentence: 'id: what a tree is known by survives a rename where the filesystem has identities, and a new tree has another',
    unless: noIdentity,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const { id } = await treeNamed(backend, NAME);
      scene.ground.renameTree(path, scene.at(ELSEWHERE));
      scene.addTree(NAME);
      expect((await treeNamed(backend, ELSEWHERE)).id).toBe(id);
      expect((await treeNamed(backend, NAME)).id).not.toBe(id);
    },
  },
  {
    sentence: 'createdAt: when the filesystem says it was made; never mtime, ctime or birth time',
    test: async (scene) => {
      const before = Math.floor(Date.now() / 1000) * 1000;
      const path = scene.addTree(NAME);
      scene.ground.within(path, (at) => tool('touch', '-d', '2001-01-01', '--', toText(at)));
      const backend = await scene.open();
      for (const round of ['uncommitted', 'committed']) {
        const { createdAt } = await treeNamed(backend, NAME);
        if (!scene.about.capabilities.creationTime) expect(createdAt).toBeNull();
        else expect(createdAt?.getTime(), round).toBeGreaterThanOrEqual(before);
        scene.ground.commit();
      }
    },
  },
  {
    sentence: 'readOnly: as it is',
    unless: noReadOnly,
    test: async (scene) => {
      scene.ground.makeReadOnly(scene.addTree(NAME));
      scene.ground.commit();
      const backend = await scene.open();
      expect((await treeNamed(backend, NAME)).readOnly).toBe(true);
      expect((await treeNamed(backend, SIBLING)).readOnly).toBe(false);
    },
  },
  {
    sentence: 'heldBy: what else the filesystem keeps it for',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      expect((await treeNamed(backend, NAME)).heldBy).toEqual([]);
      if (scene.ground.hold === null) return;
      const before = everything(scene);
      const release = scene.ground.hold(path, 'a tag');
      const held = await treeNamed(backend, NAME);
      expect(held.heldBy).toEqual(['a tag']);
      expect((await treeNamed(backend, SIBLING)).heldBy).toEqual([]);
      await expect(removeOne(backend, held)).rejects.toThrow('is not removed');
      release();
      expect(everything(scene)).toEqual(before);
      await removeOne(backend, await treeNamed(backend, NAME));
    },
  },
  {
    sentence: 'mountPoints: where it is mounted, or a part of it',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      expect((await treeNamed(backend, NAME)).mountPoints).toEqual([]);
      const [whole, part] = [scene.mountPoint(), scene.mountPoint()];
      mountTree(scene, path, whole);
      mountPart(scene, path, 'home/alice', part);
      expect([...(await treeNamed(backend, NAME)).mountPoints].sort()).toEqual([whole, part].sort());
      expect((await treeNamed(backend, SIBLING)).mountPoints).toEqual([]);
    },
  },
  {
    sentence: 'mountPoints: something is mounted inside it',
    test: async (scene) => {
      const { inside, whole } = mountInside(scene, scene.addTree(NAME), 'home/alice');
      const backend = await scene.open();
      // What has to be mounted for that is in use anyway.
      expect((await treeNamed(backend, NAME)).mountPoints).toEqual(whole === null ? [inside] : expect.arrayContaining([whole]));
      expect((await treeNamed(backend, SIBLING)).mountPoints).toEqual([]);
    },
  },
  {
    sentence: 'mountPoints: in any mount namespace',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const at = scene.mountPoint();
      const other = await inOtherNamespace(mountScript(scene, path, at));
      try {
        const backend = await scene.open();
        expect((await treeNamed(backend, NAME)).mountPoints).toEqual([at]);
        await other.kill();
        expect((await treeNamed(backend, NAME)).mountPoints).toEqual([]);
      } finally {
        await other.kill();
      }
    },
  },
  {
    sentence: 'isLive: it is the tree that the live root is',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const live = toText(path);
      const opened = await openAt(scene.ground.location({ live, blank: scene.blank, archive: scene.archive }));
      try {
        expect((await treeNamed(opened.backend, NAME)).isLive).toBe(true);
        expect((await treeNamed(opened.backend, SIBLING)).isLive).toBe(false);
        await expect(removeOne(opened.backend, await treeNamed(opened.backend, NAME))).rejects.toThrow('is not removed');
        expect(read(scene, path, 'etc/hostname')).toBe('nixos\n');
      } finally {
        await opened.close();
      }
    },
  },
  {
    sentence: 'holdsRoot: a whole old root nested in it by a collision of names',
    unless: either(noNested, ({ archive }) =>
      archive === 'dataset' ? 'a rename to a name that is taken fails and puts nothing into it' : false,
    ),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      scene.ground.makeTree(joinPath(path, fromText('root')));
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      expect(tree.holdsRoot).toBe('root');
      expect((await treeNamed(backend, SIBLING)).holdsRoot).toBeNull();
      await expect(removeOne(backend, tree)).rejects.toThrow('holds another old root');
      expect((await treeNamed(backend, NAME)).holdsRoot).toBe('root');
    },
  },
  {
    sentence: 'pathOf: an absolute path at which the tree can be read until `close`',
    test: async (scene) => {
      const backend = await scene.open();
      const read = async (tree: Parameters<typeof backend.pathOf>[0], name: string): Promise<string> =>
        readFileSync(toBytes(joinPath(await backend.pathOf(tree), fromText(name))), 'utf8');
      expect(await read('live', 'here')).toBe(scene.live);
      expect(await read('blank', 'here')).toBe(scene.blank);
      expect(await read(await treeNamed(backend, SIBLING), 'etc/hostname')).toBe('nixos\n');
    },
  },
  {
    sentence: 'pathOf: no program that goes by names is led out of the tree by a link in it, and links can be read',
    test: async (scene) => {
      scene.addTree(NAME);
      const backend = await scene.open();
      const link = joinPath(await backend.pathOf(await treeNamed(backend, NAME)), fromText('home/alice/out'));
      expect(readlinkSync(toBytes(link), 'utf8')).toBe(scene.outside);
      expect(readFileSync(join(scene.outside, 'secret'), 'utf8')).not.toBe('');
      expect(() => readFileSync(toBytes(joinPath(link, fromText('secret'))))).toThrow('ELOOP');
    },
  },
  {
    sentence: 'pathOf: errors with `not-found` if the target has no such tree',
    test: async (scene) => {
      const backend = await scene.open();
      const tree = await treeNamed(backend, SIBLING);
      await expect(backend.pathOf({ ...tree, name: fromText('nothing') })).rejects.toMatchObject({ kind: 'not-found' });
    },
  },
  {
    sentence: 'measure: sizes by `id`, what only this tree holds among them; knownSizes: without work',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      // What can be compressed may take no space.
      write(scene, path, 'large', randomBytes(3 << 20));
      scene.addTree(oddest(scene));
      scene.ground.within(path, (at) => tool('sync', '-f', toText(at)));
      scene.ground.commit();
      const backend = await scene.open();
      const { trees } = await backend.list();
      const sizes = await backend.measure(trees);
      expect([...sizes.keys()].sort()).toEqual(trees.map((tree) => tree.id).sort());
      const large = sizes.get((await treeNamed(backend, NAME)).id);
      expect(large?.sizeBytes).toBeGreaterThanOrEqual(3 << 20);
      if (scene.about.capabilities.exclusiveSize) expect(large?.exclusiveBytes).toBeGreaterThanOrEqual(3 << 20);
      else expect(large?.exclusiveBytes).toBeNull();
      expect(sizes.get((await treeNamed(backend, SIBLING)).id)?.sizeBytes).toBeLessThan(1 << 20);
      for (const [id] of backend.knownSizes(trees)) expect(trees.map((tree) => tree.id)).toContain(id);
      expect(await backend.measure([])).toEqual(new Map());
    },
  },
];
