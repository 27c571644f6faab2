/**
 * One old root as it is looked at: what is in it, and what is now where that was.
 */
import { joinPath, printable, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import { FILESYSTEM, directoryBeneath, placeBeneath } from '../system/beneath.ts';
import { readBeginning, readTarget, type Beginning } from '../system/beginning.ts';
import { readEntry, type Entry } from '../system/entry.ts';
import { readNames } from '../system/names.ts';
import { createTreeReader } from '../system/tree-reader.ts';
import type { Context } from './context.ts';
import { PathIndex } from './path-index.ts';
import { matchPaths, type Matches } from './path-match.ts';
import type { ResolvedRoot } from './resolve-root.ts';
import type { Target } from './targets.ts';

export type { Beginning };

/** Something in an old root. No link is followed for it. */
export interface BrowsedEntry extends Entry {
  /** Inside the old root, without a leading slash; `''` is the root itself. */
  readonly path: BytePath;
  /** Where a symbolic link points to. */
  readonly target: BytePath | null;
}

export interface Listing {
  /** In byte order. */
  readonly entries: readonly BrowsedEntry[];
  /** How many there are besides. */
  readonly more: number;
}

export interface Found {
  readonly entries: readonly BrowsedEntry[];
  /** How many paths have all words. */
  readonly count: number;
  /** Whether all paths of the root were looked at; `partly`: there are more than are held. */
  readonly searched: 'all' | 'partly' | 'still reading';
  /** How many paths were. */
  readonly among: number;
}

/** Errors of all: `not-found`, also if the whole root is gone; `not-permitted`, `failed`. */
export interface OpenRoot {
  readonly root: ResolvedRoot;
  entry(path: BytePath): BrowsedEntry;
  /** `most`: how many entries are wanted. */
  list(directory: BytePath, most: number): Listing;
  /** Waits until all paths are known, but not for long if some fit already. `signal`: nobody wants to know any more. */
  search(words: string, near: BytePath, most: number, signal: AbortSignal): Promise<Found>;
  beginning(file: BytePath, most: number): Beginning;
  /** Where it was on the live system; null if the live root is not mounted. */
  livePath(path: BytePath): BytePath | null;
  /** What is there now; null if nothing is, or if that cannot be told. */
  liveEntry(path: BytePath): Entry | null;
  /** Stops reading. */
  close(): Promise<void>;
}

/** Where a path inside the trees of a target is on the live system; null if its live root is not mounted. */
export function livePathOf({ backend }: Target, path: BytePath): BytePath | null {
  return backend.liveMountPoint === null ? null : joinPath(backend.liveMountPoint, path);
}

const NOTHING: Found = { entries: [], count: 0, searched: 'all', among: 0 };

/** How long a search waits for what is still being read. Milliseconds. */
const PATIENCE = 1500;

/** Errors: `not-found`. */
export async function openRoot(context: Context, root: ResolvedRoot): Promise<OpenRoot> {
  const top = await root.target.backend.pathOf(root.tree);
  const index = new PathIndex(createTreeReader(context.run), { path: top });
  const entryAt = (path: BytePath): BrowsedEntry => asked(path, () => entryBeneath(top, path));
  return {
    root,
    entry: entryAt,
    list: (directory, most) => asked(directory, () => listBeneath(top, directory, most)),
    search: async (words, near, most, signal) => {
      const match = (): Matches => matchPaths(index.paths, words, { near, most });
      await index.settle(PATIENCE, () => match().count > 0, signal);
      if (signal.aborted) return NOTHING;
      const { paths, count } = match();
      return {
        entries: paths.flatMap((path) => entryIfThere(entryAt, path.replace(/\/$/, '') as BytePath)),
        count,
        searched: index.isCut ? 'partly' : index.isComplete ? 'all' : 'still reading',
        among: index.paths.length,
      };
    },
    beginning: (file, most) => asked(file, () => readBeginning(top, file, most)),
    livePath: (path) => livePathOf(root.target, path),
    liveEntry: (path) => {
      const live = livePathOf(root.target, path);
      return live === null ? null : liveEntryAt(live);
    },
    close: () => index.close(),
  };
}

/** What the kernel says about one path, in words. */
function asked<T>(path: BytePath, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof RootsError) throw error;
    switch (errnoOf(error)) {
      case undefined:
        throw error;
      case 'ENOENT':
      case 'ENOTDIR':
      case 'ELOOP':
        throw new RootsError('not-found', `/${printable(path)} is not there any more`, { cause: error });
      case 'EACCES':
      case 'EPERM':
        throw new RootsError('not-permitted', `/${printable(path)} may not be read`, { hint: 'run as root (sudo)', cause: error });
      default:
        throw new RootsError('failed', `/${printable(path)} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }
}

function entryBeneath(top: BytePath, path: BytePath): BrowsedEntry {
  if (path === '') {
    const held = directoryBeneath(top, path, { links: 'inside' });
    try {
      return present(path, entryOf(joinPath(held.path, '.' as BytePath), path));
    } finally {
      held.close();
    }
  }
  const place = placeBeneath(top, path, { links: 'inside' });
  try {
    return present(path, entryOf(place.path, path));
  } finally {
    place.directory.close();
  }
}

function present(path: BytePath, entry: BrowsedEntry | null): BrowsedEntry {
  if (entry === null) throw new RootsError('not-found', `/${printable(path)} is not there any more`);
  return entry;
}

function entryOf(at: BytePath, path: BytePath): BrowsedEntry | null {
  const entry = readEntry(at);
  return entry === null ? null : { ...entry, path, target: entry.type === 'symlink' ? readTarget(at) : null };
}

function listBeneath(top: BytePath, directory: BytePath, most: number): Listing {
  const held = directoryBeneath(top, directory, { links: 'inside' });
  try {
    const names = readNames(held.path);
    const entries = names.slice(0, most).flatMap((name) => entryOf(joinPath(held.path, name), joinPath(directory, name)) ?? []);
    return { entries, more: Math.max(names.length - most, 0) };
  } finally {
    held.close();
  }
}

function entryIfThere(entryAt: (path: BytePath) => BrowsedEntry, path: BytePath): BrowsedEntry[] {
  try {
    return [entryAt(path)];
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'not-found') return [];
    throw error;
  }
}

function liveEntryAt(path: BytePath): Entry | null {
  try {
    const place = placeBeneath(FILESYSTEM, path, { links: 'trusted' });
    try {
      return readEntry(place.path);
    } finally {
      place.directory.close();
    }
  } catch (error) {
    if (error instanceof RootsError) return null;
    throw error;
  }
}
