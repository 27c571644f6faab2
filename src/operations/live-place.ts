/**
 * What a path of the live system is inside the trees of a target, by the mount table and nothing else.
 */
import { isWithin, type BytePath } from '../byte-path.ts';
import { mountOf, pathInFilesystem, type Mount } from '../system/mounts.ts';

/** A live root, by where it is mounted. */
export interface LiveRoot {
  /** Absolute and without links. */
  readonly mountPoint: BytePath;
}

export interface LivePlace<Live extends LiveRoot> {
  readonly live: Live;
  /** Without a leading slash; `''` is the root. */
  readonly inside: BytePath;
  /** What is mounted over it, if it is on no live root itself: what is there now is on that. */
  readonly covering: Mount | null;
}

/**
 * Null if the path is on no live root, nor beneath what is mounted on one. A bind mount of something in a live root shows what is in that; of anything else,
 * the old roots can only hold what lies beneath its mount point. `path`: absolute and without links on the way.
 */
export function livePlace<Live extends LiveRoot>(lives: readonly Live[], mounts: readonly Mount[], path: BytePath): LivePlace<Live> | null {
  const shown = lives.flatMap((live) => {
    const mount = mountOf(mounts, live.mountPoint);
    return mount === undefined ? [] : [{ live, device: mount.device, root: pathInFilesystem(mount, live.mountPoint) }];
  });
  const stack = mountsAbove(mounts, path);
  for (const mount of stack) {
    const place = pathInFilesystem(mount, path);
    const [inner] = shown
      .filter(({ device, root }) => device === mount.device && isWithin(place, root))
      .sort((a, b) => b.root.length - a.root.length);
    if (inner === undefined) continue;
    const inside = place.slice(inner.root.length).replace(/^\/+|\/+$/g, '') as BytePath;
    return { live: inner.live, inside, covering: mount === stack[0] ? null : (stack[0] ?? null) };
  }
  return null;
}

/** All that the path is on or beneath, the uppermost first. */
function mountsAbove(mounts: readonly Mount[], path: BytePath): Mount[] {
  return mounts
    .map((mount, order) => ({ mount, order }))
    .filter(({ mount }) => isWithin(path, mount.mountPoint))
    .sort((a, b) => b.mount.mountPoint.length - a.mount.mountPoint.length || b.order - a.order)
    .map(({ mount }) => mount);
}
