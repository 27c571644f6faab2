/**
 * Deleting directories that have left an archive. A directory cannot be deleted at once: what a killed run leaves is under a name of ours
 * (entry-name.ts), and the next run deletes it.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { joinPath, printable, printableText, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { clearBlockingFlagsBelow } from '../../system/attributes.ts';
import type { ArchivedTree, Departure, Leftover } from '../backend.ts';
import { parseEntryName, removingName } from '../entry-name.ts';
import { beginDeleting, checked, formerNameOf, putBack, putBackEntry, refusal, setAside, type Aside, type Premises } from '../set-aside.ts';
import { whyPinned, type Site } from './premises.ts';

/** Removes them for good. */
export async function removeTrees(site: Site, premises: Premises, trees: readonly ArchivedTree[]): Promise<Departure[]> {
  const aside = await setAside(premises, trees, (tree, isTaken) => removingName(formerNameOf(tree), isTaken), {
    inPlace: false,
    keepFlags: false,
  });
  const idle = await checked(aside, (sound) => premises.whyInUse(sound.map(({ entry }) => entry)));
  const results: Departure[] = [];
  for (const each of idle) results.push(each.error === null ? await destroyAside(site, premises, each) : await putBack(premises, each));
  return results;
}

async function destroyAside(site: Site, premises: Premises, aside: Aside): Promise<Aside> {
  const formerName = formerNameOf(aside.tree);
  const { entry, error: stays } = await beginDeleting(premises, aside.entry, formerName);
  if (stays !== null) return putBack(premises, { ...aside, error: refusal(aside.tree, stays) });
  const { error, notes } = await destroy(site, premises, entry, formerName);
  return { ...aside, entry, error, notes: [...aside.notes, ...notes] };
}

export interface SweepQuestions {
  readonly wasToGo: (id: string) => boolean;
  /** By its former name. */
  readonly idOf: (name: BytePath) => string;
  /** Why it must stay though it was to go, by what it is and holds; null if it may go. */
  readonly whyItStays: (entry: BytePath) => string | null;
}

/** Deletes what killed runs left. */
export async function finishRemovals(site: Site, premises: Premises, questions: SweepQuestions): Promise<Leftover[]> {
  const results: Leftover[] = [];
  for (const entry of leftovers(site.held.path)) {
    const named = parseEntryName(entry);
    if (named.kind === 'removing') results.push(await finishOne(site, premises, entry, named, questions));
  }
  return results;
}

async function finishOne(
  site: Site,
  premises: Premises,
  entry: BytePath,
  { formerName, isWhole }: { readonly formerName: BytePath; readonly isWhole: boolean },
  { wasToGo, idOf, whyItStays }: SweepQuestions,
): Promise<Leftover> {
  const of = { formerName, id: idOf(formerName) };
  const refused = (why: string): RootsError => new RootsError('failed', `${printable(formerName)} is not removed: ${why}`);
  const [used = null] = await premises.whyInUse([entry]);
  // A pin is of a name: of what is half deleted it says nothing.
  const unwanted = isWhole ? (whyPinned(site.held.path, of.id) ?? (wasToGo(of.id) ? null : 'nothing says that it was to go')) : null;
  const why = whyItStays(entry) ?? used ?? unwanted;
  const begun = why === null && isWhole ? await beginDeleting(premises, entry, formerName) : { entry, error: why };
  const { error: stays } = begun;
  if (stays === null) {
    const { error } = await destroy(site, premises, begun.entry, formerName);
    return { ...of, result: error === null ? 'removed' : 'failed', error };
  }
  if (!isWhole) return { ...of, result: 'failed', error: refused(stays) };
  const back = await putBackEntry(premises, entry, formerName);
  return { ...of, result: back.error === null ? 'restored' : 'failed', error: refused(back.error ?? stays) };
}

/** Names of ours, of directories that are on their way out. A link or a file of such a name is none of ours. */
export function leftovers(archive: BytePath): BytePath[] {
  const names = readdirSync(toBytes(archive), { encoding: 'latin1' }) as BytePath[];
  return names.filter(
    (name) =>
      parseEntryName(name).kind === 'removing' && lstatSync(toBytes(joinPath(archive, name)), { throwIfNoEntry: false })?.isDirectory(),
  );
}

interface Destroyed {
  /** Null if it is gone. */
  readonly error: RootsError | null;
  readonly notes: readonly string[];
}

/**
 * What is out of the archive already. `rm` follows no link, and `--one-file-system` keeps it off other filesystems, but not off a part
 * of this one that is bound there meanwhile.
 */
async function destroy(site: Site, premises: Premises, entry: BytePath, formerName: BytePath): Promise<Destroyed> {
  const { run, held } = site;
  const path = joinPath(held.path, entry);
  const rm = ['-rf', '--one-file-system', '--', { path }];
  const first = await run('rm', rm);
  if (first.status === 0) return { error: null, notes: [] };
  const notes: string[] = [];
  const left = (why: string): Destroyed => ({
    error: new RootsError('failed', `${printable(formerName)} cannot be removed completely: ${why}`),
    notes,
  });
  if (first.stderr.includes('Operation not permitted')) {
    const [used = null] = await premises.whyInUse([entry]);
    if (used !== null) return left(used);
    await clearBlockingFlagsBelow(run, path);
    notes.push('cleared immutable flags in it');
  }
  // All this takes a while.
  const [used = null] = await premises.whyInUse([entry]);
  if (used !== null) return left(used);
  const second = await run('rm', rm);
  if (second.status === 0) return { error: null, notes };
  return left(
    printableText((second.stderr.split('\n')[0] ?? '').replace(/^rm: (?:cannot remove .*: (?=[A-Z])|skipping '[^']*', since )?/, '')),
  );
}
