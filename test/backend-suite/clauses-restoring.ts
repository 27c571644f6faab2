import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import type { Backend, Leftover } from '../../src/backend/backend.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { tool } from '../support/scratch.ts';
import { openAt } from './open-at.ts';
import { SIBLING, everything, nest, unmountEverywhere, type Scene } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');
const noNested: Clause['unless'] = ({ capabilities }) => (capabilities.nestedTrees ? false : 'a tree holds no independent trees');

const inArchive = (scene: Scene, name: BytePath): BytePath => joinPath(fromText(scene.archive), name);

/** A name of ours, of a tree on its way out. */
export function leftoverName(word: 'removing' | 'deleting', number: number, name: string): BytePath {
  return `.roots-${word}.${String(number)}.${name}` as BytePath;
}

const ASIDE = leftoverName('removing', 0, NAME);

/** As a killed run leaves it. Returns its id. */
export async function setAside(scene: Scene, backend: Backend, as = ASIDE): Promise<string> {
  scene.ground.commit();
  const { id } = await treeNamed(backend, NAME);
  renameSync(toBytes(inArchive(scene, NAME)), toBytes(inArchive(scene, as)));
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
    begin: (scene, path) => scene.ground.mountTree(path, scene.mountPoint()),
    end: unmountEverywhere,
  },
  {
    what: /it is mounted/,
    begin: (_, path) => tool('mount', '-t', 'tmpfs', 'roots-test', join(toText(path), 'var')),
    end: unmountEverywhere,
  },
  {
    what: /it holds another old root at `root`/,
    begin: (scene, path) => {
      scene.ground.makeTree(joinPath(path, fromText('root')));
      for (const each of ['etc', 'var']) mkdirSync(join(toText(path), 'root', each));
    },
  },
  {
    what: /it is pinned .*pins\.json is damaged/,
    begin: (scene) => writeFileSync(join(scene.archive, '.roots/pins.json'), '{'),
    end: (scene) => {
      rmSync(join(scene.archive, '.roots/pins.json'));
    },
  },
];

export const RESTORING: readonly Clause[] = [
  {
    sentence: 'sweep: a whole tree that was not to go is an old root again; in the trash, if its name is taken; one that was to go goes',
    test: async (scene) => {
      const backend = await scene.open();
      const path = scene.addTree(NAME);
      if (scene.ground.capabilities.nestedTrees) nest(scene, path, 'srv', 'srv/deep');
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
      const content = treeDigest(inArchive(scene, ASIDE));
      mkdirSync(toBytes(path));
      await backend.sweep(() => false);
      expect(readdirSync(toBytes(path))).toEqual([]);
      const { trashed } = await backend.list();
      expect(trashed.map(({ name, formerName }) => [formerName, treeDigest(inArchive(scene, name))])).toEqual([[NAME, content]]);
      expect(Date.now() - (trashed[0]?.trashedAt.getTime() ?? 0)).toBeLessThan(60_000);

      rmSync(toBytes(path), { recursive: true });
      await backend.undelete(trashed[0]!);
      await setAside(scene, backend);
      expect(await backend.sweep((each) => each === id)).toEqual([{ formerName: NAME, id, result: 'removed', error: null }]);
      expect(readdirSync(scene.archive)).toEqual([SIBLING]);
    },
  },
  {
    sentence: 'sweep: a whole tree that was to go is an old root again if it may not go any more: mounted, pinned, with a nested root',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.setPin(await treeNamed(backend, SIBLING), null);
      scene.addTree(NAME);
      for (const { what, begin, end } of STAYING) {
        const id = await setAside(scene, backend);
        await begin(scene, inArchive(scene, ASIDE));
        await expectRestored(scene, () => backend.sweep(() => true), id, what);
        await end?.(scene);
        rmSync(join(toText(inArchive(scene, NAME)), 'root'), { recursive: true, force: true });
      }
      const tree = await treeNamed(backend, NAME);
      await backend.setPin(tree, { note: 'mine', at: new Date(0) });
      await setAside(scene, backend);
      await expectRestored(scene, () => backend.sweep(() => true), tree.id, /it is pinned \(mine\)/);
      await backend.setPin(tree, null);
      await removeOne(backend, await treeNamed(backend, NAME));
    },
  },
  {
    sentence: 'sweep: a whole tree that was to go is an old root again if it is or holds the live root or the blank',
    test: async (scene) => {
      scene.addTree(NAME);
      const inIt = join(scene.archive, toText(ASIDE));
      for (const [live, blank, why] of [
        [inIt, scene.blank, /it is or holds the live root/],
        [join(inIt, 'home'), scene.blank, /it is or holds the live root/],
        [scene.live, inIt, /it is or holds the blank/],
      ] as const) {
        const { backend, close } = await openAt(scene.ground.location({ live, blank, archive: scene.archive }));
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
    sentence: 'sweep: the default subvolume, which the kernel keeps, gets its name back, with what is nested in it',
    unless: noNested,
    test: async (scene) => {
      const backend = await scene.open();
      const path = scene.addTree(NAME);
      for (const nested of [[], ['srv', 'srv/deep']]) {
        nest(scene, path, ...nested);
        const id = await setAside(scene, backend);
        tool('btrfs', 'subvolume', 'set-default', toText(inArchive(scene, ASIDE)));
        try {
          await expectRestored(scene, () => backend.sweep(() => true), id, /2026-11-10_08:00:00 cannot be removed: /);
        } finally {
          tool('btrfs', 'subvolume', 'set-default', '5', scene.base);
        }
      }
    },
  },
];
