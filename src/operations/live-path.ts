/**
 * Paths as people write them, which are those of the live system, and paths inside a tree.
 */
import { isWithin, type BytePath } from '../byte-path.ts';
import type { Target } from './targets.ts';

/** The path inside the trees of a target, without a leading slash; `''` is the root. A path that is not on the live root is taken as inside already. */
export function pathInside({ backend }: Target, path: BytePath): BytePath {
  const { liveMountPoint } = backend;
  const inside =
    liveMountPoint !== null && isWithin(path, liveMountPoint) ? path.slice(liveMountPoint === '/' ? 0 : liveMountPoint.length) : path;
  return inside.replace(/^\/+|\/+$/g, '') as BytePath;
}
