import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toText, type BytePath } from '../../src/byte-path.ts';
import type { Backend } from '../../src/backend/backend.ts';
import { tool } from '../support/scratch.ts';
import { leftoverName, setAside } from './clauses-restoring.ts';
import type { Plant } from './ground.ts';
import { alike } from './odd-names.ts';
import { SIBLING, chattr, everything, expectNames, mountTree, nest, unmountEverywhere } from './scene.ts';
import { discardOne, removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { either, noDirectory, noFlags, noKeeping, noNested } from './unless.ts';

const NAME = fromText('2026-11-10_08:00:00');

async function names(backend: Backend): Promise<BytePath[]> {
  return (await backend.list()).trees.map(({ name }) => name).sort();
}

export const SWEEPING: readonly Clause[] = [
  {
    sentence: 'remove: a tree of which a nested one is gone and another cannot go is never listed again and never restored, but finished',
    unless: either(noKeeping, noNested),
    test: async (scene) => {
      const backend = await scene.open();
      const path = scene.addTree(NAME);
      nest(scene, path, 'srv', 'srv/deep');
      const tree = await treeNamed(backend, NAME);
      const before = everything(scene);
      // The first of them cannot go: nothing is gone.
      const releaseFirst = scene.ground.keep!(joinPath(path, fromText('srv/deep')));
      await expect(removeOne(backend, tree)).rejects.toThrow(/2026-11-10_08:00:00(?:\/srv\/deep)? (?:cannot be|is not) removed/);
      expect(await backend.sweep(() => true)).toEqual([]);
      releaseFirst();
      expect(everything(scene)).toEqual(before);

      const release = scene.ground.keep!(joinPath(path, fromText('srv')));
      const kept = everything(scene);
      const [departure] = await backend.remove([tree]);
      expect(departure?.error).not.toBeNull();
      if (scene.about.archive === 'dataset') {
        // What depends on a dataset can be asked for, so nothing has gone.
        expect([departure?.nested, everything(scene)]).toEqual([[], kept]);
        release();
        await removeOne(backend, tree);
        return;
      }
      expect(departure).toMatchObject({ tree, nested: ['srv/deep'] });
      expect(departure?.error?.message).toContain('what was nested in it is gone already (srv/deep)');
      expectNames(scene, leftoverName('deleting', 0, NAME), SIBLING);
      const left = Object.values(everything(scene));
      for (const wasToGo of [true, false]) {
        const { trees, trashed, warnings } = await backend.list();
        expect([trees.map(({ name }) => name), trashed]).toEqual([[SIBLING], []]);
        expect(warnings.join('\n')).toContain('1 on the way out');
        const leftovers = await backend.sweep(() => wasToGo);
        expect(leftovers).toMatchObject([{ formerName: NAME, id: tree.id, result: 'failed', error: { kind: 'failed' } }]);
        expect(Object.values(everything(scene))).toEqual(left);
      }
      release();
      expect(await backend.sweep(() => false)).toEqual([{ formerName: NAME, id: tree.id, result: 'removed', error: null }]);
      expectNames(scene, SIBLING);
    },
  },
  {
    sentence: 'sweep: a tree of which something is deleted goes, whatever else is said of it; while it is mounted it is left as it is',
    test: async (scene) => {
      const backend = await scene.open();
      const path = scene.addTree(NAME);
      if (scene.about.capabilities.nestedTrees) nest(scene, path, 'srv');
      const deleting = leftoverName('deleting', 3, NAME);
      const id = await setAside(scene, backend, deleting);
      mountTree(scene, scene.at(deleting), scene.mountPoint());
      const before = everything(scene);
      expect(await backend.sweep(() => false)).toMatchObject([{ formerName: NAME, id, result: 'failed', error: { kind: 'failed' } }]);
      expect(everything(scene)).toEqual(before);
      expect(await names(backend)).toEqual([SIBLING]);
      await unmountEverywhere(scene);
      expect(await backend.sweep(() => false)).toEqual([{ formerName: NAME, id, result: 'removed', error: null }]);
      expectNames(scene, SIBLING);
    },
  },
  {
    sentence: 'sweep: where nothing in the archive may be renamed it is told of each, and nothing is changed; the next run finishes',
    unless: either(noFlags, noDirectory),
    test: async (scene) => {
      const backend = await scene.open();
      for (const name of [leftoverName('removing', 0, NAME), leftoverName('removing', 1, NAME)]) {
        const path = scene.addTree(name);
        if (scene.about.capabilities.nestedTrees) nest(scene, path, 'srv');
      }
      scene.ground.commit();
      const before = everything(scene);
      tool('chattr', '+i', scene.archive);
      try {
        const failed = { formerName: NAME, result: 'failed', error: { kind: 'failed' } };
        for (const wasToGo of [true, false]) {
          expect(await backend.sweep(() => wasToGo)).toMatchObject([failed, failed]);
          expect(everything(scene)).toEqual(before);
        }
      } finally {
        tool('chattr', '-i', scene.archive);
      }
      expect((await backend.sweep(() => true)).map(({ error }) => error)).toEqual([null, null]);
      expectNames(scene, SIBLING);
    },
  },
  {
    sentence: 'sweep: finishes all that was begun, whatever bytes the name is, and does nothing to what has such a name and is no tree',
    test: async (scene) => {
      const { nestedTrees } = scene.about.capabilities;
      const odd = [...alike(scene), scene.about.names === 'zfs' ? 'a:b' : 'line\nbreak'].sort();
      const whole = [...odd.map((name) => leftoverName('removing', 0, name)), leftoverName('removing', 7, 'x')];
      const begun = [...whole, leftoverName('deleting', 0, 'y')];
      for (const name of begun) scene.addTree(name);
      if (nestedTrees) for (const name of begun.slice(-3)) nest(scene, scene.at(name), 'srv', 'srv/deep');
      if (scene.about.flags) chattr(scene, '+i', scene.at(leftoverName('removing', 7, 'x')), 'var/empty');
      scene.ground.makeReadOnly(scene.at(begun[0]!));

      const notOurs = ['.roots-removing.x.y', '.roots-deleting.1', '.roots-removing', '.roots-deleted.0.x'].map(fromText);
      for (const name of notOurs) scene.addTree(name);
      const others: BytePath[] = [];
      const plain: Plant = ['a plain directory', (path) => void tool('cp', '-a', toText(scene.at(SIBLING)), toText(path))];
      for (const word of ['removing', 'deleting'] as const) {
        for (const [what, plant] of [...scene.ground.others, ...(nestedTrees && scene.about.archive === 'directory' ? [plain] : [])]) {
          const name = leftoverName(word, 1, what);
          plant(scene.at(name));
          others.push(name);
        }
      }
      const before = everything(scene);

      const backend = await scene.open();
      const listed = await backend.list();
      expect(listed.trees.map(({ name }) => name).sort()).toEqual([...notOurs, SIBLING].sort());
      expect(listed.others.map(({ name }) => name).sort()).toEqual([...others].sort());
      expect(listed.warnings).toEqual([expect.stringMatching(/^5 on the way out when a run was cut short/)]);
      const leftovers = await backend.sweep(() => true);
      expect(leftovers.map(({ error }) => error)).toEqual(begun.map(() => null));
      expect(leftovers.map(({ formerName }) => formerName).sort()).toEqual([...odd, 'x', 'y'].sort());
      const after = everything(scene);
      expect(after).toEqual(Object.fromEntries(Object.entries(before).filter(([name]) => !begun.includes(name as BytePath))));
      expect(existsSync(join(scene.outside, 'secret'))).toBe(true);
      expect(await backend.sweep(() => true)).toEqual([]);

      const [tree] = listed.trees;
      for (const name of others)
        for (const step of [removeOne, discardOne]) await expect(step(backend, { ...tree!, name })).rejects.toThrow('is not removed');
      expect(everything(scene)).toEqual(after);
    },
  },
];
