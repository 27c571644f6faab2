/**
 * What is asked of a directory in the archive before anything is done to it.
 */
import { lstatSync, statSync, type Stats } from 'node:fs';
import { isWithin, joinPath, parentOf, printable, toBytes, type BytePath } from '../../byte-path.ts';
import { clearBlockingFlags, nameFlags, setFlags } from '../../system/attributes.ts';
import type { HeldDirectory } from '../../system/beneath.ts';
import { mayMount } from '../../system/capabilities.ts';
import { withoutLinks } from '../../system/links.ts';
import { mountOf, mountsShowing, pathInFilesystem, readAllMountTables, readMountTable, type Mount } from '../../system/mounts.ts';
import type { Run } from '../../system/run.ts';
import { STATE_FOLDER, pinOf, readPins } from '../archive-state.ts';
import { entriesIn } from '../archive-directory.ts';
import type { ArchivedTree } from '../backend.ts';
import { parseEntryName } from '../entry-name.ts';
import { looksLikeRoot, nestedRootNames } from '../layouts.ts';
import { refusal, type Premises } from '../set-aside.ts';
import type { DirectoryLocation } from './adapter.ts';

export interface Site {
  readonly run: Run;
  readonly location: DirectoryLocation;
  /** Absolute, without links. */
  readonly archive: BytePath;
  /** The same. */
  readonly held: HeldDirectory;
  /** What a tree of the last `list` was then: a name alone is no identity. */
  readonly listedAs: (tree: ArchivedTree) => Stats | undefined;
}

export function premisesOf(site: Site): Premises {
  const { run, archive, held } = site;
  return {
    ...entriesIn(held.path, run),
    examine: (tree) => {
      examine(site, tree);
    },
    whyNotSame: async (entries) => entries.map(({ entry, tree }) => whyNotSame(site, entry, tree)),
    whyInUse: async (entries) => {
      const { mounts, incomplete } = await readAllMountTables(run);
      return entries.map((entry) => {
        // Whoever cannot mount has nothing mounted anywhere, and is not told of everybody else's.
        if (incomplete !== null && mayMount()) return `it may be mounted: ${incomplete}`;
        const used = mountPointsOf(joinPath(archive, entry), mounts)[0];
        return used === undefined ? null : `it is mounted, or something in it is, at ${printable(used)}`;
      });
    },
    mend: async (entry) => {
      const flags = await clearBlockingFlags(run, joinPath(held.path, entry));
      return {
        notes: flags.length === 0 ? [] : [`cleared the ${nameFlags(flags)} flag of ${printable(entry)}`],
        undo: async (now) => (flags.length === 0 ? undefined : setFlags(run, joinPath(held.path, now), flags)),
      };
    },
  };
}

/** Everything that the plan assumed, asked again. */
function examine(site: Site, tree: ArchivedTree): void {
  const { name } = tree;
  const { kind } = parseEntryName(name);
  if (name === '' || name.includes('/') || name === '..' || name === '.' || name === STATE_FOLDER || kind === 'removing')
    throw refusal(tree, 'this is no name of an old root');
  const why = whyNotSame(site, name, tree) ?? whyItStays(site, name);
  if (why !== null) throw refusal(tree, why);
  // A pin is of a name in the archive, which another may have by now.
  const pinned = kind === 'plain' ? whyPinned(site.archive, tree.id) : null;
  if (pinned !== null) throw refusal(tree, pinned);
}

export function whyPinned(archive: BytePath, id: string): string | null {
  const pin = pinOf(readPins(archive), id);
  return pin === null ? null : `it is pinned${pin.note === '' ? '' : ` (${pin.note})`}`;
}

/** By what it is and what it holds. */
export function whyItStays({ archive, location }: Pick<Site, 'archive' | 'location'>, entry: BytePath): string | null {
  const path = joinPath(archive, entry);
  const now = lstatSync(toBytes(path));
  for (const [word, other] of [
    ['live root', location.live],
    ['blank', location.blank],
  ] as const) {
    if (other !== null && (isWithin(withoutLinks(other), path) || isSameDirectory(other, now))) return `it is or holds the ${word}`;
  }
  const nested = nestedRootOf(path, location.live);
  return nested === null ? null : `it holds another old root at \`${printable(nested)}\``;
}

function whyNotSame({ held, listedAs }: Site, entry: BytePath, tree: ArchivedTree): string | null {
  const now = lstatSync(toBytes(joinPath(held.path, entry)), { throwIfNoEntry: false });
  if (now === undefined) return 'it does not exist any more';
  const why = whyNoTree(now, statSync(toBytes(held.path)).dev);
  if (why !== null) return why;
  const before = listedAs(tree);
  // The number of a directory that was removed is soon that of another (ext4), which is younger; where there is no time of birth it is 0.
  const isSame = before?.ino === now.ino && before.dev === now.dev && before.birthtimeMs === now.birthtimeMs;
  return isSame ? null : 'another directory has this name now';
}

export function whyNoTree(stats: Stats, archiveDevice: number): string | null {
  if (stats.isSymbolicLink()) return 'a symbolic link, not a directory';
  if (!stats.isDirectory()) return 'a file, not a directory';
  // A subvolume has a device number of its own as well.
  if (stats.dev !== archiveDevice) return 'a subvolume or a mount point, not a plain directory';
  return null;
}

/** What is mounted on it or in it, and where it, or a part of it, is bound to elsewhere. */
export function mountPointsOf(path: BytePath, mounts: readonly Mount[]): BytePath[] {
  const inIt = mounts.filter((mount) => isWithin(mount.mountPoint, path)).map((mount) => mount.mountPoint);
  // Of the archive: the old root itself may be a mount point.
  const around = mountOf(readMountTable(), parentOf(path));
  const anywhere =
    around === undefined ? [] : mountsShowing(mounts, around.device, pathInFilesystem(around, path)).map((mount) => mount.mountPoint);
  return [...new Set([...inIt, ...anywhere])];
}

/** Every root has a `/root`, so what was moved in there by a collision of names must look like a root of its own. */
export function nestedRootOf(path: BytePath, live: BytePath | null): BytePath | null {
  return nestedRootNames(live).find((name) => looksLikeRoot(joinPath(path, name))) ?? null;
}

function isSameDirectory(path: BytePath, stats: Stats): boolean {
  const other = statSync(toBytes(path), { throwIfNoEntry: false });
  return other?.ino === stats.ino && other.dev === stats.dev;
}
