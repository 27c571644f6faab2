/**
 * How subvolumes leave the archive, and come back to it.
 */
import { fromText, joinPath, printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { readNames } from '../system/names.ts';
import { hasEntry } from './archive-directory.ts';
import type { ArchivedTree, Departure, Leftover } from './backend.ts';
import { parseEntryName, removingName } from './entry-name.ts';
import { beginDeleting, checked, formerNameOf, putBack, putBackEntry, setAside, type Aside, type Premises } from './set-aside.ts';
import { isTrustedWay, whyItStays, type SubvolumeSite, type Telling } from './subvolume-archive.ts';
import type { Removed, Stages } from './subvolume-removal.ts';

/** How one filesystem removes. `Key`: what a subvolume is known by there, more surely than by the text that is its `id`. */
export interface Departing<Key> {
  readonly site: SubvolumeSite;
  readonly telling: Telling;
  readonly premises: Premises;
  /** Of a tree that was listed. */
  readonly keyOf: (tree: ArchivedTree) => Key | undefined;
  /** Of what is there now. Errors: `failed`. */
  readonly identify: (entry: BytePath) => Promise<{ readonly id: string; readonly key: Key }>;
  /** Tries all of them at once; what it leaves goes one by one. Only asked where nobody else can change the way to the archive. */
  readonly removeTogether: (entries: readonly BytePath[]) => Promise<void>;
  readonly remove: (of: { readonly entry: BytePath; readonly key: Key }, stages: Stages) => Promise<Removed>;
}

/** Removes them for good. */
export async function removeTrees<Key>(departing: Departing<Key>, trees: readonly ArchivedTree[]): Promise<Departure[]> {
  const { premises, site } = departing;
  const aside = await setAside(premises, trees, (tree, isTaken) => removingName(formerNameOf(tree), isTaken), {
    inPlace: true,
    keepFlags: false,
  });
  const idle = await checked(aside, (sound) => premises.whyInUse(sound.map(({ entry }) => entry)));
  const going = idle.filter(({ error }) => error === null);
  const renamed = going.filter(({ entry, tree }) => entry !== tree.name);
  if (isTrustedWay(site)) await departing.removeTogether(renamed.map(({ entry }) => entry));
  const results: Departure[] = [];
  for (const each of idle) {
    results.push(each.error === null ? await removeOne(departing, each) : await putBack(premises, each));
  }
  return results;
}

/** What removing all together has left. */
async function removeOne<Key>(departing: Departing<Key>, aside: Aside): Promise<Aside> {
  const { premises, site, keyOf } = departing;
  if (!hasEntry(site.held.path, aside.entry)) return aside;
  const key = keyOf(aside.tree);
  if (key === undefined) throw new TypeError('what was not listed is to be removed');
  const removal = await removeByKey(departing, { ...aside, formerName: formerNameOf(aside.tree), key });
  const result = { ...aside, ...removal, notes: [...aside.notes, ...removal.notes] };
  // Nothing of it is gone, so it is an old root as before.
  return result.error !== null && result.nested.length === 0 ? putBack(premises, result) : result;
}

interface OnItsWay<Key> {
  readonly entry: BytePath;
  readonly formerName: BytePath;
  readonly key: Key;
}

/** `entry`: where it is then, if it is. */
async function removeByKey<Key>(
  { premises, remove }: Departing<Key>,
  { entry, formerName, key }: OnItsWay<Key>,
): Promise<Removed & Pick<OnItsWay<Key>, 'entry'>> {
  let now = entry;
  const removed = await remove(
    { entry, key },
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
        return now;
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
export function leftovers({ held }: Pick<SubvolumeSite, 'held'>, { whyNoTree }: Telling): BytePath[] {
  return readNames(joinPath(held.path, fromText('.'))).filter(
    (name) => parseEntryName(name).kind === 'removing' && whyNoTree(joinPath(held.path, name)) === null,
  );
}

export async function finishRemovals<Key>(departing: Departing<Key>, wasToGo: (id: string) => boolean): Promise<Leftover[]> {
  const results: Leftover[] = [];
  for (const entry of leftovers(departing.site, departing.telling)) {
    const named = parseEntryName(entry);
    if (named.kind !== 'removing') continue;
    try {
      const { id, key } = await departing.identify(entry);
      results.push(await finishOne(departing, { entry, ...named, id, key }, wasToGo));
    } catch (error) {
      if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
      results.push({ formerName: named.formerName, id: null, result: 'failed', error });
    }
  }
  return results;
}

async function finishOne<Key>(
  departing: Departing<Key>,
  leftover: OnItsWay<Key> & { readonly id: string; readonly isWhole: boolean },
  wasToGo: (id: string) => boolean,
): Promise<Leftover> {
  const { entry, formerName, id, isWhole } = leftover;
  const { site, telling, premises } = departing;
  const of = { formerName, id };
  const stays = whyItStays(site, telling, entry, id) ?? (isWhole && !wasToGo(id) ? 'nothing says that it was to go' : null);
  const removal =
    stays === null
      ? await removeByKey(departing, leftover)
      : { entry, nested: [], error: new RootsError('failed', `${printable(formerName)} is not removed: ${stays}`) };
  if (removal.error === null) return { ...of, result: 'removed', error: null };
  if (!isWhole || removal.nested.length > 0) return { ...of, result: 'failed', error: removal.error };
  const back = await putBackEntry(premises, removal.entry, formerName);
  if (back.error === null) return { ...of, result: 'restored', error: removal.error };
  return { ...of, result: 'failed', error: new RootsError('failed', `${printable(formerName)} has not its name back: ${back.error}`) };
}
