/**
 * How a tree leaves an archive: by one rename to a name of ours (entry-name.ts), after which it is listed no more. What
 * was asked for is checked before that, and once more of what then has the name, where nobody else puts anything.
 */
import { printable, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import type { ArchivedTree, Departure } from './backend.ts';
import { deletingName, parseEntryName, trashName } from './entry-name.ts';

/** Why something does not get a name. */
export const NAME_TAKEN = 'there is something of that name';

/** What a backend knows of its archive. Entries are names in it. */
export interface Premises {
  readonly exists: (entry: BytePath) => Promise<boolean>;
  /** How many bytes a name of ours for this one may have. */
  longestName(entry: BytePath): number;
  /** Never replaces anything that was there when it was asked. Errors: with the `code` of the kernel's error, if it is one. */
  rename(from: BytePath, to: BytePath): Promise<void>;
  /** Why not, or null; `NAME_TAKEN` if that is why. Replaces nothing, whatever others do meanwhile. */
  renameWithoutReplacing(from: BytePath, to: BytePath): Promise<string | null>;
  /** Throws if this is not a tree that may ever go: by its name, by what it is or holds, by its pin. */
  examine(tree: ArchivedTree): void;
  /** For each, why the entry is not the tree that was listed, or null. */
  whyNotSame(entries: readonly { readonly entry: BytePath; readonly tree: ArchivedTree }[]): Promise<readonly (string | null)[]>;
  /** For each, why it may be in use, or null. Nothing else may come between this and the step that it is asked for. */
  whyInUse(entries: readonly BytePath[]): Promise<readonly (string | null)[]>;
  /** Clears what stops an entry from being renamed or removed, in the entry itself only. */
  mend(entry: BytePath): Promise<Mended>;
}

export interface Mended {
  /** What was done, for people. */
  readonly notes: readonly string[];
  /** Why what stops it cannot be cleared, if that is known. */
  readonly stuck?: string;
  /** Sets all back as it was. `entry`: where it is now. */
  undo(entry: BytePath): Promise<void>;
}

export interface Aside extends Departure {
  /** Where it is now. */
  readonly entry: BytePath;
}

type NameFor = (tree: ArchivedTree, isTaken: Premises['exists']) => Promise<BytePath | undefined>;

export interface SetAsideOptions {
  /** A tree that cannot be renamed because the disk is full is a success all the same, under the name that it has. */
  readonly inPlace: boolean;
  /** What had to be changed for the rename is set back after it. */
  readonly keepFlags: boolean;
}

/** Renames all that may go; one result for each, in this order. */
export async function setAside(
  premises: Premises,
  trees: readonly ArchivedTree[],
  nameFor: NameFor,
  options: SetAsideOptions,
): Promise<Aside[]> {
  const asked = trees.map((tree) =>
    unmoved(
      tree,
      reasonOf(() => premises.examine(tree)),
    ),
  );
  const same = await checked(asked, (sound) => premises.whyNotSame(sound));
  const idle = await checked(same, (sound) => premises.whyInUse(sound.map(({ entry }) => entry)));
  const moved: Aside[] = [];
  for (const each of idle) moved.push(each.error === null ? await move(premises, each, nameFor, options) : each);
  const known = await checked(moved, (sound) => premises.whyNotSame(sound));
  const settled: Aside[] = [];
  for (const each of known) settled.push(each.error === null ? each : await putBack(premises, each));
  return settled;
}

/** Into the trash. What had to be changed for that is set back, so that what comes out of it is what went in. */
export async function discardTrees(premises: Premises, trees: readonly ArchivedTree[], at: Date): Promise<Aside[]> {
  const nameFor: NameFor = (tree, isTaken) => trashName(formerNameOf(tree), at, isTaken, premises.longestName(formerNameOf(tree)));
  return setAside(premises, trees, nameFor, { inPlace: false, keepFlags: true });
}

/** Of those without an error so far: whether there is one now. */
export async function checked<T extends Aside>(
  asides: readonly T[],
  ask: (sound: readonly T[]) => Promise<readonly (string | null)[]>,
): Promise<T[]> {
  const sound = asides.filter(({ error }) => error === null);
  if (sound.length === 0) return [...asides];
  const answers = await ask(sound);
  const reasons = new Map(sound.map((each, at) => [each, answers[at] ?? null]));
  return asides.map((each) => {
    const why = reasons.get(each) ?? null;
    return why === null ? each : { ...each, error: refusal(each.tree, why) };
  });
}

/** Gives a tree that must stay after all its name back. Should that be taken meanwhile, it goes into the trash. */
export async function putBack(premises: Premises, aside: Aside): Promise<Aside> {
  const { tree, entry } = aside;
  if (entry === tree.name) return aside;
  const { error, entry: now } = await putBackEntry(premises, entry, tree.name);
  return { ...aside, entry: now, error: aside.error ?? (error === null ? null : refusal(tree, error)) };
}

/** The same by names. `error`: why it has not got its name back, or null. */
export async function putBackEntry(
  premises: Premises,
  entry: BytePath,
  name: BytePath,
): Promise<{ readonly entry: BytePath; readonly error: string | null }> {
  const to = (await premises.exists(name)) ? await trashName(name, new Date(), premises.exists, premises.longestName(name)) : name;
  if (to === undefined) return { entry, error: 'its name is taken' };
  try {
    await premises.rename(entry, to);
    return { entry: to, error: null };
  } catch (error) {
    return { entry, error: messageOf(error) };
  }
}

/** From here on it is not whole, unless there is an `error`. On a full disk it may have to keep the name that it has. */
export async function beginDeleting(
  premises: Premises,
  entry: BytePath,
  formerName: BytePath,
): Promise<{ readonly entry: BytePath; readonly error: string | null }> {
  const to = await deletingName(formerName, premises.exists, premises.longestName(formerName));
  try {
    await premises.rename(entry, to);
    return { entry: to, error: null };
  } catch (error) {
    return { entry, error: isFull(error) ? null : messageOf(error) };
  }
}

async function move(premises: Premises, aside: Aside, nameFor: NameFor, options: SetAsideOptions): Promise<Aside> {
  const { tree } = aside;
  const to = await nameFor(tree, premises.exists);
  if (to === undefined) return { ...aside, error: refusal(tree, 'its name is too long for the trash') };
  try {
    await premises.rename(tree.name, to);
    return { ...aside, entry: to };
  } catch (error) {
    if (options.inPlace && isFull(error)) return aside;
    return errnoOf(error) === 'EPERM' ? mendAndMove(premises, aside, to, options) : { ...aside, error: notMoved(tree, error) };
  }
}

/** The flags of the tree itself stop its rename; those of what is in it do not. */
async function mendAndMove(premises: Premises, aside: Aside, to: BytePath, { keepFlags }: SetAsideOptions): Promise<Aside> {
  const mended = await premises.mend(aside.tree.name);
  try {
    await premises.rename(aside.tree.name, to);
  } catch (error) {
    await mended.undo(aside.tree.name);
    return { ...aside, error: mended.stuck === undefined ? notMoved(aside.tree, error) : refusal(aside.tree, mended.stuck) };
  }
  if (keepFlags) await mended.undo(to);
  return { ...aside, entry: to, notes: keepFlags ? [] : mended.notes };
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '');
}

function unmoved(tree: ArchivedTree, error: RootsError | null): Aside {
  return { tree, entry: tree.name, error, nested: [], notes: [] };
}

function reasonOf(check: () => void): RootsError | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof RootsError) return error;
    throw error;
  }
}

function notMoved(tree: ArchivedTree, error: unknown): RootsError {
  if (errnoOf(error) === 'EPERM')
    return new RootsError('failed', `${nameOf(tree)} is not removed: it may not be renamed`, {
      hint: 'is the archive itself immutable? See lsattr -d',
      cause: error,
    });
  const hint = isFull(error) ? { hint: 'without `grace` old roots are removed at once, which needs no space' } : {};
  return new RootsError('failed', `${nameOf(tree)} is not removed: ${messageOf(error)}`, { ...hint, cause: error });
}

export function refusal(tree: ArchivedTree, why: string): RootsError {
  return new RootsError('failed', `${nameOf(tree)} is not removed: ${why}`);
}

/** Gives a tree another name. What must be changed for that is set back: a snapshot that has become writable would be one no more. */
export async function renameTree(premises: Premises, tree: ArchivedTree, to: BytePath): Promise<void> {
  const [different = null] = await premises.whyNotSame([{ entry: tree.name, tree }]);
  const [used = null] = await premises.whyInUse([tree.name]);
  const why = different ?? used ?? (await renameOrMend(premises, tree.name, to));
  if (why === null) return;
  throw new RootsError('failed', `${printable(tree.name)} cannot be given the name ${printable(to)}: ${why}`, {
    hint: why.includes('Operation not permitted') ? 'is it immutable? See lsattr -d' : 'see what is in the archive',
  });
}

/** Why not, or null. */
async function renameOrMend(premises: Premises, from: BytePath, to: BytePath): Promise<string | null> {
  const first = await premises.renameWithoutReplacing(from, to);
  if (first?.includes('Operation not permitted') !== true) return first;
  const mended = await premises.mend(from);
  const second = mended.notes.length === 0 ? first : await premises.renameWithoutReplacing(from, to);
  await mended.undo(second === null ? to : from);
  return second === null ? null : (mended.stuck ?? second);
}

/** As people know it. */
function nameOf(tree: ArchivedTree): string {
  return printable(formerNameOf(tree));
}

/** Its name in the archive; of what is in the trash, the one that it had there. */
export function formerNameOf(tree: Pick<ArchivedTree, 'name'>): BytePath {
  const entry = parseEntryName(tree.name);
  return entry.kind === 'plain' ? tree.name : entry.formerName;
}
