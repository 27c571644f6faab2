/**
 * How subvolumes leave the archive, and come back to it.
 */
import { readdirSync } from 'node:fs';
import { joinPath, printable, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { ArchivedTree, Departure, Leftover } from '../backend.ts';
import { parseEntryName, removingName } from '../entry-name.ts';
import { checked, exists, formerNameOf, putBack, setAside, type Aside, type Premises } from '../set-aside.ts';
import { isTrustedWay, pathOfEntry, whyNoTree, type Site } from './premises.ts';
import { deleteTogether, removeSubvolume } from './remove.ts';
import { idsAt } from './subvolumes.ts';

/** Removes them for good; told of each id that is gone. */
export async function removeTrees(
  site: Site,
  premises: Premises,
  trees: readonly ArchivedTree[],
  onGone: (id: number) => void,
): Promise<Departure[]> {
  const aside = await setAside(premises, trees, (tree, isTaken) => removingName(formerNameOf(tree), isTaken), { inPlace: true });
  const idle = await checked(aside, (sound) => premises.whyInUse(sound.map(({ entry }) => entry)));
  const going = idle.filter(({ error }) => error === null);
  const renamed = going.filter(({ entry, tree }) => entry !== tree.name);
  if (isTrustedWay(site))
    await deleteTogether(
      site.top,
      renamed.map(({ entry }) => pathOfEntry(site, entry)),
    );
  const results: Departure[] = [];
  for (const each of idle) {
    const result = each.error === null ? await removeOne(site, premises, each) : putBack(premises, each);
    if (result.error === null) onGone(site.idOf(each.tree) ?? 0);
    results.push(result);
  }
  return results;
}

/** What removing all together has left, by its number. */
async function removeOne(site: Site, premises: Premises, aside: Aside): Promise<Aside> {
  if (!exists(premises, aside.entry)) return aside;
  const { nested, notes, error } = await removeById(site, premises, aside.entry, site.idOf(aside.tree) ?? 0);
  const asKnown = (text: string): string => text.replaceAll(printable(aside.entry), printable(formerNameOf(aside.tree)));
  const result = {
    ...aside,
    nested,
    notes: [...aside.notes, ...notes.map(asKnown)],
    error: error === null ? null : new RootsError('failed', asKnown(error.message), { cause: error }),
  };
  // Nothing of it is gone, so it is an old root as before.
  return error !== null && nested.length === 0 ? putBack(premises, result) : result;
}

async function removeById(site: Site, premises: Premises, entry: BytePath, id: number): ReturnType<typeof removeSubvolume> {
  return removeSubvolume(site.run, site.top, { id, path: pathOfEntry(site, entry) }, async () => {
    const [why = null] = await premises.whyInUse([entry]);
    if (why !== null) throw new RootsError('failed', `${printable(entry)} is not removed: ${why}`);
  });
}

/** Names of ours, of subvolumes that are on their way out. */
export function leftovers({ held }: Pick<Site, 'held'>): BytePath[] {
  const names = readdirSync(toBytes(held.path), { encoding: 'latin1' }) as BytePath[];
  return names.filter((name) => parseEntryName(name).kind === 'removing');
}

export async function finishRemovals(site: Site, premises: Premises): Promise<Leftover[]> {
  const entries = leftovers(site);
  const paths = new Map(entries.map((entry) => [entry, joinPath(site.held.path, entry)]));
  const ids = await idsAt(site.run, site.top, [...paths.values()]);
  const results: Leftover[] = [];
  for (const [entry, path] of paths) {
    const { kind, ...named } = parseEntryName(entry);
    if (kind !== 'removing' || !('formerName' in named)) continue;
    const why = whyNoTree(path);
    const id = ids.get(path);
    const error =
      why !== null || id === undefined
        ? new RootsError('failed', `${printable(entry)} is not removed: ${why ?? 'it is gone'}`)
        : (await removeById(site, premises, entry, id)).error;
    results.push({ formerName: named.formerName, error });
  }
  return results;
}
