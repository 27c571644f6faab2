import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import type { ArchivedTree, Backend } from '../../src/backend/backend.ts';
import { tool } from '../support/scratch.ts';
import { openAt } from './open-at.ts';
import { inOtherNamespace } from './processes.ts';
import { SIBLING, everything, unmountEverywhere, type Scene } from './scene.ts';
import { discardOne, removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

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
      const [one, other] = ['caf\xe9', 'caf\xe8'] as [BytePath, BytePath];
      scene.addTree(one);
      scene.addTree(other);
      const backend = await scene.open();
      await backend.setPin(await treeNamed(backend, one), PIN);
      expect((await treeNamed(backend, one)).pin).toEqual(PIN);
      expect((await treeNamed(backend, other)).pin).toBeNull();
    },
  },
  {
    sentence: 'pin: one that cannot be understood counts for every tree',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.setPin(await treeNamed(backend, SIBLING), null);
      const file = join(scene.archive, '.roots/pins.json');
      for (const content of ['', '{', 'null', '[]', '{"version":2,"pins":{}}', '{"version":1,"pins":{"x":{"name":1}}}']) {
        writeFileSync(file, content);
        const { trees, warnings } = await backend.list();
        expect(
          trees.map((tree) => tree.pin === null),
          content,
        ).toEqual([false]);
        expect(warnings.join('\n'), content).toContain('every old root counts as pinned');
        await refuses(scene, backend, await treeNamed(backend, SIBLING), 'it is pinned');
        await expect(backend.setPin(await treeNamed(backend, SIBLING), PIN)).rejects.toThrow('no pin can be changed');
      }
    },
  },
  {
    sentence: 'pin: what was planted as `.roots` or in it pins every tree and is not followed',
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
        (at: string) => scene.ground.mountTree(path, at),
        (at: string) => tool('mount', '--bind', join(path, 'home/alice'), at),
        (at: string) => tool('mount', '--bind', join(path, 'etc/hostname'), fileAt(at)),
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
      const inside = join(scene.addTree(NAME), 'home/alice');
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      tool('mount', '--bind', scene.outside, inside);
      await refuses(scene, backend, tree, 'it is mounted');
    },
  },
  {
    sentence: 'remove, discard: refuse a tree that is mounted in another mount namespace, or has something mounted in it there',
    test: async (scene) => {
      const path = scene.addTree(NAME);
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
      tool('unshare', `--mount=${file}`, 'mount', '--bind', toText(path), at);
      await refuses(scene, backend, tree, 'it is mounted');
      tool('umount', file);
      await removeOne(backend, tree);
    },
  },
  {
    sentence: 'remove, discard: refuse the live root and the blank, where they are in the archive',
    test: async (scene) => {
      scene.addTree(NAME);
      const inIt = join(scene.archive, NAME);
      for (const [live, blank, word] of [
        [inIt, scene.blank, 'live root'],
        [scene.live, inIt, 'blank'],
        [join(inIt, 'home'), scene.blank, 'live root'],
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
      const gone = join(scene.archive, 'gone');
      renameSync(toBytes(path), gone);
      await refuses(scene, backend, tree);
      for (const plant of [
        () => scene.addTree(NAME),
        () => void tool('cp', '-a', scene.outside, toText(path)),
        () => symlinkSync('gone', toBytes(path)),
        () => symlinkSync(scene.blank, toBytes(path)),
        () => writeFileSync(toBytes(path), ''),
      ]) {
        plant();
        await refuses(scene, backend, tree);
        renameSync(toBytes(path), join(scene.mountPoint(), 'away'));
      }
      renameSync(gone, toBytes(path));
      await removeOne(backend, tree);
    },
  },
  {
    sentence: 'remove, discard: refuse what is no single name of an old root',
    test: async (scene) => {
      const backend = await scene.open();
      const tree = await treeNamed(backend, SIBLING);
      await backend.setPin(tree, null);
      for (const name of [
        '.',
        '..',
        '.roots',
        '../root',
        '../root-blank',
        `${SIBLING}/home`,
        `./${SIBLING}`,
        `${SIBLING}/.`,
        '',
        '/',
        scene.blank,
        'nothing',
      ]) {
        await refuses(scene, backend, { ...tree, name: fromText(name) });
      }
    },
  },
];

function fileAt(directory: string): string {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  return file;
}
