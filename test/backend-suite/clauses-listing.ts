import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, toText } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { openAt } from './open-at.ts';
import { inOtherNamespace } from './processes.ts';
import { SIBLING, counting } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');
const ODD_NAMES = [
  fromText('line\nbreak'),
  fromText('-rf'),
  fromText(' spaces  and\ttab '),
  fromText('x'.repeat(255)),
  fromText('back\\slash"\''),
  fromBytes(Buffer.from([0x63, 0x61, 0x66, 0xe9])),
  fromBytes(Buffer.from([0xff, 0x0a, 0xfe])),
];

const noNested: Clause['unless'] = ({ capabilities }) => (capabilities.nestedTrees ? false : 'a tree holds no independent trees');

export const LISTING: readonly Clause[] = [
  {
    sentence: 'list: all that is in the archive, read fresh',
    test: async (scene) => {
      const backend = await scene.open();
      expect((await backend.list()).trees.map((tree) => tree.name)).toEqual([SIBLING]);
      const path = scene.addTree(NAME);
      expect((await backend.list()).trees.map((tree) => tree.name).sort()).toEqual([SIBLING, NAME].sort());
      renameSync(toBytes(path), toBytes(joinPath(fromText(scene.archive), fromText('elsewhere'))));
      expect((await backend.list()).trees.map((tree) => tree.name).sort()).toEqual([SIBLING, fromText('elsewhere')].sort());
    },
  },
  {
    sentence: 'list: a name is bytes, whatever they are',
    test: async (scene) => {
      for (const name of ODD_NAMES) scene.addTree(name);
      const backend = await scene.open();
      for (const round of ['uncommitted', 'committed']) {
        const { trees, others } = await backend.list();
        expect(trees.map((tree) => tree.name).sort(), round).toEqual([SIBLING, ...ODD_NAMES].sort());
        expect(others, round).toEqual([]);
        expect(new Set(trees.map((tree) => tree.id)).size, round).toBe(trees.length);
        scene.ground.commit();
      }
    },
  },
  {
    sentence: 'list: a tree is positively a tree of its own; everything else in the archive is told with why',
    test: async (scene) => {
      const names = ['2026-11-02_00:00:00', '2026-11-03_00:00:00', '2026-11-04_00:00:00', '2026-11-05_00:00:00'] as const;
      const at = (name: string): string => join(scene.archive, name);
      writeFileSync(at(names[0]), 'a file');
      symlinkSync(toText(SIBLING), at(names[1]));
      symlinkSync(scene.outside, at(names[2]));
      mkdirSync(at(names[3]));
      tool('mount', '-t', 'tmpfs', 'roots-test', at(names[3]));
      tool('mkfifo', at('fifo'));
      const { trees, others } = await (await scene.open()).list();
      expect(trees.map((tree) => tree.name)).toEqual([SIBLING]);
      expect(others.map((other) => other.name as string).sort()).toEqual([...names, 'fifo']);
      for (const { why } of others) expect(why).not.toBe('');
    },
  },
  {
    sentence: 'list: a plain directory is no tree of its own where trees are subvolumes',
    unless: noNested,
    test: async (scene) => {
      const plain = join(scene.archive, '2026-11-02_00:00:00');
      tool('cp', '-a', join(scene.archive, SIBLING), plain);
      const backend = await scene.open();
      const { trees, others } = await backend.list();
      expect(trees.map((tree) => tree.name)).toEqual([SIBLING]);
      expect(others).toEqual([{ name: '2026-11-02_00:00:00', why: 'a plain directory, not a subvolume' }]);
    },
  },
  {
    sentence: "list: the backend's own state is not in it",
    test: async (scene) => {
      const backend = await scene.open();
      await backend.setPin(await treeNamed(backend, SIBLING), { note: '', at: new Date(0) });
      const { trees, others } = await backend.list();
      expect([...trees, ...others].map((each) => each.name)).toEqual([SIBLING]);
    },
  },
  {
    sentence: 'list: changes nothing',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.list();
      expect(tool('ls', '-A', scene.archive)).toBe(`${SIBLING}\n`);
    },
  },
  {
    sentence: 'list: the number of programs it starts does not grow with the archive',
    test: async (scene) => {
      const { run, calls } = counting();
      const backend = await scene.open({ run });
      const programsFor = async (count: number): Promise<number> => {
        for (let number = 0; number < count; number += 1) scene.addTree(fromText(`17000000${String(count)}-${String(number)}`));
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
      rmSync(scene.archive, { recursive: true });
      await expect(scene.open().then((backend) => backend.list())).rejects.toMatchObject({ kind: 'not-found' });
    },
    changesBeside: true,
  },
  {
    sentence: 'id: what a tree is known by survives a rename where the filesystem has identities, and a new tree has another',
    unless: ({ capabilities }) => (capabilities.stableIdentity ? false : 'there are no identities but names'),
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      const { id } = await treeNamed(backend, NAME);
      renameSync(toBytes(path), join(scene.archive, 'renamed'));
      scene.addTree(NAME);
      expect((await treeNamed(backend, fromText('renamed'))).id).toBe(id);
      expect((await treeNamed(backend, NAME)).id).not.toBe(id);
    },
  },
  {
    sentence: 'createdAt: when the filesystem says it was made; never mtime, ctime or birth time',
    test: async (scene) => {
      const before = Math.floor(Date.now() / 1000) * 1000;
      const path = scene.addTree(NAME);
      tool('touch', '-d', '2001-01-01', '--', toText(path));
      const backend = await scene.open();
      for (const round of ['uncommitted', 'committed']) {
        const { createdAt } = await treeNamed(backend, NAME);
        if (!scene.ground.capabilities.creationTime) expect(createdAt).toBeNull();
        else expect(createdAt?.getTime(), round).toBeGreaterThanOrEqual(before);
        scene.ground.commit();
      }
    },
  },
  {
    sentence: 'readOnly: as it is',
    unless: noNested,
    test: async (scene) => {
      scene.ground.makeReadOnly(scene.addTree(NAME));
      scene.ground.commit();
      const backend = await scene.open();
      expect((await treeNamed(backend, NAME)).readOnly).toBe(true);
      expect((await treeNamed(backend, SIBLING)).readOnly).toBe(false);
    },
  },
  {
    sentence: 'mountPoints: where it is mounted, or anything in it',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const backend = await scene.open();
      expect((await treeNamed(backend, NAME)).mountPoints).toEqual([]);
      const [whole, part] = [scene.mountPoint(), scene.mountPoint()];
      scene.ground.mountTree(path, whole);
      tool('mount', '--bind', join(path, 'home/alice'), part);
      expect([...(await treeNamed(backend, NAME)).mountPoints].sort()).toEqual([whole, part].sort());
      expect((await treeNamed(backend, SIBLING)).mountPoints).toEqual([]);
    },
  },
  {
    sentence: 'mountPoints: something is mounted inside it',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const inside = join(path, 'home/alice');
      tool('mount', '-t', 'tmpfs', 'roots-test', inside);
      const backend = await scene.open();
      expect((await treeNamed(backend, NAME)).mountPoints).toEqual([inside]);
    },
  },
  {
    sentence: 'mountPoints: in any mount namespace',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const at = scene.mountPoint();
      const other = await inOtherNamespace(`mount --bind '${path}' '${at}'`);
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
      scene.addTree(NAME);
      const live = join(scene.archive, NAME);
      const opened = await openAt(scene.ground.location({ live, blank: scene.blank, archive: scene.archive }));
      try {
        expect((await treeNamed(opened.backend, NAME)).isLive).toBe(true);
        expect((await treeNamed(opened.backend, SIBLING)).isLive).toBe(false);
        await expect(removeOne(opened.backend, await treeNamed(opened.backend, NAME))).rejects.toThrow('is not removed');
        expect(readFileSync(join(live, 'etc/hostname'), 'utf8')).toBe('nixos\n');
      } finally {
        await opened.close();
      }
    },
  },
  {
    sentence: 'holdsRoot: a whole old root nested in it by a collision of names',
    unless: noNested,
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
      writeFileSync(join(path, 'large'), Buffer.alloc(3 << 20, 'roots'));
      scene.addTree(ODD_NAMES[6] ?? NAME);
      tool('sync', '-f', scene.base);
      const backend = await scene.open();
      const { trees } = await backend.list();
      const sizes = await backend.measure(trees);
      expect([...sizes.keys()].sort()).toEqual(trees.map((tree) => tree.id).sort());
      const large = sizes.get((await treeNamed(backend, NAME)).id);
      expect(large?.sizeBytes).toBeGreaterThanOrEqual(3 << 20);
      expect(large?.exclusiveBytes).toBeGreaterThanOrEqual(3 << 20);
      expect(sizes.get((await treeNamed(backend, SIBLING)).id)?.sizeBytes).toBeLessThan(1 << 20);
      for (const [id] of backend.knownSizes(trees)) expect(trees.map((tree) => tree.id)).toContain(id);
      expect(await backend.measure([])).toEqual(new Map());
    },
  },
];
