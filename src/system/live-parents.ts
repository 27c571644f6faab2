/** Where a path of the live system really is, by links that nobody else could have put there. */
import { fromBytes, joinPath, parentOf, toBytes, type BytePath } from '../byte-path.ts';
import { readlinkSync } from 'node:fs';
import { RootsError } from '../errors.ts';
import { FILESYSTEM, directoryBeneath } from './beneath.ts';

/**
 * The same path with the links among its parents followed, as far as those exist; the last component is not followed. As it was given if there is a link among
 * them that cannot be trusted. `path`: absolute.
 */
export function throughTrustedLinks(path: BytePath): BytePath {
  for (let parent = parentOf(path); parent !== ''; parent = parent === '/' ? ('' as BytePath) : parentOf(parent)) {
    try {
      const held = directoryBeneath(FILESYSTEM, parent, { links: 'trusted' });
      try {
        const real = fromBytes(readlinkSync(toBytes(held.path), { encoding: 'buffer' }));
        return joinPath(real, path.slice(parent === '/' ? 1 : parent.length + 1) as BytePath);
      } finally {
        held.close();
      }
    } catch (error) {
      if (!(error instanceof RootsError)) throw error;
      if (error.kind !== 'not-found') return path;
    }
  }
  return path;
}
