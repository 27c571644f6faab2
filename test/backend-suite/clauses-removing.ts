import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toText, type BytePath } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { spread } from './moments.ts';
import { longName, oddNames } from './odd-names.ts';
import { startActor, until, type Task } from './processes.ts';
import { SIBLING, chattr, everything, expectGone, expectNames, mountTree, nest, read, unmountEverywhere, type Scene } from './scene.ts';
import { discardOne, lockWhenFree, removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { either, noDirectory, noFlags, noNested, noReadOnly } from './unless.ts';

const [NAME, OTHER] = ['2026-11-10_08:00:00', '2026-11-11_08:00:00'].map(fromText) as [BytePath, BytePath];

/** Nested trees, each in the tree itself or in one before it, where such names can be had. */
function nestedPaths({ about }: Scene): readonly string[] {
  return about.names === 'zfs'
    ? ['srv', 'machines', 'machines/a', 'machines/a/-b  c']
    : ['srv', 'var/machines', 'var/machines/a', 'var/machines/a/line\nbreak'];
}

export const REMOVING: readonly Clause[] = [
  {
    sentence: 'remove: the tree is gone afterwards, and everything beside it is untouched',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const report = await removeOne(backend, await treeNamed(backend, NAME));
      expect(report).toEqual({ nested: [], notes: [] });
      expectGone(scene, path);
      expect((await backend.list()).trees.map((tree) => tree.name)).toEqual([SIBLING]);
      await backend.flush();
    },
  },
  {
    sentence: 'remove: whatever bytes the name is',
    test: async (scene) => {
      const backend = await scene.open();
      for (const name of [...oddNames(scene), longName(scene)]) {
        const path = scene.addSmallTree(name);
        await removeOne(backend, await treeNamed(backend, name));
        expectGone(scene, path);
      }
    },
  },
  {
    sentence: 'remove: with the trees nested in it, deepest first, which are reported',
    unless: noNested,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const paths = nestedPaths(scene);
      nest(scene, path, ...paths);
      const backend = await scene.open();
      const { nested } = await removeOne(backend, await treeNamed(backend, NAME));
      expect([...nested].sort()).toEqual([...paths].sort());
      expect(nested.filter((each) => each !== 'srv')).toEqual(paths.slice(1).reverse());
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: if a nested tree is mounted, nothing of the whole goes',
    unless: noNested,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      nest(scene, path, 'a', 'b', 'b/c');
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      mountTree(scene, joinPath(path, fromText('b/c')), scene.mountPoint());
      await expect(removeOne(backend, tree)).rejects.toThrow('it is mounted');
      for (const each of ['a', 'b', 'b/c']) expect(read(scene, joinPath(path, fromText(each)), 'data'), each).toBe(each);
      await unmountEverywhere(scene);
      await removeOne(backend, tree);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: if something is mounted in a nested tree, nothing of the whole goes',
    unless: either(noNested, noDirectory),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      nest(scene, path, 'var/a', 'var/b', 'var/b/c');
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      const inside = join(toText(path), 'var/b/c/d');
      mkdirSync(inside);
      tool('mount', '-t', 'tmpfs', 'roots-test', inside);
      await expect(removeOne(backend, tree)).rejects.toThrow('it is mounted');
      for (const each of ['var/a/data', 'var/b/data', 'var/b/c/data']) expect(existsSync(join(toText(path), each)), each).toBe(true);
      await unmountEverywhere(scene);
      await removeOne(backend, tree);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: a read-only tree',
    unless: noReadOnly,
    test: async (scene) => {
      const backend = await scene.open();
      const path = scene.addTree(NAME);
      scene.ground.makeReadOnly(path);
      expect((await removeOne(backend, await treeNamed(backend, NAME))).nested).toEqual([]);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: a read-only tree that holds nested ones, read-only too',
    unless: either(noReadOnly, ({ readOnly }) => (readOnly === 'snapshot' ? 'what is read-only holds no trees' : false)),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      nest(scene, path, 'srv', 'srv/deep');
      for (const each of ['srv/deep', 'srv', '']) scene.ground.makeReadOnly(joinPath(path, fromText(each)));
      const backend = await scene.open();
      expect((await removeOne(backend, await treeNamed(backend, NAME))).nested).toEqual(['srv/deep', 'srv']);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: immutable and append-only flags inside the tree do not stop it',
    unless: noFlags,
    test: async (scene) => {
      const backend = await scene.open();
      for (const flag of ['+i', '+a']) {
        for (const what of ['var/empty', 'etc/hostname', 'full', '']) {
          const path = scene.addTree(NAME);
          chattr(scene, flag, path, what);
          await removeOne(backend, await treeNamed(backend, NAME));
          expectGone(scene, path);
        }
      }
    },
  },
  {
    sentence: 'remove: flags are cleared only inside the tree, and it is told',
    unless: noFlags,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      writeFileSync(join(scene.outside, 'kept'), '');
      scene.ground.within(path, (at) => tool('ln', '-s', join(scene.outside, 'kept'), join(toText(at), 'home/kept')));
      tool('chattr', '+i', join(scene.outside, 'kept'));
      chattr(scene, '+i', path, 'home', '');
      try {
        const backend = await scene.open();
        const { notes } = await removeOne(backend, await treeNamed(backend, NAME));
        // A dataset goes with them.
        if (scene.about.archive === 'directory') expect(notes.join('\n')).toContain('immutable');
        else expect(notes).toEqual([]);
        expectGone(scene, path);
        expect(tool('lsattr', '-d', join(scene.outside, 'kept')).split(' ')[0]).toContain('i');
      } finally {
        tool('chattr', '-i', join(scene.outside, 'kept'));
      }
    },
    changesBeside: true,
  },
  {
    sentence: 'remove: an immutable directory that holds a nested tree, and an immutable nested tree',
    unless: either(noNested, noFlags),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const directory = scene.about.archive === 'directory' ? 'var/empty/' : '';
      const [outer, inner] = [`${directory}a`, `${directory}a/b`];
      nest(scene, path, outer, inner);
      for (const each of [inner, outer]) chattr(scene, '+i', joinPath(path, fromText(each)), '');
      chattr(scene, '+i', path, 'var/empty', '');
      const backend = await scene.open();
      const { nested } = await removeOne(backend, await treeNamed(backend, NAME));
      expect(nested).toEqual([inner, outer]);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove, discard: a read-only tree whose flags cannot be cleared stays as it is',
    unless: ({ readOnly, flags }) => (readOnly === 'snapshot' && flags ? false : 'there are no flags that cannot be cleared'),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      chattr(scene, '+i', path, '');
      scene.ground.makeReadOnly(path);
      const backend = await scene.open();
      const before = everything(scene);
      const tree = await treeNamed(backend, NAME);
      for (const step of [removeOne, discardOne]) await expect(step(backend, tree)).rejects.toMatchObject({ kind: 'failed' });
      expect(everything(scene)).toEqual(before);
      expect((await treeNamed(backend, NAME)).id).toBe(tree.id);
    },
  },
  {
    sentence: 'remove: an immutable archive is not changed for it',
    unless: either(noFlags, noDirectory),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      tool('chattr', '+i', scene.archive);
      try {
        await expect(removeOne(backend, tree)).rejects.toThrow();
        expect(read(scene, path, 'etc/hostname')).toBe('nixos\n');
      } finally {
        tool('chattr', '-i', scene.archive);
      }
    },
  },
  {
    sentence: 'remove: killed at any moment, it leaves each tree listed or out of the archive, and the next run finishes',
    test: async (scene) => {
      const names = [NAME, OTHER];
      const backend = await scene.open();
      let killed = 0;
      const round = async (killAfter: Pick<Task, 'killAfter'>): Promise<number> => {
        const path = scene.addTree(NAME);
        if (scene.about.capabilities.nestedTrees) nest(scene, path, 'srv', 'srv/deep');
        scene.addTree(OTHER);
        const actor = startActor({ location: scene.location, action: 'remove', names, ...killAfter });
        const { status, signal } = await actor.gone;
        expect(signal === 'SIGKILL' || status === 0, actor.output()).toBe(true);
        if (signal !== null) killed += 1;
        // What it had started may go on for a moment.
        await until('its programs to end', () => !programsOn(scene));
        const lock = await lockWhenFree(backend);
        for (const { error } of await backend.sweep(() => true)) expect(error).toBeNull();
        const { trees, others } = await backend.list();
        expect(others).toEqual([]);
        const left = await backend.remove(trees.filter(({ name }) => names.includes(name)));
        expect(left.filter(({ error }) => error !== null)).toEqual([]);
        await lock.release();
        expectGone(scene, path);
        expectNames(scene, SIBLING);
        return Number(/^after (\d+) programs$/m.exec(actor.output())?.[1] ?? 0);
      };
      const programs = await round({});
      expect(programs).toBeGreaterThan(0);
      for (const killAfter of spread(programs, scene.ground.moments)) await round({ killAfter });
      expect(killed).toBeGreaterThan(0);
    },
  },
];

/** A program that is told of something in the scene, such as an `rm` that outlived who started it. */
function programsOn({ base }: Scene): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      const [program = '', ...args] = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') : [];
      if (/^(?:bcachefs|zfs)$/.test(basename(program))) return true;
      return /^(?:rm|xargs|chattr|mv)$/.test(basename(program)) && args.some((arg) => arg.includes(basename(base)));
    } catch {
      return false;
    }
  });
}
