/**
 * How datasets and snapshots leave the archive. Each is destroyed by its own name and without -r or -R, so that the kernel refuses whatever
 * has come to depend on it since it was looked at.
 */
import { printable, printableText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { ArchivedTree, Departure, Leftover } from '../backend.ts';
import { parseEntryName, removingName } from '../entry-name.ts';
import { beginDeleting, formerNameOf, putBack, putBackEntry, setAside, type Aside, type Premises } from '../set-aside.ts';
import { entryOfSnapshot, isSnapshot, lastPart, pathWithin, splitSnapshot } from './names.ts';
import { requireDataset, takenOverByLive, whyItStays, type Site } from './premises.ts';
import { mustZfs, wordsOf, zfs } from './program.ts';
import { inOrderOfRemoval, partsOf, type Scan } from './scan.ts';

/** Reads all again. */
type Look = () => Promise<Scan>;

/** Removes them for good. */
export async function removeTrees(site: Site, premises: Premises, trees: readonly ArchivedTree[], look: Look): Promise<Departure[]> {
  await look();
  const nameFor = async (tree: ArchivedTree, isTaken: Premises['exists']): Promise<BytePath> =>
    removingName(formerNameOf(tree), isTaken, premises.longestName(formerNameOf(tree)));
  const aside = await setAside(premises, trees, nameFor, {
    inPlace: false,
    keepFlags: false,
  });
  const results: Departure[] = [];
  for (const each of aside) results.push(each.error === null ? await removeOne(site, premises, each, look) : each);
  return results;
}

async function removeOne(site: Site, premises: Premises, aside: Aside, look: Look): Promise<Aside> {
  const removal = await destroy(site, premises, { entry: aside.entry, formerName: formerNameOf(aside.tree), guid: aside.tree.id }, look);
  const result = { ...aside, ...removal };
  return result.error !== null && result.isWhole ? putBack(premises, result) : result;
}

interface OnItsWay {
  readonly entry: BytePath;
  readonly formerName: BytePath;
  readonly guid: string;
}

interface Destroyed extends Omit<Departure, 'tree'> {
  /** Where it is now, if it is. */
  readonly entry: BytePath;
  /** Nothing of it is gone. */
  readonly isWhole: boolean;
}

async function destroy(site: Site, premises: Premises, { entry, formerName, guid }: OnItsWay, look: Look): Promise<Destroyed> {
  const notes: string[] = [];
  const gone: BytePath[] = [];
  let now = entry;
  let destroyed = 0;
  const snapshots: string[] = [];
  const ended = (why: string | null): Destroyed => ({
    entry: now,
    nested: gone,
    notes:
      snapshots.length === 0 ? notes : [...notes, `its snapshots went with it: ${snapshots.map((each) => printableText(each)).join(', ')}`],
    isWhole: destroyed === 0,
    error: why === null ? null : new RootsError('failed', `${printable(formerName)} is not removed: ${why}`),
  });
  try {
    let there = await look();
    const before = whyItStays(site, there, requireDataset(site, now), guid);
    if (before !== null) return ended(before);
    const promoted = await takeOver(site, there, requireDataset(site, now));
    if (promoted !== null) {
      notes.push(promoted);
      there = await look();
    }
    const [, ...inner] = partsOf(there, requireDataset(site, now));
    if (inner.length > 0) {
      const why = await whyNotNow(site, premises, there, { entry: now, guid });
      if (why !== null) return ended(why);
      const begun = await beginDeleting(premises, now, formerName);
      if (begun.error !== null) return ended(begun.error);
      now = begun.entry;
      there = await look();
    }
    const dataset = requireDataset(site, now);
    for (const part of inOrderOfRemoval(there, dataset)) {
      const why = await whyNotNow(site, premises, there, { entry: now, guid });
      if (why !== null) return ended(why);
      const result = await zfs(site.run, ['destroy', part.name]);
      if (result.status !== 0) return ended(asKnown(wordsOf(result), entry, now, formerName));
      destroyed += 1;
      if (part.name === dataset) continue;
      if (isSnapshot(part.name) && !isSnapshot(dataset)) snapshots.push(splitSnapshot(part.name).name);
      else gone.push(pathWithin(part.name, dataset));
    }
    return ended(null);
  } catch (error) {
    if (error instanceof RootsError && error.kind !== 'interrupted') return ended(error.message);
    throw error;
  }
}

/** Right before each step. The mount tables are read last of all. */
async function whyNotNow(
  site: Site,
  premises: Premises,
  there: Scan,
  { entry, guid }: { readonly entry: BytePath; readonly guid: string },
): Promise<string | null> {
  const why = whyItStays(site, there, requireDataset(site, entry), guid);
  if (why !== null) return why;
  const [used = null] = await premises.whyInUse([entry]);
  return used;
}

/**
 * Where the blank is a snapshot of what was the live root once, it is archived with that, and the live root is its clone. Promoting the live root moves it back,
 * and the clones of it in the archive with it. Returns what was done, or null.
 */
async function takeOver({ run }: Site, there: Scan, dataset: string): Promise<string | null> {
  const { live } = there;
  const taken = takenOverByLive(there, dataset);
  if (live === null || taken.size === 0) return null;
  await mustZfs(run, ['promote', live.name], `${printableText(live.name)} cannot be promoted`);
  const names = [...taken].map((name) => printableText(splitSnapshot(name).name)).join(', ');
  return `promoted ${printableText(live.name)}, which has the snapshots that it depends on now: ${names}`;
}

function asKnown(words: string, ...[entry, now, formerName]: readonly [BytePath, BytePath, BytePath]): string {
  return [entry, now].reduce((text, name) => text.replaceAll(printable(name), printable(formerName)), words);
}

/** Names of ours, of what is on its way out. */
function leftovers({ places: { archive, live }, datasets }: Scan): { readonly entry: BytePath; readonly guid: string }[] {
  return [...datasets.values()].flatMap(({ name, guid, type }) => {
    const entry = entryOf(name, archive, live);
    return entry !== null && type !== 'volume' && parseEntryName(entry).kind === 'removing' ? [{ entry, guid }] : [];
  });
}

/** Null if it is neither directly below the archive nor a snapshot of the live root. */
export function entryOf(name: string, archive: string | null, live: string | null): BytePath | null {
  if (live !== null && name.startsWith(`${live}@`)) return entryOfSnapshot(splitSnapshot(name).name);
  const last = lastPart(name);
  return archive !== null && name === `${archive}/${last}` && !isSnapshot(name) ? (last as BytePath) : null;
}

/** Finishes what killed runs left. */
export async function finishRemovals(site: Site, premises: Premises, wasToGo: (id: string) => boolean, look: Look): Promise<Leftover[]> {
  const results: Leftover[] = [];
  for (const { entry, guid } of leftovers(await look())) {
    const named = parseEntryName(entry);
    if (named.kind === 'removing') results.push(await finishOne(site, premises, { entry, guid, ...named }, wasToGo(guid), look));
  }
  return results;
}

async function finishOne(
  site: Site,
  premises: Premises,
  leftover: OnItsWay & { readonly isWhole: boolean },
  wasToGo: boolean,
  look: Look,
): Promise<Leftover> {
  const { entry, formerName, guid, isWhole } = leftover;
  const of = { formerName, id: guid };
  const failed = (why: string): RootsError => new RootsError('failed', `${printable(formerName)} ${why}`);
  const removal =
    isWhole && !wasToGo
      ? { entry, isWhole: true, error: failed('is not removed: nothing says that it was to go') }
      : await destroy(site, premises, leftover, look);
  if (removal.error === null) return { ...of, result: 'removed', error: null };
  if (!isWhole || !removal.isWhole) return { ...of, result: 'failed', error: removal.error };
  const back = await putBackEntry(premises, removal.entry, formerName);
  if (back.error === null) return { ...of, result: 'restored', error: removal.error };
  return { ...of, result: 'failed', error: failed(`has not its name back: ${back.error}`) };
}
