/** What tests do with one tree by its name; what fails is thrown. */
import type { ArchivedTree, Backend, Departure, Lock, TrashedTree } from '../../src/backend/backend.ts';
import type { BytePath } from '../../src/byte-path.ts';
import { RootsError } from '../../src/errors.ts';

export async function treeNamed(backend: Backend, name: BytePath): Promise<ArchivedTree> {
  const { trees } = await backend.list();
  const tree = trees.find((each) => each.name === name);
  if (tree === undefined) throw new Error(`${name} is not listed`);
  return tree;
}

export async function trashedNamed(backend: Backend, formerName: BytePath): Promise<TrashedTree> {
  const { trashed } = await backend.list();
  const tree = trashed.find((each) => each.formerName === formerName);
  if (tree === undefined) throw new Error(`${formerName} is not in the trash`);
  return tree;
}

/** What a killed process held is free a moment later, when its keepers have noticed. */
export async function lockWhenFree(backend: Backend): Promise<Lock> {
  for (let round = 0; ; round += 1) {
    try {
      return await backend.lock('exclusive');
    } catch (error) {
      if (round > 100 || !(error instanceof RootsError) || error.kind !== 'locked') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

type Gone = Pick<Departure, 'nested' | 'notes'>;

/** As for a single one: what it is refused for is thrown. */
export async function removeOne(backend: Backend, tree: ArchivedTree): Promise<Gone> {
  return onlyOne(await backend.remove([tree]));
}

export const TRASHED_AT = new Date('2026-11-20T10:00:00.500Z');

export async function discardOne(backend: Backend, tree: ArchivedTree, at = TRASHED_AT): Promise<Gone> {
  return onlyOne(await backend.discard([tree], at));
}

function onlyOne([departure, ...others]: readonly Departure[]): Gone {
  if (departure === undefined || others.length > 0) throw new Error('one result was wanted');
  if (departure.error !== null) throw departure.error;
  return { nested: departure.nested, notes: departure.notes };
}
