import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { fromText, toText, type BytePath } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { RENAMES, moments } from './moments.ts';
import { longName, oddest } from './odd-names.ts';
import { counting, digestOf, everything, mountTree, unmountEverywhere } from './scene.ts';
import { discardOne, removeOne, trashedNamed, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { taken } from './taken.ts';
import { noIdentity } from './unless.ts';

const NAME = fromText('2026-11-10_08:00:00');
const [DAILY0, DAILY1, BETWEEN] = ['daily.0', 'daily.1', '.roots-rotate.0'].map(fromText) as [BytePath, BytePath, BytePath];

export const RENAMING: readonly Clause[] = [
  {
    sentence: 'rename: gives a tree another name, whatever bytes it is, and nothing else changes',
    test: async (scene) => {
      const content = digestOf(scene, scene.addTree(NAME));
      const backend = await scene.open();
      let tree = await treeNamed(backend, NAME);
      for (const name of [DAILY0, fromText('-rf'), longName(scene), oddest(scene)]) {
        await backend.rename(tree, name);
        const renamed = await treeNamed(backend, name);
        if (scene.about.capabilities.stableIdentity) expect(renamed).toEqual({ ...tree, name, timeName: name });
        expect(digestOf(scene, scene.at(name))).toBe(content);
        expect((await backend.list()).trees).toHaveLength(2);
        tree = renamed;
      }
    },
  },
  {
    sentence: 'rename: two exchange their names by a third, and keep what they are known by; read-only ones too',
    unless: noIdentity,
    test: async (scene) => {
      const digests = [DAILY0, DAILY1].map((name) => {
        const path = scene.addTree(name);
        scene.ground.makeReadOnly(path);
        return digestOf(scene, path);
      });
      const backend = await scene.open();
      const [one, other] = [await treeNamed(backend, DAILY0), await treeNamed(backend, DAILY1)];
      await backend.rename(one, BETWEEN);
      await backend.rename(other, DAILY0);
      await backend.rename({ ...one, name: BETWEEN }, DAILY1);
      expect([DAILY1, DAILY0].map((name) => digestOf(scene, scene.at(name)))).toEqual(digests);
      expect([(await treeNamed(backend, DAILY1)).id, (await treeNamed(backend, DAILY0)).id]).toEqual([one.id, other.id]);
    },
  },
  {
    sentence: 'rename: never replaces anything, whatever has the name, and when it gets it; refuses what is mounted or exchanged',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const between = moments();
      const backend = await scene.open({ run: between.run });
      const tree = await treeNamed(backend, NAME);
      const to = scene.at(DAILY0);
      for (const [what, plant] of taken(scene)) {
        plant(to);
        const before = everything(scene);
        await expect(backend.rename(tree, DAILY0), what).rejects.toMatchObject({ kind: 'failed' });
        expect(everything(scene), what).toEqual(before);
        scene.ground.removeTree(to);

        // Only right before the program that renames can this be too late to be seen.
        let planted: Record<string, string> = {};
        const act = (): void => {
          plant(to);
          planted = everything(scene);
        };
        const { result, times } = await between.before(RENAMES, act, () => backend.rename(tree, DAILY0).catch((error: unknown) => error));
        expect([times, result], what).toMatchObject([1, { kind: 'failed' }]);
        expect(everything(scene), what).toEqual(planted);
        scene.ground.removeTree(to);
      }
      mountTree(scene, path, scene.mountPoint());
      await expect(backend.rename(tree, DAILY0)).rejects.toThrow('it is mounted');
      await unmountEverywhere(scene);
      scene.ground.renameTree(path, scene.away());
      scene.addTree(NAME);
      const last = everything(scene);
      await expect(backend.rename(tree, DAILY0)).rejects.toMatchObject({ kind: 'failed' });
      expect(everything(scene)).toEqual(last);
    },
  },
  {
    sentence: 'generation: changes with whatever is added, renamed or taken out, by anybody, and not by reading; cheaper than `list`',
    test: async (scene) => {
      const { run, calls } = counting();
      const backend = await scene.open({ run });
      await backend.appendLog(['begun']);
      let last = '';
      const [other, renamed] = ['other', 'renamed'].map((name) => scene.at(fromText(name))) as [BytePath, BytePath];
      const { snapshots } = scene.about.capabilities;
      const changes: readonly (readonly [what: string, change: () => unknown])[] = [
        ['nothing', () => undefined],
        ['a tree', () => scene.addTree(NAME)],
        ['something else', () => scene.ground.others[0]![1](other)],
        ['a rename', () => scene.ground.renameTree(other, renamed)],
        ['something else that goes', () => scene.ground.removeTree(renamed)],
        ...(snapshots ? [['snapshot', async () => backend.snapshot(backend.snapshotName('today'))] as const] : []),
        ['discard', async () => discardOne(backend, await treeNamed(backend, NAME))],
        ['undelete', async () => backend.undelete(await trashedNamed(backend, NAME))],
        ['rename', async () => backend.rename(await treeNamed(backend, NAME), DAILY0)],
        ['remove', async () => removeOne(backend, await treeNamed(backend, DAILY0))],
        ...(snapshots
          ? [['a snapshot that goes', async () => removeOne(backend, await treeNamed(backend, backend.snapshotName('today')))] as const]
          : []),
      ];
      for (const [what, change] of changes) {
        // Of kernels before 6.13 a time is only as fine as their tick.
        await sleep(15);
        await change();
        const generation = await backend.generation();
        expect(generation, what).not.toBe(last);
        last = generation;

        calls.length = 0;
        const { trees } = await backend.list();
        const programs = calls.length;
        await backend.measure(trees);
        await backend.readLog();
        await backend.appendLog(['more']);
        scene.ground.within(fromText(scene.archive), (at) => tool('ls', '-lAR', toText(at)));
        await sleep(15);
        calls.length = 0;
        expect(await backend.generation(), what).toBe(generation);
        expect(calls.length, calls.join('\n')).toBeLessThan(Math.max(programs, 1));
      }
      expect(await (await scene.open()).generation()).toBe(await backend.generation());
    },
  },
  {
    sentence: 'generation: errors with `failed` if the archive is no longer where it was',
    test: async (scene) => {
      const backend = await scene.open();
      const archive = fromText(scene.archive);
      const away = scene.away();
      scene.ground.renameTree(archive, away);
      const gone = { name: 'RootsError', kind: 'failed' };
      await expect(backend.generation()).rejects.toMatchObject(gone);
      for (const [what, plant] of [
        ['another archive', (path: BytePath) => scene.ground.makeArchive(path)] as const,
        ...scene.ground.others,
      ]) {
        plant(archive);
        await expect(backend.generation(), what).rejects.toMatchObject(gone);
        scene.ground.removeTree(archive);
      }
      scene.ground.renameTree(away, archive);
      await backend.generation();
    },
  },
];
