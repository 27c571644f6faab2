/**
 * An archive that is a directory of subvolumes, by a private mount of the top level: what is asked of it whatever the filesystem.
 */
import { lstatSync, type Stats } from 'node:fs';
import { baseName, fromText, isWithin, joinPath, printable, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { holdDirectory, type HeldDirectory } from '../system/beneath.ts';
import { mountsShowing, readAllMountTables, type Mount } from '../system/mounts.ts';
import type { PrivateMount } from '../system/private-mount.ts';
import type { Run } from '../system/run.ts';
import { entriesIn } from './archive-directory.ts';
import { STATE_FOLDER, pinOf, readPins } from './archive-state.ts';
import type { ArchivedTree, Listing } from './backend.ts';
import { parseEntryName } from './entry-name.ts';
import { looksLikeRoot, nestedRootNames } from './layouts.ts';
import { refusal, type Premises } from './set-aside.ts';

/** Paths are relative to the top level. */
export interface SubvolumeLocation {
  readonly device: string;
  readonly live: BytePath | null;
  readonly blank: BytePath | null;
  readonly archive: BytePath;
}

export interface SubvolumeSite {
  readonly run: Run;
  readonly top: PrivateMount;
  readonly location: SubvolumeLocation;
  /** The archive. */
  readonly held: HeldDirectory;
  /** What the system runs from, whatever is configured: a boot script that ran too late has moved it into the archive. */
  readonly mountedAtRoot: BytePath | null;
}

/** How one filesystem tells subvolumes. Paths are as this process reads them; no link is followed at their end. */
export interface Telling {
  readonly isSubvolume: (path: BytePath) => boolean;
  /** Why an entry of the archive is no tree, or null. */
  readonly whyNoTree: (path: BytePath) => string | null;
}

/** Errors: `not-found` if there is no archive. */
export function openArchive(top: PrivateMount, { archive, device }: SubvolumeLocation): { held: HeldDirectory; archiveKey: string } {
  const stats = realDirectory(top.path, archive);
  if (stats === null) {
    throw new RootsError('not-found', `there is no archive \`${printable(archive)}\` on ${device}`, {
      hint: 'check `archive` in the configuration',
    });
  }
  return { held: holdDirectory(joinPath(top.path, archive)), archiveKey: `${String(stats.dev)}:${String(stats.ino)}` };
}

/** The directory at a path below the top level, if no part of the path is a link: a link could lead to another filesystem. */
export function realDirectory(top: BytePath, path: BytePath): Stats | null {
  let stats: Stats | undefined;
  for (const [at] of path.split('/').entries()) {
    const part = path
      .split('/')
      .slice(0, at + 1)
      .join('/') as BytePath;
    stats = lstatSync(toBytes(joinPath(top, part)), { throwIfNoEntry: false });
    if (stats?.isDirectory() !== true) return null;
  }
  return stats ?? null;
}

/** Errors: `failed` if something else is where the archive was. */
export function requireSameArchive({ top, held, location }: SubvolumeSite): void {
  const now = realDirectory(top.path, location.archive);
  const then = lstatSync(toBytes(joinPath(held.path, fromText('.'))));
  if (now?.ino !== then.ino || now.dev !== then.dev)
    throw new RootsError('failed', `the archive \`${printable(location.archive)}\` is no longer where it was`, {
      hint: 'run the command again',
    });
}

/** Whether the way to the archive is in nobody else's hands: every directory on it is root's, and only root can change what is in it. */
export function isTrustedWay({ top, location }: Pick<SubvolumeSite, 'top' | 'location'>): boolean {
  const parts = location.archive.split('/') as BytePath[];
  return [fromText(''), ...parts].every((_, at) => {
    const stats = lstatSync(toBytes(joinPath(top.path, ...parts.slice(0, at), fromText('.'))), { throwIfNoEntry: false });
    return stats?.isDirectory() === true && stats.uid === 0 && (stats.mode & 0o022) === 0;
  });
}

/** Relative to the top level. */
export function pathOfEntry({ location }: Pick<SubvolumeSite, 'location'>, entry: BytePath): BytePath {
  return joinPath(location.archive, entry);
}

/** Where exactly a tree is mounted for us: `/` if it is there, else the first. */
export function mountPointOf(mounts: readonly Mount[], device: string, path: BytePath): BytePath | null {
  const root = joinPath(fromText('/'), path);
  const points = mounts.filter((mount) => mount.device === device && mount.root === root).map((mount) => mount.mountPoint);
  return points.find((point) => point === '/') ?? points[0] ?? null;
}

/** Which tree of a filesystem the system runs from, relative to the top level; null if it is not on this one. */
export function treeAtRoot(mounts: readonly Mount[], device: string): BytePath | null {
  const mount = mounts.findLast((each) => each.mountPoint === '/' && each.device === device);
  return mount === undefined ? null : (mount.root.slice(1) as BytePath);
}

/** Where a path of the top level, or something below it, is mounted. */
export function mountPointsOf({ top }: Pick<SubvolumeSite, 'top'>, path: BytePath, mounts: readonly Mount[]): BytePath[] {
  return [...new Set(mountsShowing(mounts, top.device, joinPath(fromText('/'), path)).map((mount) => mount.mountPoint))];
}

/** Whether what the target's live root, or the system, is mounted from is this path, or in it. */
export function isLive({ location, mountedAtRoot }: SubvolumeSite, path: BytePath): boolean {
  return [location.live, mountedAtRoot].some((live) => live !== null && isWithin(live, path));
}

/** `mv root old_roots/TIME`, where TIME exists already, makes old_roots/TIME/root. */
export function nestedRootOf(
  { held, location }: Pick<SubvolumeSite, 'held' | 'location'>,
  { isSubvolume }: Telling,
  name: BytePath,
): BytePath | null {
  const own = location.live === null ? null : baseName(location.live);
  return (
    nestedRootNames(location.live).find((each) => {
      const nested = joinPath(held.path, name, each);
      // Some systems make /root a subvolume: what has not the name of the live root must look like a root.
      return isSubvolume(nested) && (each === own || looksLikeRoot(nested));
    }) ?? null
  );
}

/** By what it is, what it holds, and its pin. */
export function whyItStays(site: SubvolumeSite, telling: Telling, entry: BytePath, id: string): string | null {
  const path = pathOfEntry(site, entry);
  const why = telling.whyNoTree(joinPath(site.held.path, entry));
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
  const nested = nestedRootOf(site, telling, entry);
  return nested === null ? null : `it holds another old root at \`${printable(nested)}\``;
}

/** `own`: what each filesystem asks and does in its own way. */
export function subvolumePremises(site: SubvolumeSite, telling: Telling, own: Pick<Premises, 'whyNotSame' | 'mend'>): Premises {
  const { run, held } = site;
  return {
    ...entriesIn(held.path, run),
    examine: (tree) => {
      examine(site, telling, tree);
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
    ...own,
  };
}

function examine(site: SubvolumeSite, telling: Telling, tree: ArchivedTree): void {
  const { name } = tree;
  const isName = name !== '' && !name.includes('/') && name !== '.' && name !== '..' && name !== STATE_FOLDER;
  if (!isName || parseEntryName(name).kind === 'removing') throw refusal(tree, 'this is no name of an old root');
  const why = whyItStays(site, telling, name, tree.id);
  if (why !== null) throw refusal(tree, why);
}

export function withoutTrashed(all: readonly ArchivedTree[]): Pick<Listing, 'trees' | 'trashed'> {
  const trashed = all.flatMap((tree) => {
    const entry = parseEntryName(tree.name);
    return entry.kind === 'trashed' ? [{ ...tree, formerName: entry.formerName, trashedAt: entry.at }] : [];
  });
  const names = new Set(trashed.map(({ name }) => name));
  return { trees: all.filter(({ name }) => !names.has(name)), trashed };
}
