/**
 * What is asked of a subvolume of btrfs before anything is done to it.
 */
import { lstatSync, statfsSync } from 'node:fs';
import { joinPath, toBytes, type BytePath } from '../../byte-path.ts';
import { errnoOf } from '../../errors.ts';
import type { ArchivedTree } from '../backend.ts';
import type { Premises } from '../set-aside.ts';
import { pathOfEntry, subvolumePremises, type SubvolumeSite, type Telling } from '../subvolume-archive.ts';
import { mendSubvolume } from './remove.ts';
import { BTRFS_MAGIC, idsAt, isSubvolume } from './subvolumes.ts';

export interface Site extends SubvolumeSite {
  /** The subvolume id of a tree of the last `list`. */
  readonly idOf: (tree: ArchivedTree) => number | undefined;
}

export function premisesOf(site: Site): Premises {
  const { run, top, held } = site;
  const at = (entry: BytePath): BytePath => joinPath(held.path, entry);
  return subvolumePremises(site, TELLING, {
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
    mend: async (entry) => {
      const mended = await mendSubvolume(run, top, pathOfEntry(site, entry));
      return { notes: mended.notes, undo: (now) => mended.undo(pathOfEntry(site, now)) };
    },
  });
}

export const TELLING: Telling = { isSubvolume, whyNoTree };

/** Inode 256 alone is not enough: other filesystems have such an inode too. */
function whyNoTree(path: BytePath): string | null {
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
