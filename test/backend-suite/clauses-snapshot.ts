import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, type BytePath } from '../../src/byte-path.ts';
import type { Backend } from '../../src/backend/backend.ts';
import { RootsError } from '../../src/errors.ts';
import type { Plant } from './ground.ts';
import { moments } from './moments.ts';
import { openAt } from './open-at.ts';
import { SIBLING, contentOf, everything, expectNames, nest, read, write, type Scene } from './scene.ts';
import { discardOne, removeOne, trashedNamed, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { taken } from './taken.ts';
import { noSnapshots } from './unless.ts';

const SLOT = 'today';

/** What may have taken the name of a snapshot. Where snapshots are apart from other trees, only another one can. */
function takenFor(scene: Scene, name: BytePath): readonly Plant[] {
  if (name.startsWith('@')) return [['a snapshot', (path) => scene.ground.makeTree(path)]];
  return [...taken(scene), ['a whole tree', () => void scene.addTree(name)]];
}

/** As the archive is given them: those of a snapshot may have a mark. */
function snapshotNames(scene: Scene, backend: Backend): readonly BytePath[] {
  const { names } = scene.about;
  return ['daily.0', '-r', ...(names === 'zfs' ? ['a:b'] : ['line\nbreak'])].map((slot) => backend.snapshotName(slot));
}

export const SNAPSHOT: readonly Clause[] = [
  {
    sentence: 'snapshot: of the live root as it is now, read-only, in the archive, with what it does not hold',
    unless: noSnapshots,
    test: async (scene) => {
      const live = fromText(scene.live);
      for (const name of snapshotNames(scene, await scene.open())) {
        const backend = await scene.open();
        write(scene, live, 'here', `before ${name}`);
        const content = contentOf(scene, live);
        expect(await backend.snapshot(name)).toEqual([]);
        write(scene, live, 'here', 'after');
        expect(contentOf(scene, scene.at(name))).toBe(content);
        scene.ground.commit();
        const tree = await treeNamed(backend, name);
        expect(tree.readOnly).toBe(true);
        expect(Math.abs((tree.createdAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
        await removeOne(backend, tree);
      }
      const paths = ['srv', scene.about.names === 'zfs' ? 'srv/a  b' : 'srv/line\nbreak', 'tmp'];
      nest(scene, live, ...paths);
      const backend = await scene.open();
      const name = backend.snapshotName(SLOT);
      const missing = await backend.snapshot(name);
      for (const path of paths) {
        const nested = joinPath(live, fromText(path));
        expect(read(scene, nested, 'data')).toBe(path);
        // What it does not hold is told; what is held is a snapshot by the same name.
        expect(missing.includes(fromText(path)), path).toBe(!scene.ground.exists(`${nested}${name}` as BytePath));
      }
      expect(missing.length).toBeLessThanOrEqual(paths.length);
      expect(scene.ground.within(scene.at(name), (at) => scene.ground.exists(joinPath(at, fromText('srv/data'))))).toBe(false);
    },
    changesBeside: true,
  },
  {
    sentence: 'snapshotName: what a slot is called, and the part of it that says so',
    unless: noSnapshots,
    test: async (scene) => {
      const backend = await scene.open();
      const name = backend.snapshotName(SLOT);
      await backend.snapshot(name);
      const tree = await treeNamed(backend, name);
      expect([tree.timeName, tree.holdsRoot, tree.pin]).toEqual([SLOT, null, null]);
      await backend.rename(tree, backend.snapshotName('yesterday'));
      expect(await treeNamed(backend, backend.snapshotName('yesterday'))).toEqual({
        ...tree,
        name: backend.snapshotName('yesterday'),
        timeName: 'yesterday',
      });
      await discardOne(backend, await treeNamed(backend, backend.snapshotName('yesterday')));
      const trashed = await trashedNamed(backend, backend.snapshotName('yesterday'));
      expect([trashed.id, trashed.timeName]).toEqual([tree.id, 'yesterday']);
      await backend.undelete(trashed);
      await removeOne(backend, await treeNamed(backend, backend.snapshotName('yesterday')));
      expectNames(scene, SIBLING);
    },
  },
  {
    sentence: 'snapshot: errors with `failed` if the name is taken; nothing is put anywhere',
    unless: noSnapshots,
    test: async (scene) => {
      const backend = await scene.open();
      const name = backend.snapshotName(SLOT);
      const path = scene.at(name);
      for (const [what, plant] of takenFor(scene, name)) {
        plant(path);
        const before = everything(scene);
        await expect(backend.snapshot(name), what).rejects.toMatchObject({ kind: 'failed' });
        expect(everything(scene), what).toEqual(before);
        scene.ground.removeTree(path);
      }
    },
  },
  {
    sentence: 'snapshot: one that comes to lie elsewhere, since the name is taken meanwhile, is no success',
    unless: noSnapshots,
    test: async (scene) => {
      const between = moments();
      const backend = await scene.open({ run: between.run });
      const name = backend.snapshotName(SLOT);
      const path = scene.at(name);
      for (const [what, plant] of takenFor(scene, name)) {
        const { result, times } = await between.before(
          / snapshot -r /,
          () => {
            plant(path);
          },
          () => backend.snapshot(name).catch((error: unknown) => error),
        );
        expect([times, result], what).toMatchObject([1, { kind: 'failed' }]);
        // What was planted goes with what may have been put into it.
        if (name.startsWith('@')) scene.ground.removeTree(path);
        else scene.ground.renameTree(path, scene.away());
      }
    },
    changesBeside: true,
  },
  {
    sentence: 'snapshot: refuses a live root that is no tree of its own, or is reached by a link',
    unless: noSnapshots,
    test: async (scene) => {
      scene.ground.makeTree(fromText(join(scene.base, 'beside')));
      const lives = ['nothing'];
      if (scene.about.archive === 'directory') {
        mkdirSync(join(scene.base, 'plain'));
        symlinkSync('beside', join(scene.base, 'link'));
        symlinkSync('.', join(scene.base, 'here'));
        lives.push('plain', 'link', 'here/beside');
      } else {
        for (const [at, [, plant]] of scene.ground.others.entries()) {
          plant(fromText(join(scene.base, `other-${String(at)}`)));
          lives.push(`other-${String(at)}`);
        }
      }
      for (const live of lives) {
        const before = everything(scene);
        const result = await snapshotOf(scene, live).catch((error: unknown) => error);
        expect(result, live).toBeInstanceOf(RootsError);
        expect(['failed', 'not-found'], live).toContain((result as RootsError).kind);
        expect(everything(scene), live).toEqual(before);
      }
    },
  },
  {
    sentence: 'snapshot: errors with `unsupported` where there are none',
    unless: ({ capabilities }) => (capabilities.snapshots ? 'there are snapshots' : false),
    test: async (scene) => {
      const backend = await scene.open();
      await expect(backend.snapshot(backend.snapshotName(SLOT))).rejects.toMatchObject({ kind: 'unsupported' });
      expectNames(scene, SIBLING);
    },
  },
];

async function snapshotOf(scene: Scene, live: string): Promise<void> {
  const { backend, close } = await openAt(scene.ground.location({ ...scene, live: join(scene.base, live) }));
  try {
    await backend.snapshot(backend.snapshotName(SLOT));
  } finally {
    await close();
  }
}
