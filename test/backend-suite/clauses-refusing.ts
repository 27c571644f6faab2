import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, toText } from '../../src/byte-path.ts';
import type { ArchivedTree, Backend } from '../../src/backend/backend.ts';
import { tool } from '../support/scratch.ts';
import { alike } from './odd-names.ts';
import { openAt } from './open-at.ts';
import { inOtherNamespace } from './processes.ts';
import { SIBLING, everything, mountInside, mountPart, mountScript, mountTree, nest, unmountEverywhere, type Scene } from './scene.ts';
import { TRASHED_AT, discardOne, removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { noDirectory } from './unless.ts';

const NAME = fromText('2026-11-10_08:00:00');
const PIN = { note: 'the one before the upgrade', at: new Date('2026-11-11T12:00:00.000Z') };

/** It can neither be removed nor be put into the trash, and the whole archive is as it was. */
async function refuses(scene: Scene, backend: Backend, tree: ArchivedTree, why: string | RegExp = 'is not removed'): Promise<void> {
  const before = everything(scene);
  for (const step of [removeOne, discardOne]) await expect(step(backend, tree)).rejects.toThrow(why);
  expect(everything(scene)).toEqual(before);
}

export const REFUSING: readonly Clause[] = [
  {
    sentence: 'setPin: sets or, with null, clears the pin of a tree, and another opening sees it',
    test: async (scene) => {
      scene.addTree(NAME);
      const backend = await scene.open();
      await backend.setPin(await treeNamed(backend, NAME), PIN);
      expect((await treeNamed(await scene.open(), NAME)).pin).toEqual(PIN);
      expect((await treeNamed(backend, SIBLING)).pin).toBeNull();
      await backend.setPin(await treeNamed(backend, NAME), { ...PIN, note: 'line\nbreak \u001b[31m' });
      expect((await treeNamed(backend, NAME)).pin?.note).toBe('line\nbreak \u001b[31m');
      await backend.setPin(await treeNamed(backend, NAME), null);
      expect((await treeNamed(await scene.open(), NAME)).pin).toBeNull();
    },
  },
  {
    sentence: 'setPin: the pin of one tree is not that of another, whatever bytes their names are',
    test: async (scene) => {
      const [one, other] = alike(scene);
      scene.addTree(one);
      scene.addTree(other);
      const backend = await scene.open();
      await backend.setPin(await treeNamed(backend, one), PIN);
      expect((await treeNamed(backend, one)).pin).toEqual(PIN);
      expect((await treeNamed(backend, other)).pin).toBeNull();
    },
  },
  {
    sentence: 'pin: one that cannot be understood is one',
    test: async (scene) => {
      const backend = await scene.open();
      const ways = scene.ground.damagedPins(scene.at(SIBLING));
      expect(ways.length).toBeGreaterThan(0);
      for (const { what, damage } of ways) {
        await backend.setPin(await treeNamed(backend, SIBLING), PIN);
        const mend = damage();
        expect((await treeNamed(backend, SIBLING)).pin, what).not.toBeNull();
        await refuses(scene, backend, await treeNamed(backend, SIBLING), 'it is pinned');
        mend();
        expect((await treeNamed(backend, SIBLING)).pin, what).toBeNull();
      }
    },
  },
  {
    sentence: 'pin: where the pins of an archive cannot be understood, none is changed, and every tree is pinned',
    unless: ({ archive }) => (archive === 'dataset' ? 'each tree has a pin of its own' : false),
    test: async (scene) => {
      const backend = await scene.open();
      scene.addTree(NAME);
      await backend.setPin(await treeNamed(backend, SIBLING), PIN);
      for (const { what, damage } of scene.ground.damagedPins(scene.at(SIBLING))) {
        const mend = damage();
        const { trees, warnings } = await backend.list();
        expect(
          trees.map((tree) => tree.pin === null),
          what,
        ).toEqual([false, false]);
        expect(warnings.join('\n'), what).toContain('every old root counts as pinned');
        for (const tree of trees) await expect(backend.setPin(tree, PIN)).rejects.toThrow('no pin can be changed');
        mend();
      }
    },
  },
  {
    sentence: 'pin: what was planted as `.roots` or in it pins every tree and is not followed',
    unless: ({ archive }) => (archive === 'dataset' ? 'pins are properties' : false),
    test: async (scene) => {
      const backend = await scene.open();
      const state = join(scene.archive, '.roots');
      const plants: readonly (() => void)[] = [
        () => writeFileSync(state, 'planted'),
        () => symlinkSync(scene.outside, state),
        () => symlinkSync('/nonexistent', state),
        () => {
          mkdirSync(state);
          symlinkSync('/nonexistent', join(state, 'pins.json'));
        },
        () => {
          mkdirSync(state);
          mkdirSync(join(state, 'pins.json'));
        },
      ];
      for (const [number, plant] of plants.entries()) {
        plant();
        const tree = await treeNamed(backend, SIBLING);
        expect(tree.pin, `plant ${String(number)}`).not.toBeNull();
        await refuses(scene, backend, tree, 'it is pinned');
        await expect(backend.setPin(tree, PIN)).rejects.toThrow();
        rmSync(state, { recursive: true });
      }
    },
  },
  {
    sentence: 'remove, discard: refuse a pinned tree',
    test: async (scene) => {
      scene.addTree(NAME);
      const backend = await scene.open();
      const before = await treeNamed(backend, NAME);
      await (await scene.open()).setPin(before, PIN);
      await refuses(scene, backend, before, 'it is pinned (the one before the upgrade)');
    },
  },
  {
    sentence: 'remove, discard: refuse a tree that is mounted, or a part of it',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      for (const mount of [
        (at: string) => mountTree(scene, path, at),
        (at: string) => mountPart(scene, path, 'home/alice', at),
        (at: string) => mountPart(scene, path, 'etc/hostname', fileAt(at)),
      ]) {
        mount(scene.mountPoint());
        await refuses(scene, backend, tree, 'it is mounted');
        await unmountEverywhere(scene);
      }
      await removeOne(backend, tree);
    },
  },
  {
    sentence: 'remove, discard: refuse a tree in which something is mounted',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      const { inside } = mountInside(scene, path, 'home/alice');
      tool('umount', inside);
      tool('mount', '--bind', scene.outside, inside);
      await refuses(scene, backend, tree, 'it is mounted');
    },
  },
  {
    sentence: 'remove, discard: refuse a tree that is mounted in another mount namespace',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const at = scene.mountPoint();
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      const mount = mountScript(scene, path, at);
      const part = `mkdir '${at}/part'; mount --bind '${at}/tree/home' '${at}/part'; umount '${at}/tree'`;
      for (const script of [
        mount,
        `mount -t tmpfs roots-test '${at}'; mkdir '${at}/tree'; ${mountScript(scene, path, join(at, 'tree'))}; ${part}`,
      ]) {
        const other = await inOtherNamespace(script);
        try {
          await refuses(scene, backend, tree, 'it is mounted');
        } finally {
          await other.kill();
        }
      }
      await removeOne(backend, tree);
    },
  },
  {
    sentence: 'remove, discard: refuse a tree that has something mounted in it in another mount namespace only',
    unless: noDirectory,
    test: async (scene) => {
      scene.addTree(NAME);
      const path = toText(scene.at(NAME));
      const at = scene.mountPoint();
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      const elsewhere = `mount --bind '${scene.base}' '${at}' && umount -l '${scene.base}' 2>/dev/null || true`;
      for (const script of [
        `mount --bind '${path}' '${at}'`,
        `mount -t tmpfs roots-test '${join(path, 'var')}'`,
        `${elsewhere}; mount -t tmpfs roots-test '${join(at, 'old_roots', NAME, 'var')}'`,
      ]) {
        const other = await inOtherNamespace(script);
        try {
          await refuses(scene, backend, tree, 'it is mounted');
        } finally {
          await other.kill();
        }
      }
      await removeOne(backend, tree);
    },
  },
  {
    sentence: 'remove, discard: refuse a tree that is mounted in a mount namespace that no process lives in',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const at = scene.mountPoint();
      const kept = scene.mountPoint();
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      tool('mount', '-t', 'tmpfs', 'roots-test', kept);
      tool('mount', '--make-private', kept);
      const file = join(kept, 'namespace');
      writeFileSync(file, '');
      tool('unshare', `--mount=${file}`, ...scene.ground.mountCommand(path, at));
      await refuses(scene, backend, tree, 'it is mounted');
      tool('umount', file);
      await removeOne(backend, tree);
    },
  },
  {
    sentence: 'remove, discard: refuse the live root and the blank, where they are in the archive',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const inIt = toText(path);
      // Where trees are subvolumes or directories, any directory may be the live root.
      if (scene.about.archive === 'dataset') nest(scene, path, 'home');
      for (const [live, blank, word] of [
        [inIt, scene.blank, 'live root'],
        [join(inIt, 'home'), scene.blank, 'live root'],
        [scene.live, inIt, 'blank'],
      ] as const) {
        const { backend, close } = await openAt(scene.ground.location({ live, blank, archive: scene.archive }));
        try {
          await refuses(scene, backend, await treeNamed(backend, NAME), word);
        } finally {
          await close();
        }
      }
    },
  },
  {
    sentence: 'remove, discard: refuse the live root and the blank by any path that leads there',
    unless: ({ capabilities }) => (capabilities.nestedTrees ? 'its paths are not those of a mounted system' : false),
    test: async (scene) => {
      scene.addTree(NAME);
      const link = join(scene.base, 'link');
      symlinkSync(scene.archive, link);
      symlinkSync(join(scene.archive, NAME), join(scene.base, 'direct'));
      for (const live of [
        join(link, NAME),
        join(link, NAME, 'home'),
        join(scene.base, 'direct'),
        join(scene.archive, '..', 'direct'),
        `${scene.archive}/${NAME}/`,
      ]) {
        const { backend, close } = await openAt(scene.ground.location({ live, blank: scene.blank, archive: scene.archive }));
        try {
          await refuses(scene, backend, await treeNamed(backend, NAME), 'live root');
        } finally {
          await close();
        }
      }
    },
  },
  {
    sentence: 'remove, discard: refuse a tree that is not the one that was listed under this name',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      const gone = scene.away();
      scene.ground.renameTree(path, gone);
      await refuses(scene, backend, tree);
      const directory = ['a directory', () => void tool('cp', '-a', scene.outside, toText(path))] as const;
      for (const [, plant] of [
        ['another tree', () => void scene.addTree(NAME)] as const,
        ...(scene.about.archive === 'directory' ? [directory] : []),
        ...scene.ground.others,
      ]) {
        plant(path);
        await refuses(scene, backend, tree);
        scene.ground.renameTree(path, scene.away());
      }
      scene.ground.renameTree(gone, path);
      await removeOne(backend, tree);
    },
  },
  {
    sentence: 'remove, discard: refuse what is no single name of an old root',
    test: async (scene) => {
      const backend = await scene.open();
      nest(scene, scene.at(SIBLING), ...(scene.about.capabilities.nestedTrees ? ['srv'] : []));
      const tree = await treeNamed(backend, SIBLING);
      await backend.setPin(tree, null);
      const names = ['.', '..', '.roots', '../root', '../root-blank', 'srv', 'home'].flatMap((name) => [name, `${SIBLING}/${name}`]);
      const marks = ['@', '@%', '%', '#x', '@x,y', '@blank'].flatMap((mark) => [mark, `${SIBLING}${mark}`]);
      const all = [...names, ...marks, `./${SIBLING}`, `${SIBLING}/`, `/${SIBLING}`, '', '/', scene.blank, 'nothing', '-r', '-R'];
      const trees = all.map((name) => ({ ...tree, name: fromText(name) }));
      const before = [everything(scene), scene.digest()];
      for (const step of [() => backend.remove(trees), () => backend.discard(trees, TRASHED_AT)]) {
        const departures = await step();
        for (const [at, name] of all.entries()) expect(departures[at]?.error?.message, name).toContain('is not removed');
        expect(departures).toHaveLength(all.length);
      }
      expect([everything(scene), scene.digest()]).toEqual(before);
    },
    changesBeside: true,
  },
];

function fileAt(directory: string): string {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  return file;
}
