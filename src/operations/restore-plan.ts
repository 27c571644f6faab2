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
import { readXattrs } from '../system/xattrs.ts';
import type { Run } from '../system/run.ts';
import { storedAt } from './persisted-place.ts';
import { compareXattrs } from '../diff/compare.ts';

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
  readonly type: Entry['type'];
  /** Bytes of a regular file, or of all files in a directory that is created; null for others. */
  readonly size: number | null;
  /** How many entries are in a directory that is created; null for others. */
  readonly entries: number | null;
  /** Why it is refused, for people. */
  readonly why: string | null;
  /** What was at the destination, to be recognised again right before it is replaced. */
  readonly before: Entry | null;
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
  readonly conflict: Conflict;
  /** What the name ends in under which the old one goes beside it. */
  readonly keptAs: BytePath;
  readonly signal: AbortSignal;
}

/** Plans one file or a whole tree; a directory that is there already is entered, one that is not is one step. Errors: `not-found`. */
export async function planRestore(run: Run, sides: Sides): Promise<RestoreStep[]> {
  const steps: RestoreStep[] = [];
  // A list and not recursion: trees can be deeper than the stack.
  const ahead = [{ source: sides.source, destination: sides.destination }];
  for (let each = ahead.pop(); each !== undefined; each = ahead.pop()) {
    const from = sourcePlace(sides.root, each.source);
    try {
      const source = readEntry(from.path);
      if (source === null) throw new RootsError('not-found', `${printable(each.source)} is not in this old root`);
      const existing = existingAt(each.destination);
      if (source.type === 'directory' && existing?.type === 'directory') {
        const { source: inside, destination } = each;
        ahead.push(
          ...readNames(from.path)
            .map((name) => ({ source: joinPath(inside, name), destination: joinPath(destination, name) }))
            .reverse(),
        );
      } else {
        steps.push(await stepFor(run, sides, each, { place: from, entry: source }, existing));
      }
    } finally {
      from.directory.close();
    }
  }
  return steps;
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

async function stepFor(
  run: Run,
  sides: Sides,
  paths: Paths,
  from: { place: Place; entry: Entry },
  existing: Entry | null,
): Promise<RestoreStep> {
  const { type, size } = from.entry;
  const step = { ...paths, type, size: type === 'file' ? size : null, entries: null, before: existing, why: null };
  if (existing === null && type === 'directory') {
    const { entries, bytes } = await measureTree(run, from.place.path, sides.signal);
    return { ...step, action: 'create', size: bytes, entries };
  }
  if (existing === null) return { ...step, action: 'create' };
  const refuse = (why: string): RestoreStep => ({ ...step, action: 'refuse', why });
  if (sides.mounts.some(({ mountPoint }) => mountPoint === paths.destination))
    return refuse(whyNotMounted(sides.mounts, paths.destination));
  const otherKind =
    existing.type === 'directory'
      ? 'a directory is there'
      : type === 'directory'
        ? `a ${existing.type} is there where a directory would go`
        : null;
  if (otherKind !== null) return sides.conflict === 'keep both' ? beside(run, sides, paths, from) : refuse(otherKind);
  const there = destinationPlace(paths.destination);
  try {
    const isSame =
      isSameEntry(from.place.path, from.entry, there.path, existing) && (await haveSameXattrs(run, from.place.path, there.path));
    if (isSame) return { ...step, action: 'same' };
  } finally {
    there.directory.close();
  }
  switch (sides.conflict) {
    case 'leave':
      return refuse('it exists');
    case 'overwrite':
      return { ...step, action: 'replace' };
    case 'keep both':
      return beside(run, sides, paths, from);
  }
}

/** A mount point cannot be replaced, and what is there persists or is somebody else's. */
function whyNotMounted(mounts: readonly Mount[], path: BytePath): string {
  const stored = storedAt(mounts, path);
  return stored === null ? 'it is a mount point' : `it is mounted from ${printable(stored)}: restore it there with --persist`;
}

/** Under the first name that is free, or has the same already. */
async function beside(run: Run, sides: Sides, paths: Paths, from: { place: Place; entry: Entry }): Promise<RestoreStep> {
  for (let number = 1; ; number += 1) {
    const destination = `${paths.destination}${sides.keptAs}${number === 1 ? '' : `-${String(number)}`}` as BytePath;
    const step = await stepFor(run, { ...sides, conflict: 'leave' }, { ...paths, destination }, from, existingAt(destination));
    if (step.action !== 'refuse') return step;
  }
}

/** ACLs and capabilities among them. Where they cannot be read at all, what else was compared must do. */
async function haveSameXattrs(run: Run, a: BytePath, b: BytePath): Promise<boolean> {
  try {
    const [ofA, ofB] = await readXattrs(run, [a, b]);
    return ofA instanceof Map && ofB instanceof Map && compareXattrs(ofA, ofB).length === 0;
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'unsupported') return true;
    throw error;
  }
}
