/**
 * How subvolumes leave the archive, and come back to it.
 */
import { readdirSync } from 'node:fs';
import { joinPath, printable, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { hasEntry } from '../archive-directory.ts';
import type { ArchivedTree, Departure, Leftover } from '../backend.ts';
import { parseEntryName, removingName } from '../entry-name.ts';
import { beginDeleting, checked, formerNameOf, putBack, putBackEntry, setAside, type Aside, type Premises } from '../set-aside.ts';
import { isTrustedWay, pathOfEntry, whyItStays, whyNoTree, type Site } from './premises.ts';
import { deleteTogether, removeSubvolume, type Removed } from './remove.ts';
import { identifyOne } from './subvolumes.ts';

/** Removes them for good. */
export async function removeTrees(site: Site, premises: Premises, trees: readonly ArchivedTree[]): Promise<Departure[]> {
  const aside = await setAside(premises, trees, (tree, isTaken) => removingName(formerNameOf(tree), isTaken), {
    inPlace: true,
    keepFlags: false,
  });
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
    results.push(each.error === null ? await removeOne(site, premises, each) : await putBack(premises, each));
  }
  return results;
}

/** What removing all together has left, by its number. */
async function removeOne(site: Site, premises: Premises, aside: Aside): Promise<Aside> {
  if (!hasEntry(site.held.path, aside.entry)) return aside;
  const removal = await removeById(site, premises, { ...aside, formerName: formerNameOf(aside.tree), id: site.idOf(aside.tree) ?? 0 });
  const result = { ...aside, ...removal, notes: [...aside.notes, ...removal.notes] };
  // Nothing of it is gone, so it is an old root as before.
  return result.error !== null && result.nested.length === 0 ? putBack(premises, result) : result;
}

interface OnItsWay {
  readonly entry: BytePath;
  readonly formerName: BytePath;
  readonly id: number;
}

/** `entry`: where it is then, if it is. */
async function removeById(site: Site, premises: Premises, { entry, formerName, id }: OnItsWay): Promise<Removed & Pick<OnItsWay, 'entry'>> {
  let now = entry;
  const removed = await removeSubvolume(
    site.run,
    site.top,
    { id, path: pathOfEntry(site, entry) },
    {
      check: async () => {
        const [why = null] = await premises.whyInUse([now]);
        if (why !== null) throw new RootsError('failed', `${printable(now)} is not removed: ${why}`);
      },
      begin: async () => {
        // In place, on a full disk, it keeps its own name.
        if (parseEntryName(entry).kind === 'removing') {
          const begun = await beginDeleting(premises, entry, formerName);
          if (begun.error !== null) throw new RootsError('failed', `${printable(formerName)} is not removed: ${begun.error}`);
          now = begun.entry;
        }
        return pathOfEntry(site, now);
      },
    },
  );
  const asKnown = (text: string): string =>
    [entry, now].reduce((words, name) => words.replaceAll(printable(name), printable(formerName)), text);
  const { error } = removed;
  return {
    entry: now,
    nested: removed.nested,
    notes: removed.notes.map(asKnown),
    error: error === null ? null : new RootsError('failed', `${asKnown(error.message)}${lost(removed)}`, { cause: error }),
  };
}

function lost({ nested }: Removed): string {
  return nested.length === 0
    ? ''
    : `; what was nested in it is gone already (${nested.map(printable).join(', ')}), and the next prune goes on`;
}

/** Names of ours, of subvolumes that are on their way out. What else has such a name is none of ours. */
export function leftovers({ held }: Pick<Site, 'held'>): BytePath[] {
  const names = readdirSync(toBytes(held.path), { encoding: 'latin1' }) as BytePath[];
  return names.filter((name) => parseEntryName(name).kind === 'removing' && whyNoTree(joinPath(held.path, name)) === null);
}

export async function finishRemovals(site: Site, premises: Premises, wasToGo: (id: string) => boolean): Promise<Leftover[]> {
  const results: Leftover[] = [];
  for (const entry of leftovers(site)) {
    const named = parseEntryName(entry);
    if (named.kind !== 'removing') continue;
    try {
      const { id, uuid } = await identifyOne(site.top, pathOfEntry(site, entry));
      results.push(await finishOne(site, premises, { entry, ...named, id, uuid }, wasToGo));
    } catch (error) {
      if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
      results.push({ formerName: named.formerName, id: null, result: 'failed', error });
    }
  }
  return results;
}

async function finishOne(
  site: Site,
  premises: Premises,
  leftover: OnItsWay & { readonly uuid: string; readonly isWhole: boolean },
  wasToGo: (id: string) => boolean,
): Promise<Leftover> {
  const { entry, formerName, uuid, isWhole } = leftover;
  const of = { formerName, id: uuid };
  const stays = whyItStays(site, entry, uuid) ?? (isWhole && !wasToGo(uuid) ? 'nothing says that it was to go' : null);
  const removal =
    stays === null
      ? await removeById(site, premises, leftover)
      : { entry, nested: [], error: new RootsError('failed', `${printable(formerName)} is not removed: ${stays}`) };
  if (removal.error === null) return { ...of, result: 'removed', error: null };
  if (!isWhole || removal.nested.length > 0) return { ...of, result: 'failed', error: removal.error };
  const back = await putBackEntry(premises, removal.entry, formerName);
  if (back.error === null) return { ...of, result: 'restored', error: removal.error };
  return { ...of, result: 'failed', error: new RootsError('failed', `${printable(formerName)} has not its name back: ${back.error}`) };
}
