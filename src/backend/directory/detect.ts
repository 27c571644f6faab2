/**
 * Archives of plain directories, in the usual places of the filesystems that have no subvolumes of their own.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { joinPath, isUtf8, printable, toBytes, toText, type BytePath } from '../../byte-path.ts';
import { isSystemMount, type Mount } from '../../system/mounts.ts';
import { readMachineMountTable } from '../../system/plain-mount.ts';
import type { Detected } from '../backend.ts';
import { KNOWN_ARCHIVES, MOUNT_POINT_OF, type KnownArchive } from '../layouts.ts';
import { parseName } from '../name.ts';
import { isOnlyOurs } from './trust.ts';

const FILESYSTEMS = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'f2fs', 'nilfs2', 'tmpfs']);

export function detectDirectories(nameZone: string): Detected[] {
  const places = readMachineMountTable().filter((mount) => FILESYSTEMS.has(mount.type) && isSystemMount(mount));
  const found = places.flatMap((mount) => KNOWN_ARCHIVES.flatMap((known) => archiveAt(mount, known, nameZone)));
  // A filesystem may be mounted twice; its archive is one.
  return [...new Map(found.map(({ inode, detected }) => [inode, detected])).values()];
}

function archiveAt(mount: Mount, known: KnownArchive, nameZone: string): { inode: string; detected: Detected }[] {
  const path = joinPath(mount.mountPoint, known.path);
  const stats = statOrNothing(path);
  if (stats?.isDirectory() !== true || !isTrusted(mount.mountPoint, known.path) || !holdsOldRoots(path, nameZone)) return [];
  const live = MOUNT_POINT_OF[known.target];
  const assumed = [`plain directories on ${mount.type}`, `live root ${printable(live)}`, 'no blank found', `archive ${printable(path)}`];
  const detected: Detected = { suggestedName: known.target, location: { backend: 'directory', live, blank: null, archive: path }, assumed };
  return [{ inode: `${String(stats.dev)}:${String(stats.ino)}`, detected }];
}

/** Files are restored from what is recognised, so nobody else may have put it there: not in /tmp, not in a home. */
function isTrusted(mountPoint: BytePath, path: BytePath): boolean {
  const folders = path.split('/').map((_, at, names) => joinPath(mountPoint, names.slice(0, at + 1).join('/') as BytePath));
  return [mountPoint, ...folders].every(isOnlyOurs);
}

/** A folder of the right name may be anything; one directory in it that is named by a time tells. */
function holdsOldRoots(path: BytePath, nameZone: string): boolean {
  try {
    return readdirSync(toBytes(path), { encoding: 'latin1', withFileTypes: true }).some((entry) => {
      const name = entry.name as BytePath;
      return entry.isDirectory() && isUtf8(name) && parseName(toText(name), nameZone) !== null;
    });
  } catch {
    return false;
  }
}

function statOrNothing(path: BytePath): ReturnType<typeof lstatSync> {
  try {
    return lstatSync(toBytes(path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
