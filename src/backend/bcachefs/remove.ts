/**
 * Removing a subvolume of bcachefs for good, and what is nested in it, one at a time. `bcachefs subvolume delete` takes a path only, follows links, and
 * finds what it deletes by the path once more. So each is renamed into the archive's own directory, which nobody but root can change, and the program is given
 * a descriptor that is open on the very subvolume that was looked at: what the kernel says of where that is, it deletes.
 */
import { fstatSync, renameSync } from 'node:fs';
import { joinPath, parentOf, printable, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../../errors.ts';
import { holdRealDirectory, type HeldDirectory } from '../../system/beneath.ts';
import { deletingName } from '../entry-name.ts';
import { formerNameOf, type Premises } from '../set-aside.ts';
import { isTrustedWay, pathOfEntry } from '../subvolume-archive.ts';
import { removeOuterFirst, type Removed, type Stages } from '../subvolume-removal.ts';
import { NOT_PERMITTED, wordsOf } from './parse.ts';
import { clearFlags, noteOf, whyStuck, type Site } from './premises.ts';
import { holdNested, identityOf, isSameSubvolume, nestedIn, type Identity } from './subvolumes.ts';

interface Going {
  /** Relative to the top level, for people. */
  readonly path: BytePath;
  /** Of the archive: itself, or the one that it is nested in. */
  readonly entry: BytePath;
  /** In the entry; empty for the entry itself. */
  readonly inside: BytePath;
  readonly identity: Identity;
}

export async function removeSubvolume(
  site: Site,
  premises: Premises,
  { entry, key }: { readonly entry: BytePath; readonly key: Identity },
  stages: Stages,
): Promise<Removed> {
  const at = (outer: Going, now: BytePath): Going => ({ ...outer, entry: now, path: pathOfEntry(site, now) });
  const steps = {
    requireSame: async (outer: Going) => {
      requireTrustedWay(site, outer.path);
      holdEntry(site, outer).close();
      return Promise.resolve();
    },
    deleteOrMend: (each: Going, notes: string[]) =>
      each.inside === '' ? deleteOrMend(site, premises, each, notes) : deleteNested(site, premises, each, notes),
    at,
    nestedIn: (outer: Going) => nestedOf(site, outer),
  };
  return removeOuterFirst({ path: pathOfEntry(site, entry), entry, inside: '' as BytePath, identity: key }, steps, stages);
}

/** Errors: `failed` if others could put a link where the program finds its way. */
function requireTrustedWay(site: Pick<Site, 'top' | 'location'>, path: BytePath): void {
  if (!isTrustedWay(site)) throw new RootsError('failed', `${printable(path)} is not removed: ${UNTRUSTED}`, { hint: HOW_TO_TRUST });
}

export const UNTRUSTED = 'others than root can change what is on the way to the archive';
export const HOW_TO_TRUST = 'give the directories on it to root, and take the right to write from group and others';

async function nestedOf(site: Site, outer: Going): Promise<Going[]> {
  const held = holdEntry(site, outer);
  try {
    return (await nestedIn(held)).map(({ path, identity }) => ({
      path: joinPath(outer.path, path),
      entry: outer.entry,
      inside: path,
      identity,
    }));
  } finally {
    held.close();
  }
}

/** Errors: `failed` unless the entry is the subvolume that is meant. */
function holdEntry({ held }: Site, { path, entry, identity }: Pick<Going, 'path' | 'entry' | 'identity'>): HeldDirectory {
  const own = holdRealDirectory(joinPath(held.path, entry));
  const now = own === null ? null : identityOf(own);
  if (own !== null && now !== null && isSameSubvolume(now, identity)) return own;
  own?.close();
  throw new RootsError('failed', `${printable(path)} is not removed: the subvolume ${String(identity.subvolume)} is not there`);
}

/** Null when it is gone, else why not. Adds to `notes` what it had to change. */
async function deleteOrMend(site: Site, premises: Premises, going: Omit<Going, 'inside'>, notes: string[]): Promise<string | null> {
  const own = holdEntry(site, going);
  try {
    const refusal = await tryDelete(site, premises, going, own);
    if (refusal?.includes(NOT_PERMITTED) !== true) return refusal;
    const { cleared, stuck } = await clearFlags(site.run, own);
    if (cleared.length === 0) return stuck.length === 0 ? refusal : whyStuck(stuck);
    notes.push(noteOf(cleared, going.path));
    return await tryDelete(site, premises, going, own);
  } finally {
    own.close();
  }
}

async function tryDelete(
  { top }: Site,
  premises: Premises,
  { entry, identity }: Pick<Going, 'entry' | 'identity'>,
  own: HeldDirectory,
): Promise<string | null> {
  const [used = null] = await premises.whyInUse([entry]);
  if (used !== null) return used;
  const result = await top.runInside('bcachefs', ['subvolume', 'delete', { path: own.path }]);
  if (result.status !== 0) return wordsOf(result);
  // What is deleted has no name left.
  return fstatSync(own.fd).nlink === 0
    ? null
    : `bcachefs says that it is deleted, and the subvolume ${String(identity.subvolume)} is still there`;
}

/**
 * A nested one lies in directories that may be those of users. So it is moved out first, from the directory that it was seen in, and should the run be cut short there, it is
 * on its way out like what it was in. What cannot go is moved back.
 */
async function deleteNested(site: Site, premises: Premises, going: Going, notes: string[]): Promise<string | null> {
  const outer = holdRealDirectory(joinPath(site.held.path, going.entry));
  const found = outer === null ? null : holdNested(outer, { path: going.inside, identity: going.identity });
  outer?.close();
  if (found === null) return 'it is no longer what it was';
  const { own, around, name } = found;
  const inPlace = joinPath(around.path, name);
  const to = await deletingName(formerNameOf({ name: going.entry }), premises.exists);
  const aside = joinPath(site.held.path, to);
  try {
    const why = await moveOrMend(site, inPlace, aside, { own, around, path: going.path }, notes);
    if (why !== null) return why;
    const refusal = await deleteOrMend(site, premises, { ...going, entry: to }, notes).catch((error: unknown) => {
      if (error instanceof RootsError && error.kind === 'failed') return error.message;
      throw error;
    });
    // Whatever has this name now is what was moved: nobody else can put anything here.
    const back = refusal === null ? null : moved(aside, inPlace);
    return back === null ? refusal : `${refusal ?? ''}; it is ${printable(to)} now`;
  } finally {
    own.close();
    around.close();
  }
}

/** Why not, or null. Flags are cleared of the subvolume itself and of the directory that it is in, both inside the old root. */
async function moveOrMend(
  { run }: Site,
  from: BytePath,
  to: BytePath,
  { own, around, path }: { readonly own: HeldDirectory; readonly around: HeldDirectory; readonly path: BytePath },
  notes: string[],
): Promise<string | null> {
  const first = moved(from, to);
  if (first?.code !== 'EPERM') return first?.why ?? null;
  const [inIt, aroundIt] = [await clearFlags(run, own), await clearFlags(run, around)];
  if (inIt.cleared.length > 0) notes.push(noteOf(inIt.cleared, path));
  if (aroundIt.cleared.length > 0) notes.push(noteOf(aroundIt.cleared, parentOf(path)));
  if (inIt.stuck.length > 0) return whyStuck(inIt.stuck);
  return moved(from, to)?.why ?? null;
}

function moved(from: BytePath, to: BytePath): { readonly code: string | undefined; readonly why: string } | null {
  try {
    renameSync(toBytes(from), toBytes(to));
    return null;
  } catch (error) {
    return { code: errnoOf(error), why: messageOf(error) };
  }
}
