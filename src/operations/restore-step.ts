/**
 * What restoring would do with one path: found by reading both sides, and nothing else.
 */
import { printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Place } from '../system/beneath.ts';
import { isSameEntry, type Entry } from '../system/entry.ts';
import type { Mount } from '../system/mounts.ts';
import type { Run } from '../system/run.ts';
import { measureTree } from '../system/tree-size.ts';
import { asUnreadable } from '../system/unreadable.ts';
import { storedAt } from './persisted-place.ts';
import { destinationPlace, existingAt } from './restore-places.ts';
import type { XattrComparison } from './xattr-comparison.ts';

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

export interface Paths {
  readonly source: BytePath;
  readonly destination: BytePath;
}

export interface Found extends Paths {
  readonly from: { readonly place: Place; readonly entry: Entry };
  /** At the destination. */
  readonly existing: Entry | null;
}

export interface Means {
  readonly run: Run;
  readonly sides: Sides;
  readonly xattrs: XattrComparison;
  /** Whether there is nothing to do, of two directories. */
  readonly isSameTree: (paths: Paths) => Promise<boolean>;
}

/** What is to become of one path that is no directory on both sides. */
export async function stepFor(means: Means, found: Found): Promise<RestoreStep> {
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
    const existing = existingAt(destination);
    const step = await stepFor(alone, { ...found, destination, existing });
    if (step.action !== 'refuse' || step.before === null) return { ...step, isBeside: true };
    const areDirectories = found.from.entry.type === 'directory' && existing?.type === 'directory';
    if (areDirectories && (await means.isSameTree({ source: found.source, destination })))
      return { ...step, action: 'same', why: null, isBeside: true };
  }
}

/** Errors: `interrupted`, and what is no error of one path. */
export function reasonOf(error: unknown): string {
  if (error instanceof RootsError && error.kind !== 'interrupted') return error.message;
  return asUnreadable(error).why;
}
