import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toText, type BytePath } from '../../src/byte-path.ts';
import type { Backend, Leftover } from '../../src/backend/backend.ts';
import { openAt } from './open-at.ts';
import { SIBLING, digestOf, everything, expectNames, mountInside, mountTree, nest, unmountEverywhere, type Scene } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';
import { taken } from './taken.ts';
import { either, noKeeping, noNested } from './unless.ts';

const NAME = fromText('2026-11-10_08:00:00');

/** A name of ours, of a tree on its way out. */
export function leftoverName(word: 'removing' | 'deleting', number: number, name: string): BytePath {
  return `.roots-${word}.${String(number)}.${name}` as BytePath;
}

const ASIDE = leftoverName('removing', 0, NAME);

/** As a killed run leaves it. Returns its id. */
export async function setAside(scene: Scene, backend: Backend, as = ASIDE): Promise<string> {
  scene.ground.commit();
  const { id } = await treeNamed(backend, NAME);
  scene.ground.renameTree(scene.at(NAME), scene.at(as));
  return id;
}

/** Put back under its own name, with all that was in it. */
async function expectRestored(scene: Scene, sweep: () => Promise<readonly Leftover[]>, id: string, why: RegExp): Promise<void> {
  const { [ASIDE]: content, ...others } = everything(scene);
  const leftovers = await sweep();
  expect(leftovers).toEqual([{ formerName: NAME, id, result: 'restored', error: expect.objectContaining({ kind: 'failed' }) as Error }]);
  expect(leftovers[0]?.error?.message).toMatch(why);
  expect(everything(scene)).toEqual({ ...others, [NAME]: content });
}

/** Why a tree must stay, from now on; what is returned ends that. */
const STAYING: readonly {
  readonly what: RegExp;
  readonly begin: (scene: Scene, path: BytePath) => unknown;
  readonly end?: (scene: Scene) => unknown;
}[] = [
  {
    what: /it is mounted/,
    begin: (scene, path) => mountTree(scene, path, scene.mountPoint()),
    end: unmountEverywhere,
  },
  {
    what: /it is mounted/,
    begin: (scene, path) => mountInside(scene, path, 'var'),
    end: unmountEverywhere,
  },
];

export const RESTORING: readonly Clause[] = [
  {
    sentence: 'sweep: a whole tree that was not to go is an old root again; in the trash, if its name is taken; one that was to go goes',
    test: async (scene) => {
      const backend = await scene.open();
      const path = scene.addTree(NAME);
      if (scene.about.capabilities.nestedTrees) nest(scene, path, 'srv', 'srv/deep');
      const id = await setAside(scene, backend);
      expect((await backend.list()).trees.map(({ name }) => name)).toEqual([SIBLING]);
      const asked: string[] = [];
      const no = (each: string): boolean => {
        asked.push(each);
        return false;
      };
      await expectRestored(scene, () => backend.sweep(no), id, /nothing says that it was to go/);
      expect(asked).toEqual([id]);
      expect((await treeNamed(backend, NAME)).id).toBe(id);

      await setAside(scene, backend);
      const content = digestOf(scene, scene.at(ASIDE));
      const [, plant] = taken(scene)[0]!;
      plant(path);
      const planted = digestOf(scene, path);
      await backend.sweep(() => false);
      expect(digestOf(scene, path)).toBe(planted);
      const { trashed } = await backend.list();
      expect(trashed.map(({ name, formerName }) => [formerName, digestOf(scene, scene.at(name))])).toEqual([[NAME, content]]);
      expect(Date.now() - (trashed[0]?.trashedAt.getTime() ?? 0)).toBeLessThan(60_000);

      scene.ground.removeTree(path);
      await backend.undelete(trashed[0]!);
      await setAside(scene, backend);
      expect(await backend.sweep((each) => each === id)).toEqual([{ formerName: NAME, id, result: 'removed', error: null }]);
      expectNames(scene, SIBLING);
    },
  },
  {
    sentence: 'sweep: a whole tree that was to go is an old root again if it may not go any more: mounted, pinned',
    test: async (scene) => {
      const backend = await scene.open();
      scene.addTree(NAME);
      for (const { what, begin, end } of STAYING) {
        const id = await setAside(scene, backend);
        await begin(scene, scene.at(ASIDE));
        await expectRestored(scene, () => backend.sweep(() => true), id, what);
        await end?.(scene);
      }
      for (const damaged of [false, true]) {
        const tree = await treeNamed(backend, NAME);
        await backend.setPin(tree, { note: 'mine', at: new Date(0) });
        await setAside(scene, backend);
        const mend = damaged ? scene.ground.damagedPins(scene.at(ASIDE))[1]!.damage() : undefined;
        await expectRestored(scene, () => backend.sweep(() => true), tree.id, damaged ? /it is pinned/ : /it is pinned \(mine\)/);
        mend?.();
        if (!damaged) await backend.setPin(await treeNamed(backend, NAME), null);
      }
      await removeOne(backend, await treeNamed(backend, NAME));
    },
  },
  {
    sentence: 'sweep: a whole tree that was to go is an old root again if it holds another one',
    unless: ({ archive }) => (archive === 'dataset' ? 'a rename to a name that is taken fails and puts nothing into it' : false),
    test: async (scene) => {
      const backend = await scene.open();
      scene.addTree(NAME);
      const id = await setAside(scene, backend);
      const inner = joinPath(scene.at(ASIDE), fromText('root'));
      scene.ground.makeTree(inner);
      for (const each of ['etc', 'var']) mkdirSync(join(toText(inner), each));
      await expectRestored(scene, () => backend.sweep(() => true), id, /it holds another old root at `root`/);
    },
  },
  {
    sentence: 'sweep: a whole tree that was to go is an old root again if it is or holds the live root or the blank',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      if (scene.about.archive === 'dataset') nest(scene, path, 'home');
      const inIt = toText(scene.at(ASIDE));
      for (const [live, blank, why] of [
        [inIt, scene.blank, /it is or holds the live root/],
        [join(inIt, 'home'), scene.blank, /it is or holds the live root/],
        [scene.live, inIt, /it is or holds the blank/],
      ] as const) {
        // Where the blank is a snapshot, it is one of what has this name now.
        const aside = scene.at(ASIDE);
        scene.ground.renameTree(path, aside);
        const location = scene.ground.location({ live, blank, archive: scene.archive });
        scene.ground.renameTree(aside, path);
        const { backend, close } = await openAt(location);
        try {
          const id = await setAside(scene, backend);
          await expectRestored(scene, () => backend.sweep(() => true), id, why);
        } finally {
          await close();
        }
      }
    },
  },
  {
    sentence: 'sweep: what the filesystem keeps gets its name back, with what is nested in it',
    unless: either(noKeeping, noNested),
    test: async (scene) => {
      const backend = await scene.open();
      const path = scene.addTree(NAME);
      for (const nested of [[], ['srv', 'srv/deep']]) {
        nest(scene, path, ...nested);
        const id = await setAside(scene, backend);
        const release = scene.ground.keep!(scene.at(ASIDE));
        try {
          await expectRestored(scene, () => backend.sweep(() => true), id, /2026-11-10_08:00:00 (?:cannot be|is not) removed: /);
        } finally {
          release();
        }
      }
    },
  },
];
