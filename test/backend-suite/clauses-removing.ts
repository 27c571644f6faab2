import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromBytes, fromText, joinPath, type BytePath } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { startActor, until } from './processes.ts';
import { SIBLING, expectGone, nest, unmountEverywhere } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const [NAME, OTHER] = ['2026-11-10_08:00:00', '2026-11-11_08:00:00'].map(fromText) as [BytePath, BytePath];
const noNested: Clause['unless'] = ({ capabilities }) => (capabilities.nestedTrees ? false : 'a tree holds no independent trees');
const noFlags: Clause['unless'] = ({ flags }) => (flags ? false : 'the filesystem has no such flags');

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
      const names = [
        fromText('line\nbreak'),
        fromText('-rf'),
        fromText('x'.repeat(255)),
        fromText('*'),
        fromBytes(Buffer.from([0xff, 0x0a, 0xfe])),
      ];
      const backend = await scene.open();
      for (const name of names) {
        const path = scene.addTree(name);
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
      nest(scene, path, 'var/machines', 'var/machines/a', 'var/machines/a/line\nbreak', 'srv');
      const backend = await scene.open();
      const { nested } = await removeOne(backend, await treeNamed(backend, NAME));
      expect([...nested].sort()).toEqual(['srv', 'var/machines', 'var/machines/a', 'var/machines/a/line\nbreak']);
      expect(nested.filter((each) => each.startsWith('var'))).toEqual(['var/machines/a/line\nbreak', 'var/machines/a', 'var/machines']);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: if a nested tree is mounted, or something is in it, nothing of the whole goes',
    unless: noNested,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      nest(scene, path, 'var/a', 'var/b', 'var/b/c');
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      const at = scene.mountPoint();
      const inside = join(path, 'var/b/c/d');
      mkdirSync(inside);
      for (const mount of [
        () => scene.ground.mountTree(joinPath(path, fromText('var/b/c')), at),
        () => void tool('mount', '-t', 'tmpfs', 'roots-test', inside),
      ]) {
        mount();
        await expect(removeOne(backend, tree)).rejects.toThrow('it is mounted');
        for (const each of ['var/a/data', 'var/b/data', 'var/b/c/data']) expect(existsSync(join(path, each)), each).toBe(true);
        await unmountEverywhere(scene);
      }
      await removeOne(backend, tree);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: a read-only tree, and one that holds nested trees',
    unless: noNested,
    test: async (scene) => {
      const backend = await scene.open();
      for (const nested of [[], ['srv', 'srv/deep']]) {
        const path = scene.addTree(NAME);
        nest(scene, path, ...nested);
        for (const each of [...nested].reverse()) scene.ground.makeReadOnly(joinPath(path, fromText(each)));
        scene.ground.makeReadOnly(path);
        const report = await removeOne(backend, await treeNamed(backend, NAME));
        expect(report.nested).toEqual([...nested].reverse());
        expectGone(scene, path);
      }
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
          tool('chattr', flag, join(path, what));
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
      tool('ln', '-s', join(scene.outside, 'kept'), join(path, 'home/kept'));
      tool('chattr', '+i', join(scene.outside, 'kept'));
      tool('chattr', '+i', join(path, 'home'));
      tool('chattr', '+i', path);
      try {
        const backend = await scene.open();
        const { notes } = await removeOne(backend, await treeNamed(backend, NAME));
        expect(notes.join('\n')).toContain('immutable');
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
    unless: noNested,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      nest(scene, path, 'var/empty/a', 'var/empty/a/b');
      for (const each of ['var/empty/a/b', 'var/empty/a', 'var/empty', '']) tool('chattr', '+i', join(path, each));
      const backend = await scene.open();
      const { nested } = await removeOne(backend, await treeNamed(backend, NAME));
      expect(nested).toEqual(['var/empty/a/b', 'var/empty/a']);
      expectGone(scene, path);
    },
  },
  {
    sentence: 'remove: an immutable archive is not changed for it',
    unless: noFlags,
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const tree = await treeNamed(backend, NAME);
      tool('chattr', '+i', scene.archive);
      try {
        await expect(removeOne(backend, tree)).rejects.toThrow();
        expect(existsSync(join(path, 'etc/hostname'))).toBe(true);
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
      for (let killAfter = 1; ; killAfter += 1) {
        const path = scene.addTree(NAME);
        if (scene.ground.capabilities.nestedTrees) nest(scene, path, 'srv', 'srv/deep');
        scene.addTree(OTHER);
        const actor = startActor({ location: scene.location, action: 'remove', names, killAfter });
        const { status, signal } = await actor.gone;
        expect(signal === 'SIGKILL' || status === 0, actor.output()).toBe(true);
        // What it had started may go on for a moment.
        await until('the lock to be free', () => !programsOn(scene.archive));
        const lock = await backend.lock('exclusive');
        for (const { error } of await backend.sweep(() => true)) expect(error).toBeNull();
        const { trees, others } = await backend.list();
        expect(others).toEqual([]);
        const left = await backend.remove(trees.filter(({ name }) => names.includes(name)));
        expect(left.filter(({ error }) => error !== null)).toEqual([]);
        await lock.release();
        expectGone(scene, path);
        expect((await backend.list()).trees.map((tree) => tree.name)).toEqual([SIBLING]);
        if (signal === null) break;
      }
    },
  },
];

/** A program with the archive in its arguments, such as an `rm` that outlived who started it. */
function programsOn(archive: string): boolean {
  return tool('sh', '-c', `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done`)
    .split('\n')
    .some((line) => /^(?:rm|xargs|chattr) /.test(line) && line.includes(archive));
}
