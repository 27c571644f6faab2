import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { baseName, fromText, joinPath, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { tool } from '../support/scratch.ts';
import type { Plant } from './ground.ts';
import { atEachMoment, moments } from './moments.ts';
import {
  SIBLING,
  chattr,
  counting,
  everything,
  filesOf,
  expectNames,
  mountTree,
  nest,
  unmountEverywhere,
  untouched,
  type Scene,
} from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { noFlags, notWhereUntrusted } from './unless.ts';

const NAME = fromText('2026-11-10_08:00:00');

const DELETES = / subvolume delete |^rm |^chattr -R |^zfs destroy /;
/** The way to what these take is in nobody's hands but root's, and only then they are started; a dataset has no way to it at all. */
const BY_PATH = / subvolume delete -- |^rm |^chattr -R |^zfs destroy /;

/** Where a tree is that is being removed: under its name, or on its way out; undefined if it is gone. */
function whereabouts({ ground, archive }: Scene): BytePath | undefined {
  const names = ground.names(fromText(archive));
  return names.includes(NAME) ? NAME : names.find((name) => /^\.roots-(?:removing|deleting)\./.test(name));
}

/** Out of the archive, whatever it is. */
function putAway(scene: Scene, path: BytePath): void {
  const { archive, flags } = scene.about;
  // A flag of a directory stops its rename.
  if (archive === 'directory' && flags && lstatSync(toBytes(path)).isDirectory()) tool('chattr', '-i', toText(path));
  scene.ground.renameTree(path, scene.away());
}

function others(scene: Scene): readonly Plant[] {
  const directory: Plant = ['a directory', (path) => void tool('cp', '-a', scene.outside, toText(path))];
  const tree: Plant = ['another tree', (path) => void scene.addTree(baseName(path))];
  return [tree, ...(scene.about.archive === 'directory' ? [directory] : []), ...scene.ground.others];
}

/**
 * Before each program that removing starts, something else is put in the place of what is removed. It must be there afterwards. `shift`: which
 * of the others begins; each moment has another.
 */
async function exchangeAtEachMoment(scene: Scene, shift: number, { byPathToo }: { readonly byPathToo: boolean }): Promise<number> {
  const between = moments();
  const backend = await scene.open({ run: between.run });
  const plants = others(scene);
  let exchanged = 0;
  let round = shift;
  await atEachMoment(between, scene.ground.moments, async (during) => {
    round += 1;
    const [what, plant] = plants[round % plants.length]!;
    const path = scene.addTree(NAME);
    if (scene.about.capabilities.nestedTrees) nest(scene, path, 'srv');
    chattr(scene, '+i', path, '');
    const tree = await treeNamed(backend, NAME);
    let at = '';
    let planted: string | undefined;
    await during(
      (call) => {
        const entry = whereabouts(scene);
        if (entry === undefined || (!byPathToo && BY_PATH.test(call))) return;
        putAway(scene, scene.at(entry));
        plant(scene.at(entry));
        [planted] = untouched(scene, [scene.at(entry)]);
        at = call;
        exchanged += 1;
      },
      () => backend.remove([tree]),
    );
    if (planted !== undefined) expect(Object.values(everything(scene)), `${what}, at ${at}`).toContain(planted);
    for (const name of scene.ground.names(fromText(scene.archive))) if (name !== SIBLING) putAway(scene, scene.at(name));
  });
  return exchanged;
}

/** Gives the directory that the archive is in into the hands of others; each of them alone is enough. */
const HANDS: readonly ((scene: Scene) => void)[] = [
  ({ base }) => chmodSync(base, 0o775),
  ({ base }) => chmodSync(base, 0o757),
  ({ base }) => {
    chmodSync(base, 0o755);
    tool('chown', '65534', base);
  },
];

export const INTERFERING: readonly Clause[] = [
  {
    sentence: 'remove: what is put in the place of a tree meanwhile is not lost, nor where links in its place lead',
    unless: noFlags,
    test: async (scene) => {
      // Each moment with each of them, and where there are many moments with two.
      let exchanged = 0;
      for (const shift of scene.about.capabilities.nestedTrees ? [0, 2] : others(scene).keys())
        exchanged += await exchangeAtEachMoment(scene, shift, { byPathToo: false });
      expect(exchanged).toBeGreaterThan(1);
    },
  },
  {
    sentence:
      'remove: where the way to the archive is in the hands of others, only by number, so that nothing can be put in the place of a tree at any moment',
    unless: notWhereUntrusted('by number'),
    test: async (scene) => {
      const { run, calls } = counting();
      const backend = await scene.open({ run });
      const names = ['1700000001', '1700000002', '1700000003'].map(fromText);
      const removeAll = async (): Promise<string[]> => {
        for (const name of names) nest(scene, scene.addTree(name), 'srv');
        scene.addTree(NAME);
        const { trees } = await backend.list();
        calls.length = 0;
        const departures = await backend.remove(trees.filter(({ name }) => name !== SIBLING));
        expect(departures.map(({ error }) => error)).toEqual([null, null, null, null]);
        return calls.filter((call) => call.includes(' subvolume delete ') && !call.includes(' --subvolid '));
      };
      expect(await removeAll()).toHaveLength(1);
      for (const giveAway of HANDS) {
        giveAway(scene);
        expect(await removeAll()).toEqual([]);
      }
      const most = scene.ground.moments ?? 10;
      for (const shift of [0, 2]) expect(await exchangeAtEachMoment(scene, shift, { byPathToo: true })).toBeGreaterThan(most - 2);
    },
  },
  {
    sentence: 'remove: where the way to the archive is in the hands of others, and there is no other way, nothing goes',
    unless: notWhereUntrusted('nothing'),
    test: async (scene) => {
      const backend = await scene.open();
      nest(scene, scene.addTree(NAME), 'srv');
      const tree = await treeNamed(backend, NAME);
      const before = everything(scene);
      for (const giveAway of HANDS) {
        giveAway(scene);
        await expect(removeOne(backend, tree)).rejects.toThrow('others than root can change what is on the way to the archive');
        expect(everything(scene)).toEqual(before);
      }
      tool('chown', '0', scene.base);
      await removeOne(backend, tree);
      expectNames(scene, SIBLING);
    },
  },
  {
    sentence: 'remove: nothing of a tree goes that is mounted between any two steps, and it gets its name back',
    unless: noFlags,
    test: async (scene) => {
      const between = moments();
      const backend = await scene.open({ run: between.run });
      let mounted = 0;
      // What holds others takes more steps; what holds none goes together with the rest.
      for (const nested of scene.about.capabilities.nestedTrees ? [[], ['srv', 'srv/deep']] : [[]]) {
        await atEachMoment(between, scene.ground.moments, async (during) => {
          const path = scene.addTree(NAME);
          nest(scene, path, ...nested);
          const before = filesOf(scene, path);
          chattr(scene, '+i', path, '');
          const tree = await treeNamed(backend, NAME);
          let at: string | undefined;
          await during(
            (call) => {
              const entry = whereabouts(scene);
              if (entry === undefined || DELETES.test(call)) return;
              at = call;
              mounted += 1;
              const part = joinPath(entry, fromText((mounted % 2 === 1 ? undefined : nested.at(-1)) ?? ''));
              mountTree(scene, scene.at(part), scene.mountPoint());
            },
            async () => {
              const [departure] = await backend.remove([tree]);
              if (at === undefined) return;
              expect(departure?.error?.message, at).toContain('it is mounted');
              await unmountEverywhere(scene);
              chattr(scene, '-i', path, '');
              expect(filesOf(scene, path), at).toBe(before);
            },
          );
          await unmountEverywhere(scene);
          if (at !== undefined) await removeOne(backend, await treeNamed(backend, NAME));
        });
      }
      expect(mounted).toBeGreaterThan(1);
      expectNames(scene, SIBLING);
    },
  },
  {
    sentence: 'remove: what is mounted in a tree while it goes is not lost',
    unless: ({ flags, capabilities }) =>
      capabilities.nestedTrees ? 'no program goes from directory to directory' : flags ? false : 'the filesystem has no such flags',
    test: async (scene) => {
      const between = moments();
      const backend = await scene.open({ run: between.run });
      const path = scene.addTree(NAME);
      chattr(scene, '+i', path, 'var/empty');
      mkdirSync(join(toText(path), 'var/mounted'));
      const tree = await treeNamed(backend, NAME);
      const beside = (): unknown => ({ ...scene.digest(), outside: treeDigest(fromText(scene.outside)) });
      const before = beside();
      const act = (call: string): void => {
        expect(call).toMatch(/^chattr -R /);
        const at = join(scene.archive, whereabouts(scene) ?? '', 'var/empty');
        tool('mount', '--bind', scene.outside, at);
      };
      // The first program could not delete all of it.
      const { result } = await between.at(2, act, () => backend.remove([tree]));
      expect(beside()).toEqual(before);
      expect(result[0]?.error?.message).toContain('it is mounted');
      // Nor is what is left of the tree ever an old root again.
      const left = everything(scene);
      for (const wasToGo of [true, false]) {
        expect(await backend.sweep(() => wasToGo)).toMatchObject([{ formerName: NAME, result: 'failed' }]);
        expect(everything(scene)).toEqual(left);
        expect((await backend.list()).trees.map(({ name }) => name)).toEqual([SIBLING]);
      }
      await unmountEverywhere(scene);
      expect(await backend.sweep(() => false)).toEqual([{ formerName: NAME, id: tree.id, result: 'removed', error: null }]);
    },
    // The program that clears flags goes into it, which changes nothing but that time.
    changesBeside: true,
  },
];
