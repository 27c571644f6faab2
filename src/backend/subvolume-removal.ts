/**
 * Removing one subvolume for good, with those that are nested in it.
 */
import { printable, printableText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';

/** What programs say of a subvolume that only has others in it: ENOTEMPTY, after the kernel has looked for all other reasons to refuse. */
export const NOT_EMPTY = 'Directory not empty';

export interface Removed {
  /** Paths of nested ones that are gone, inside the outer one. */
  readonly nested: readonly BytePath[];
  readonly notes: readonly string[];
  /** Null if the outer one is gone. */
  readonly error: RootsError | null;
}

export interface Stages {
  /** Asked right before anything goes; throws if that must not be. */
  readonly check: () => Promise<void>;
  /** Told right before the first of the nested ones goes: after that it is not whole. Returns the entry of the archive that it is then. */
  readonly begin: () => Promise<BytePath>;
}

/** How one filesystem does it. */
export interface Steps<T> {
  /** Throws unless it is still what it was. */
  readonly requireSame: (outer: T) => Promise<void>;
  /** Null when it is gone, else what the program said. Adds to `notes` what had to be changed. */
  readonly deleteOrMend: (each: T, notes: string[]) => Promise<string | null>;
  /** The same, where it is now. */
  readonly at: (outer: T, entry: BytePath) => T;
  /** Deepest first. */
  readonly nestedIn: (outer: T) => Promise<readonly T[]>;
}

/**
 * The outer one is tried first. If it cannot go for a reason of its own (on btrfs: it is the default subvolume, is being sent, holds a swap file) that is
 * told before anything nested in it is lost. Paths are relative to the top level.
 */
export async function removeOuterFirst<T extends { readonly path: BytePath }>(
  outer: T,
  { requireSame, deleteOrMend, at, nestedIn }: Steps<T>,
  { check, begin }: Stages,
): Promise<Removed> {
  const gone: BytePath[] = [];
  const notes: string[] = [];
  try {
    await requireSame(outer);
    await check();
    const refusal = await deleteOrMend(outer, notes);
    if (refusal === null) return { nested: [], notes, error: null };
    if (!refusal.includes(NOT_EMPTY)) throw refused(outer.path, refusal);
    const begun = at(outer, await begin());
    const nested = await nestedIn(begun);
    if (nested.length === 0) throw refused(begun.path, refusal);
    await check();
    for (const each of nested) {
      const why = await deleteOrMend(each, notes);
      if (why !== null) throw refused(each.path, why);
      gone.push(each.path.slice(begun.path.length + 1) as BytePath);
    }
    const why = await deleteOrMend(begun, notes);
    if (why !== null) throw refused(begun.path, why);
    return { nested: gone, notes, error: null };
  } catch (error) {
    if (error instanceof RootsError && error.kind !== 'interrupted') return { nested: gone, notes, error };
    throw error;
  }
}

function refused(path: BytePath, refusal: string): RootsError {
  return new RootsError('failed', `${printable(path)} cannot be removed: ${printableText(refusal)}`);
}
