/**
 * What restoring would do: found by reading both sides, and nothing else.
 */
import { joinPath, printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { isSameEntry, readEntry, type Entry } from '../system/entry.ts';
import type { Mount } from '../system/mounts.ts';
import { readNames } from '../system/names.ts';
import { FILESYSTEM, placeBeneath, type Place } from '../system/beneath.ts';
import { measureTree } from '../system/tree-size.ts';
import { XattrComparison } from './xattr-comparison.ts';
import type { Run } from '../system/run.ts';
import { asUnreadable } from '../system/unreadable.ts';
import { storedAt } from './persisted-place.ts';

export interface RestoreStep {
  /**
   * `create`: nothing is there. `replace`: something is, and it was said to be overwritten. `same`: nothing to do.
   * `refuse`: something is there and stays.
   */
  readonly action: 'create' | 'replace' | 'same' | 'refuse';
  /** Inside the old root, without a leading slash. */
  readonly source: BytePath;
  /** Absolute. */
  readonly destination: BytePath;
  /** Null if what is in the old root cannot be read. */
  readonly type: Entry['type'] | null;
  /** Bytes of a regular file, or of all files in a directory that is created; null for others. */
  readonly size: number | null;
  /** How many entries are in a directory that is created; null for others. */
  readonly entries: number | null;
  /** Why it is refused, for people. */
  readonly why: string | null;
  /** What was at the destination, to be recognised again right before it is replaced. */
  readonly before: Entry | null;
  /** It goes beside what is at the destination that was asked for. */
  readonly isBeside: boolean;
}

/** What becomes of a file that exists and differs: it stays and nothing comes back; it is replaced; it stays and the old one goes beside it. */
export type Conflict = 'leave' | 'overwrite' | 'keep both';

export interface Sides {
  /** Where the old root can be read. */
  readonly root: BytePath;
  readonly source: BytePath;
  readonly destination: BytePath;
  /** Of this system. */
  readonly mounts: readonly Mount[];
  /** Where live roots are mounted. */
  readonly lives: readonly BytePath[];
  readonly conflict: Conflict;
  /** What the name ends in under which the old one goes beside it. */
  readonly keptAs: BytePath;
  readonly signal: AbortSignal;
}

/** So many are compared at once, each with directories of its own held open. */
const AT_ONCE = 100;

/** Plans one file or a whole tree; a directory that is there already is entered, one that is not is one step. Errors: `not-found`. */
export async function planRestore(run: Run, sides: Sides): Promise<RestoreStep[]> {
  const means = { run, sides, xattrs: new XattrComparison(run) };
  const steps: RestoreStep[] = [];
  let due: Found[] = [];
  const decide = async (): Promise<void> => {
    try {
      steps.push(...(await Promise.all(due.map((found) => stepFor(means, found)))));
    } finally {
      for (const { from } of due) from.place.directory.close();
      due = [];
    }
  };
  // A list and not recursion: trees can be deeper than the stack.
  const ahead: Paths[] = [{ source: sides.source, destination: sides.destination }];
  try {
    for (let paths = ahead.pop(); paths !== undefined; paths = ahead.pop()) {
      if (sides.signal.aborted) throw new RootsError('interrupted', 'stopped; nothing was changed');
      try {
        const found = find(sides, paths);
        if (found.from.entry.type === 'directory' && found.existing?.type === 'directory') ahead.push(...namesIn(found));
        else due.push(found);
      } catch (error) {
        // One of many that cannot be read does not stop the others.
        if (paths.source === sides.source) throw error;
        steps.push({ ...paths, ...NOTHING_KNOWN, action: 'refuse', why: reasonOf(error) });
      }
      if (due.length === AT_ONCE) await decide();
    }
    await decide();
  } finally {
    for (const { from } of due) from.place.directory.close();
  }
  return steps;
}

const NOTHING_KNOWN = { type: null, size: null, entries: null, before: null, isBeside: false } as const;

/** Errors: `interrupted`, and what is no error of one path. */
function reasonOf(error: unknown): string {
  if (error instanceof RootsError && error.kind !== 'interrupted') return error.message;
  return asUnreadable(error).why;
}

interface Found extends Paths {
  readonly from: { readonly place: Place; readonly entry: Entry };
  /** At the destination. */
  readonly existing: Entry | null;
}

/** The place of what is found stays open. Errors: `not-found`. */
function find(sides: Sides, paths: Paths): Found {
  const place = sourcePlace(sides.root, paths.source);
  try {
    const entry = readEntry(place.path);
    if (entry === null) throw new RootsError('not-found', `${printable(paths.source)} is not in this old root`);
    return { ...paths, from: { place, entry }, existing: existingAt(paths.destination) };
  } catch (error) {
    place.directory.close();
    throw error;
  }
}

/** The last one first. */
function namesIn({ source, destination, from }: Found): Paths[] {
  try {
    return readNames(from.place.path)
      .map((name) => ({ source: joinPath(source, name), destination: joinPath(destination, name) }))
      .reverse();
  } finally {
    from.place.directory.close();
  }
}

/** A path inside an old root is resolved inside it, as after chroot(2). */
export function sourcePlace(root: BytePath, path: BytePath): Place {
  return placeBeneath(root, path, { links: 'inside' });
}

/** Links on the way to a destination are followed only if nobody else could have put them there. */
export function destinationPlace(path: BytePath): Place {
  return placeBeneath(FILESYSTEM, path, { links: 'trusted' });
}

interface Paths {
  readonly source: BytePath;
  readonly destination: BytePath;
}

/** Null also if the directory for it does not exist yet. */
function existingAt(path: BytePath): Entry | null {
  let place: Place;
  try {
    place = destinationPlace(path);
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'not-found') return null;
    throw error;
  }
  try {
    return readEntry(place.path);
  } finally {
    place.directory.close();
  }
}

interface Means {
  readonly run: Run;
  readonly sides: Sides;
  readonly xattrs: XattrComparison;
}

async function stepFor(means: Means, found: Found): Promise<RestoreStep> {
  const { source, destination, from, existing } = found;
  const { type, size } = from.entry;
  const step = {
    source,
    destination,
    type,
    size: type === 'file' ? size : null,
    entries: null,
    before: existing,
    why: null,
    isBeside: false,
  };
  try {
    return await decided(means, found, step);
  } catch (error) {
    return { ...step, action: 'refuse', why: reasonOf(error) };
  }
}

async function decided(means: Means, found: Found, step: Omit<RestoreStep, 'action'>): Promise<RestoreStep> {
  const { sides } = means;
  const { destination, from, existing } = found;
  const { type } = from.entry;
  if (existing === null && type === 'directory') {
    const { entries, bytes } = await measureTree(means.run, from.place.path, sides.signal);
    return { ...step, action: 'create', size: bytes, entries };
  }
  if (existing === null) return { ...step, action: 'create' };
  const why = whyInTheWay(sides, destination, type, existing.type);
  if (why?.isMount === true) return { ...step, action: 'refuse', why: why.text };
  if (why === null && (await isSame(means, found, existing))) return { ...step, action: 'same' };
  if (sides.conflict === 'keep both') return beside(means, found);
  if (sides.conflict === 'overwrite' && why === null) return { ...step, action: 'replace' };
  return { ...step, action: 'refuse', why: why?.text ?? 'it exists' };
}

/** Null for what could be replaced. */
function whyInTheWay(
  { mounts, lives }: Sides,
  destination: BytePath,
  type: Entry['type'],
  there: Entry['type'],
): { readonly text: string; readonly isMount: boolean } | null {
  if (mounts.some(({ mountPoint }) => mountPoint === destination))
    return { text: whyNotMounted(storedAt(mounts, destination, lives)), isMount: true };
  if (there === 'directory') return { text: 'a directory is there', isMount: false };
  return type === 'directory' ? { text: `a ${there} is there where a directory would go`, isMount: false } : null;
}

async function isSame({ xattrs }: Means, { destination, from }: Found, existing: Entry): Promise<boolean> {
  const there = destinationPlace(destination);
  try {
    return isSameEntry(from.place.path, from.entry, there.path, existing) && (await xattrs.areSame(from.place.path, there.path));
  } finally {
    there.directory.close();
  }
}

/** A mount point cannot be replaced, and what is there persists or is somebody else's. */
function whyNotMounted(stored: BytePath | null): string {
  return stored === null ? 'it is a mount point' : `it is mounted from ${printable(stored)}: restore it there with --persist`;
}

/** Under the first name that is free, or has the same already. */
async function beside(means: Means, found: Found): Promise<RestoreStep> {
  const alone = { ...means, sides: { ...means.sides, conflict: 'leave' as const } };
  for (let number = 1; ; number += 1) {
    const destination = `${found.destination}${means.sides.keptAs}${number === 1 ? '' : `-${String(number)}`}` as BytePath;
    const step = await stepFor(alone, { ...found, destination, existing: existingAt(destination) });
    if (step.action !== 'refuse' || step.before === null) return { ...step, isBeside: true };
  }
}
