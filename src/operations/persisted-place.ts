/**
 * Where what is on a live root persists, by the mount table: what is persisted is mounted from there, file by file or directory by directory.
 */
import { isWithin, joinPath, type BytePath } from '../byte-path.ts';
import { mountOf, pathInFilesystem, type Mount } from '../system/mounts.ts';

/**
 * Where else a path can be reached that is on a bind mount; null if it is on none, or nowhere else. Of several places that with the shortest path: people mount storage at the top
 * and out of it. What lies in a live root is stored nowhere, wherever it is mounted. `path`: absolute and without links. `lives`: where live roots are mounted.
 */
export function storedAt(mounts: readonly Mount[], path: BytePath, lives: readonly BytePath[]): BytePath | null {
  const mount = mountOf(mounts, path);
  if (mount === undefined || mount.mountPoint === '/' || isWhole(mount)) return null;
  const stored = pathInFilesystem(mount, path);
  if (lives.some((live) => isIn(mounts, live, mount.device, stored))) return null;
  const places = mounts
    .filter((other) => other.device === mount.device && isWithin(stored, other.root))
    // What is bound into a place cannot be the place it comes from.
    .filter((other) => other.root.length < mount.root.length && mountOf(mounts, other.mountPoint) === other)
    .map((other) => joinPath(other.mountPoint, relative(stored, other.root)));
  // Bound onto itself, as /nix/store is: it is where it was.
  if (places.includes(path)) return null;
  const [first] = places.filter((place) => !isWithin(place, mount.mountPoint)).sort((a, b) => a.length - b.length);
  return first ?? null;
}

function isIn(mounts: readonly Mount[], live: BytePath, device: string, stored: BytePath): boolean {
  const mount = mountOf(mounts, live);
  return mount?.device === device && isWithin(stored, pathInFilesystem(mount, live));
}

/** A filesystem, or a subvolume of btrfs, which shows its own path as an option. */
function isWhole({ root, superOptions }: Mount): boolean {
  return root === '/' || superOptions.includes(`subvol=${root}`);
}

/** The directories that things are mounted out of under the paths that they have on the live root, such as `/persist`. */
export function storages(mounts: readonly Mount[], lives: readonly BytePath[]): BytePath[] {
  const found = mounts.flatMap(({ mountPoint }): BytePath[] => {
    const stored = storedAt(mounts, mountPoint, lives);
    return stored?.endsWith(mountPoint) === true ? [stored.slice(0, -mountPoint.length) as BytePath] : [];
  });
  return [...new Set(found)].filter((storage) => storage !== '').sort();
}

function relative(path: BytePath, around: BytePath): BytePath {
  return path.slice(around === '/' ? 0 : around.length).replace(/^\/+/, '') as BytePath;
}
