import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { tool } from '../support/scratch.ts';
import { TAKEN } from './clauses-trash.ts';
import { moments } from './moments.ts';
import { openAt } from './open-at.ts';
import { SIBLING, everything, nest, type Scene } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');
const noSnapshots: Clause['unless'] = ({ capabilities }) => (capabilities.snapshots ? false : 'there are no snapshots');

const inArchive = (scene: Scene, name: BytePath): BytePath => joinPath(fromText(scene.archive), name);

export const SNAPSHOT: readonly Clause[] = [
  {
    sentence: 'snapshot: of the live root as it is now, read-only, in the archive, with what it does not hold',
    unless: noSnapshots,
    test: async (scene) => {
      for (const name of [...['daily.0', '-r', 'line\nbreak'].map(fromText), fromBytes(Buffer.from([0xff, 0x0a]))]) {
        const backend = await scene.open();
        writeFileSync(join(scene.live, 'here'), `before ${name}`);
        const content = treeDigest(fromText(scene.live));
        expect(await backend.snapshot(name)).toEqual([]);
        writeFileSync(join(scene.live, 'here'), 'after');
        expect(treeDigest(inArchive(scene, name))).toBe(content);
        expect(tool('btrfs', 'property', 'get', '-ts', scene.live, 'ro')).toBe('ro=false\n');
        scene.ground.commit();
        const tree = await treeNamed(backend, name);
        expect(tree.readOnly).toBe(true);
        expect(Math.abs((tree.createdAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
        await removeOne(backend, tree);
      }
      nest(scene, fromText(scene.live), 'srv', 'srv/line\nbreak', 'tmp');
      const backend = await scene.open();
      expect([...(await backend.snapshot(NAME))].sort()).toEqual(['srv', 'srv/line\nbreak', 'tmp']);
      expect(existsSync(join(scene.archive, NAME, 'srv/data'))).toBe(false);
      expect(readFileSync(join(scene.live, 'srv/line\nbreak/data'), 'utf8')).toBe('srv/line\nbreak');
    },
    changesBeside: true,
  },
  {
    sentence: 'snapshot: errors with `failed` if the name is taken; nothing is put anywhere',
    unless: noSnapshots,
    test: async (scene) => {
      const backend = await scene.open();
      const path = inArchive(scene, NAME);
      for (const [what, plant] of [...TAKEN, ['a whole tree', () => void scene.addTree(NAME)] as const]) {
        plant(scene, path);
        const before = everything(scene);
        await expect(backend.snapshot(NAME), what).rejects.toMatchObject({ kind: 'failed' });
        expect(everything(scene), what).toEqual(before);
        rmSync(toBytes(path), { recursive: true });
      }
    },
  },
  {
    sentence: 'snapshot: one that comes to lie elsewhere, since the name is taken meanwhile, is no success',
    unless: noSnapshots,
    test: async (scene) => {
      const between = moments();
      const backend = await scene.open({ run: between.run });
      const path = inArchive(scene, NAME);
      for (const [what, plant] of TAKEN) {
        const { result } = await between.at(
          1,
          (call) => {
            expect(call).toContain('subvolume snapshot');
            plant(scene, path);
          },
          () => backend.snapshot(NAME).catch((error: unknown) => error),
        );
        expect(result, what).toMatchObject({ kind: 'failed' });
        renameSync(toBytes(path), join(scene.mountPoint(), 'away'));
      }
    },
    changesBeside: true,
  },
  {
    sentence: 'snapshot: refuses a live root that is no tree of its own, or is reached by a link',
    unless: noSnapshots,
    test: async (scene) => {
      scene.ground.makeTree(fromText(join(scene.base, 'beside')));
      mkdirSync(join(scene.base, 'plain'));
      symlinkSync('beside', join(scene.base, 'link'));
      symlinkSync('.', join(scene.base, 'here'));
      for (const live of ['plain', 'link', 'here/beside', 'nothing']) {
        const { backend, close } = await openAt(scene.ground.location({ ...scene, live: join(scene.base, live) }));
        try {
          await expect(backend.snapshot(NAME), live).rejects.toMatchObject({ kind: 'failed' });
          expect(lstatSync(join(scene.archive, NAME), { throwIfNoEntry: false })).toBeUndefined();
        } finally {
          await close();
        }
      }
    },
  },
  {
    sentence: 'snapshot: errors with `unsupported` where there are none',
    unless: ({ capabilities }) => (capabilities.snapshots ? 'there are snapshots' : false),
    test: async (scene) => {
      await expect((await scene.open()).snapshot(NAME)).rejects.toMatchObject({ kind: 'unsupported' });
      expect(tool('ls', '-A', scene.archive)).toBe(`${toText(SIBLING)}\n`);
    },
  },
];
