/**
 * Paths as people write them, which are those of the live system, and paths inside a tree.
 */
import { joinPath, printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { throughTrustedLinks } from '../system/live-parents.ts';
import { readMountTable, type Mount } from '../system/mounts.ts';
import { withoutLinks } from '../system/links.ts';
import { livePlace, type LivePlace, type LiveRoot } from './live-place.ts';
import type { Target } from './targets.ts';

export interface LivePath {
  readonly target: Target;
  /** Without a leading slash; `''` is the root. */
  readonly inside: BytePath;
  /** Why the old roots may not hold what is there now, for people; null if they do. */
  readonly warning: string | null;
  /** Something is mounted over it. */
  readonly isCovered: boolean;
}

interface Live extends LiveRoot {
  readonly target: Target;
}

/**
 * The target on whose live root the path is, and what it is inside. If that is on none, it is taken as inside already, which only says which target if there is
 * one. `path`: absolute. Errors: `usage` if it could be of any of several; `hint` is how to say of which.
 */
export function findLivePath(targets: readonly Target[], path: BytePath, hint = ''): LivePath {
  const found = lookUp(targets, path);
  if (found !== null) return found;
  const [target, ...others] = targets;
  if (target !== undefined && others.length === 0) return { target, inside: withoutSlashes(path), warning: null, isCovered: false };
  throw new RootsError('usage', `${printable(path)} is on no live root of a target`, { hint });
}

/** The path inside the trees of this target. One that is not on its live root is taken as inside already. */
export function pathInside(target: Target, path: BytePath): BytePath {
  return findLivePath([target], path).inside;
}

/** Null if it is on no live root. */
export function lookUp(targets: readonly Target[], path: BytePath): LivePath | null {
  const mounts = readMountTable();
  const lives = livesOf(targets);
  const typed = livePlace(lives, mounts, path);
  const real = throughTrustedLinks(path);
  const actual = real === path ? null : livePlace(lives, mounts, real);
  // Where links of today lead says nothing of old roots, which have their own: only that it leads out of the target does.
  if (typed === null || (actual?.covering === null && actual.live !== typed.live)) return actual === null ? null : livePath(actual);
  if (actual !== null && actual.covering !== null && typed.covering === null)
    return {
      ...livePath(typed),
      isCovered: true,
      warning: `${printable(path)} leads to ${printable(real)}, and ${whyElsewhere(actual.covering)}`,
    };
  return livePath(typed);
}

/** Where a path inside the trees of a target is on the live system, for people; as it is inside if the live root is not mounted. */
export function liveName({ backend }: Target, inside: BytePath): BytePath {
  return joinPath(backend.liveMountPoint ?? ('/' as BytePath), inside);
}

function livesOf(targets: readonly Target[]): Live[] {
  return targets.flatMap((target) => {
    const { liveMountPoint } = target.backend;
    return liveMountPoint === null ? [] : [{ target, mountPoint: withoutLinks(liveMountPoint) }];
  });
}

function livePath({ live, inside, covering }: LivePlace<Live>): LivePath {
  const warning = covering === null ? null : whyElsewhere(covering);
  return { target: live.target, inside, warning, isCovered: covering !== null };
}

/** What is in them goes with the boot, or was never in a file. */
const IN_MEMORY = new Set(['tmpfs', 'ramfs', 'devtmpfs', 'proc', 'sysfs', 'devpts', 'cgroup2']);

function whyElsewhere({ mountPoint, root, source, type }: Mount): string {
  const from = root === '/' ? printable(source) : `${printable(root)} (${printable(source)})`;
  const now = IN_MEMORY.has(type) ? 'is in memory' : 'persists';
  return `${printable(mountPoint)} is mounted from ${from}: what is there now ${now}, old roots hold only what was beneath the mount point`;
}

function withoutSlashes(path: BytePath): BytePath {
  return path.replace(/^\/+|\/+$/g, '') as BytePath;
}
