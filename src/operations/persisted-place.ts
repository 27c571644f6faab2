/**
 * Where what is on a live root persists, by the mount table: what is persisted is mounted from there, file by file or directory by directory.
 */
import { isWithin, joinPath, type BytePath } from '../byte-path.ts';
import { mountOf, pathInFilesystem, type Mount } from '../system/mounts.ts';

/**
 * Where else a path can be reached that is on a bind mount; null if it is on none, or nowhere else. Of several places that with the shortest path: people mount storage at the top
 * and out of it. `path`: absolute and without links.
 */
export function storedAt(mounts: readonly Mount[], path: BytePath): BytePath | null {
  const mount = mountOf(mounts, path);
  if (mount === undefined || mount.mountPoint === '/' || isWhole(mount)) return null;
  const stored = pathInFilesystem(mount, path);
  const [first] = mounts
    .filter((other) => other.device === mount.device && isWithin(stored, other.root))
    // What is bound into a place cannot be the place it comes from.
    .filter((other) => other.root.length < mount.root.length && mountOf(mounts, other.mountPoint) === other)
    .map((other) => joinPath(other.mountPoint, relative(stored, other.root)))
    .filter((place) => !isWithin(place, mount.mountPoint))
    .sort((a, b) => a.length - b.length);
  return first ?? null;
}

/** A filesystem, or a subvolume of btrfs, which shows its own path as an option. */
function isWhole({ root, superOptions }: Mount): boolean {
  return root === '/' || superOptions.includes(`subvol=${root}`);
}

/** The directories that things are mounted out of under the paths that they have on the live root, such as `/persist`. */
export function storages(mounts: readonly Mount[]): BytePath[] {
  const found = mounts.flatMap(({ mountPoint }): BytePath[] => {
    const stored = storedAt(mounts, mountPoint);
    return stored?.endsWith(mountPoint) === true ? [stored.slice(0, -mountPoint.length) as BytePath] : [];
  });
  return [...new Set(found)].filter((storage) => storage !== '').sort();
}

function relative(path: BytePath, around: BytePath): BytePath {
  return path.slice(around === '/' ? 0 : around.length).replace(/^\/+/, '') as BytePath;
}
