/**
 * What is asked of a subvolume in the archive before anything is done to it.
 */
import { lstatSync, statfsSync } from 'node:fs';
import { baseName, fromText, isWithin, joinPath, printable, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError, errnoOf } from '../../errors.ts';
import type { HeldDirectory } from '../../system/beneath.ts';
import { mountsShowing, readAllMountTables, type Mount } from '../../system/mounts.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Run } from '../../system/run.ts';
import { STATE_FOLDER, pinOf, readPins } from '../archive-state.ts';
import { entriesIn } from '../archive-directory.ts';
import type { ArchivedTree } from '../backend.ts';
import { parseEntryName } from '../entry-name.ts';
import { looksLikeRoot, nestedRootNames } from '../layouts.ts';
import { refusal, type Premises } from '../set-aside.ts';
import type { BtrfsLocation } from './adapter.ts';
import { mendSubvolume } from './remove.ts';
import { BTRFS_MAGIC, idsAt, isSubvolume } from './subvolumes.ts';

export interface Site {
  readonly run: Run;
  readonly top: PrivateMount;
  readonly location: BtrfsLocation;
  /** The archive. */
  readonly held: HeldDirectory;
  /** What the system runs from, whatever is configured: a boot script that ran too late has moved it into the archive. */
  readonly mountedAtRoot: BytePath | null;
  /** The subvolume id of a tree of the last `list`. */
  readonly idOf: (tree: ArchivedTree) => number | undefined;
}

export function premisesOf(site: Site): Premises {
  const { run, top, held } = site;
  const at = (entry: BytePath): BytePath => joinPath(held.path, entry);
  return {
    ...entriesIn(held.path, run),
    examine: (tree) => {
      examine(site, tree);
    },
    whyNotSame: async (entries) => {
      const ids = await idsAt(
        run,
        top,
        entries.map(({ entry }) => at(entry)),
      );
      return entries.map(({ entry, tree }) => {
        const id = ids.get(at(entry));
        // The number is that of the subvolume that the path is in: it must be its root.
        if (!isSubvolume(at(entry))) return whyNoTree(at(entry)) ?? 'no subvolume';
        return id !== undefined && id === site.idOf(tree) ? null : `another subvolume has this name now`;
      });
    },
    whyInUse: async (entries) => {
      // The kernel deletes a mounted subvolume without a word (Linux 6.12, 6.18).
      const { mounts, incomplete } = await readAllMountTables(run);
      return entries.map((entry) => {
        if (incomplete !== null) return `it may be mounted: ${incomplete}`;
        const used = mountPointsOf(site, pathOfEntry(site, entry), mounts)[0];
        return used === undefined ? null : `it is mounted at ${printable(used)}`;
      });
    },
    mend: async (entry) => {
      const mended = await mendSubvolume(run, top, pathOfEntry(site, entry));
      return { notes: mended.notes, undo: (now) => mended.undo(pathOfEntry(site, now)) };
    },
  };
}

/** Relative to the top level. */
export function pathOfEntry({ location }: Pick<Site, 'location'>, entry: BytePath): BytePath {
  return joinPath(location.archive, entry);
}

function examine(site: Site, tree: ArchivedTree): void {
  const { name } = tree;
  if (
    name === '' ||
    name.includes('/') ||
    name === '..' ||
    name === '.' ||
    name === STATE_FOLDER ||
    parseEntryName(name).kind === 'removing'
  )
    throw refusal(tree, 'this is no name of an old root');
  const why = whyItStays(site, name, tree.id);
  if (why !== null) throw refusal(tree, why);
}

/** By what it is, what it holds, and its pin. */
export function whyItStays(site: Site, entry: BytePath, id: string): string | null {
  const path = pathOfEntry(site, entry);
  const why = whyNoTree(joinPath(site.held.path, entry));
  if (why !== null) return why;
  const { live, blank } = site.location;
  for (const [word, other] of [
    ['live root', live],
    ['running root', site.mountedAtRoot],
    ['blank', blank],
  ] as const) {
    if (other !== null && isWithin(other, path)) return `it is or holds the ${word}`;
  }
  const pin = pinOf(readPins(site.held.path), id);
  if (pin !== null) return `it is pinned${pin.note === '' ? '' : ` (${pin.note})`}`;
  const nested = nestedRootOf(site, entry);
  return nested === null ? null : `it holds another old root at \`${printable(nested)}\``;
}

/** Inode 256 alone is not enough: other filesystems have such an inode too. */
export function whyNoTree(path: BytePath): string | null {
  const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
  if (stats === undefined) return 'it does not exist';
  if (stats.isSymbolicLink()) return 'a symbolic link, not a subvolume';
  if (!stats.isDirectory()) return 'a file, not a subvolume';
  if (stats.ino !== 256) return 'a plain directory, not a subvolume';
  return filesystemType(path) === BTRFS_MAGIC ? null : 'on another filesystem';
}

function filesystemType(path: BytePath): number | undefined {
  try {
    return statfsSync(toBytes(path)).type;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where a path of the top level, or something below it, is mounted. */
export function mountPointsOf({ top }: Pick<Site, 'top'>, path: BytePath, mounts: readonly Mount[]): BytePath[] {
  return [...new Set(mountsShowing(mounts, top.device, joinPath(fromText('/'), path)).map((mount) => mount.mountPoint))];
}

/** `mv root old_roots/TIME`, where TIME exists already, makes old_roots/TIME/root. */
export function nestedRootOf({ held, location }: Pick<Site, 'held' | 'location'>, name: BytePath): BytePath | null {
  const own = location.live === null ? null : baseName(location.live);
  return (
    nestedRootNames(location.live).find((each) => {
      const nested = joinPath(held.path, name, each);
      // Some systems make /root a subvolume: what has not the name of the live root must look like a root.
      return isSubvolume(nested) && (each === own || looksLikeRoot(nested));
    }) ?? null
  );
}

/** Whether the way to the archive is in nobody else's hands: every directory on it is root's, and only root can change what is in it. */
export function isTrustedWay({ top, location }: Pick<Site, 'top' | 'location'>): boolean {
  const parts = location.archive.split('/') as BytePath[];
  return [fromText(''), ...parts].every((_, at) => {
    const stats = lstatSync(toBytes(joinPath(top.path, ...parts.slice(0, at), fromText('.'))), { throwIfNoEntry: false });
    return stats?.isDirectory() === true && stats.uid === 0 && (stats.mode & 0o022) === 0;
  });
}

/** Errors: `failed` if something else is where the archive was. */
export function requireSameArchive(site: Site, now: { readonly dev: number; readonly ino: number } | null): void {
  const then = lstatSync(toBytes(joinPath(site.held.path, fromText('.'))));
  if (now?.ino !== then.ino || now.dev !== then.dev)
    throw new RootsError('failed', `the archive \`${printable(site.location.archive)}\` is no longer where it was`, {
      hint: 'run the command again',
    });
}
