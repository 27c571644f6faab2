import { expect } from 'vitest';
import { fromText, type BytePath } from '../../src/byte-path.ts';
import type { ArchivedTree, Backend, Listing } from '../../src/backend/backend.ts';
import { cutAtEachMoment } from './moments.ts';
import { SIBLING, chattr, expectNames, filesOf, nest, type Scene } from './scene.ts';
import { discardOne, removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const [NAME, NESTED, RENAMED] = ['2026-11-10_08:00:00', '2026-11-11_08:00:00', 'daily.0'].map(fromText) as [BytePath, BytePath, BytePath];

function addFlagged(scene: Scene, name: BytePath): void {
  const path = scene.addTree(name);
  if (scene.about.flags) chattr(scene, '+i', path, '');
}

function only<T extends ArchivedTree>(trees: readonly T[]): T {
  const [tree, ...more] = trees.filter(({ name }) => name !== SIBLING);
  if (tree === undefined || more.length > 0) throw new Error('one tree was wanted');
  return tree;
}

interface Cut {
  readonly prepare?: (backend: Backend) => Promise<unknown>;
  readonly step: (backend: Backend, listing: Listing) => Promise<unknown>;
}

const CUTS: readonly (readonly [what: string, cut: Cut])[] = [
  ['discard', { step: (backend, { trees }) => discardOne(backend, only(trees)) }],
  [
    'undelete',
    {
      prepare: async (backend) => discardOne(backend, await treeNamed(backend, NAME)),
      step: (backend, { trashed }) => backend.undelete(only(trashed)),
    },
  ],
  ['rename', { step: (backend, { trees }) => backend.rename(only(trees), RENAMED) }],
];

export const CUT_SHORT: readonly Clause[] = [
  {
    sentence: 'discard, undelete, rename: cut short at any moment, the tree is whole, under one of its two names',
    test: async (scene) => {
      const backend = await scene.open();
      for (const [what, { prepare, step }] of CUTS) {
        await cutAtEachMoment(scene.location, scene.ground.moments, async (cutShortly) => {
          addFlagged(scene, NAME);
          const content = filesOf(scene, scene.at(NAME));
          await prepare?.(backend);
          const [name] = scene.ground.names(fromText(scene.archive)).filter((each) => each !== SIBLING);
          if (scene.about.flags) chattr(scene, '+i', scene.at(name ?? NAME), '');
          const isCut = await cutShortly(step);
          expect(await backend.sweep(() => true)).toEqual([]);
          const { trees, trashed, others } = await backend.list();
          expect(others).toEqual([]);
          const tree = only([...trees, ...trashed]);
          expect(filesOf(scene, scene.at(tree.name)), what).toEqual(content);
          if (!isCut) expect([trashed.length === 1, tree.name === RENAMED]).toEqual([what === 'discard', what === 'rename']);
          await removeOne(backend, tree);
        });
      }
    },
  },
  {
    sentence: 'remove: of several, cut short at any moment, each is whole and listed, or gone, or is finished by the next run',
    test: async (scene) => {
      const backend = await scene.open();
      const names = [NAME, NESTED, RENAMED];
      await cutAtEachMoment(scene.location, scene.ground.moments, async (cutShortly) => {
        scene.addTree(NAME);
        const outer = scene.addTree(NESTED);
        if (scene.about.capabilities.nestedTrees) nest(scene, outer, 'srv', 'srv/deep');
        addFlagged(scene, RENAMED);
        if (scene.about.flags) chattr(scene, '+i', outer, 'var/empty');
        const content = new Map(names.map((name) => [name, filesOf(scene, scene.at(name))]));
        const wanted = ({ trees }: Listing): ArchivedTree[] => names.flatMap((name) => trees.filter((tree) => tree.name === name));
        const isCut = await cutShortly((own, listing) => own.remove(wanted(listing)));
        for (const { name } of wanted(await backend.list())) expect(filesOf(scene, scene.at(name)), name).toEqual(content.get(name));
        expect((await backend.sweep(() => true)).filter(({ error }) => error !== null)).toEqual([]);
        const left = wanted(await backend.list());
        if (!isCut) expect(left).toEqual([]);
        expect((await backend.remove(left)).filter(({ error }) => error !== null)).toEqual([]);
        expectNames(scene, SIBLING);
      });
    },
  },
];
