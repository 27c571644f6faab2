/**
 * Whether a file that is written now is still there after the next boot.
 */
import { isWithin, printable, type BytePath } from '../byte-path.ts';
import { mountOf, pathInFilesystem, type Mount } from '../system/mounts.ts';

/** A live root that is mounted; the next boot resets it. */
export interface MountedLiveRoot {
  readonly target: string;
  readonly mountPoint: BytePath;
}

/** What is in memory, or on top of what is. */
const FLEETING = new Set(['tmpfs', 'ramfs', 'rootfs', 'overlay']);

/** Why it may be gone, for people; null if it stays. `path` is absolute and without links. */
export function whyForgotten(mounts: readonly Mount[], lives: readonly MountedLiveRoot[], path: BytePath): string | null {
  const mount = mountOf(mounts, path);
  if (mount === undefined) return null;
  if (FLEETING.has(mount.type)) return `${printable(path)} is on a filesystem of the type ${mount.type}, which the next boot may not have`;
  const live = lives.find(({ mountPoint }) => isPartOf(mountOf(mounts, mountPoint), mountPoint, mount, path));
  return live === undefined ? null : `${printable(path)} is on the live root of \`${live.target}\`, which the next boot resets`;
}

/** Of a filesystem that is reset as a whole, what is mounted once more from it is what is spared. */
function isPartOf(liveMount: Mount | undefined, mountPoint: BytePath, mount: Mount, path: BytePath): boolean {
  if (liveMount?.device !== mount.device) return false;
  const live = pathInFilesystem(liveMount, mountPoint);
  return live === '/' ? mount === liveMount : isWithin(pathInFilesystem(mount, path), live);
}
