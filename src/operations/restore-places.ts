/** Where what is restored comes from and goes to, found so that nothing on the way leads elsewhere. */
import type { BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { FILESYSTEM, placeBeneath, type Place } from '../system/beneath.ts';
import { readEntry, type Entry } from '../system/entry.ts';

/** A path inside an old root is resolved inside it, as after chroot(2). */
export function sourcePlace(root: BytePath, path: BytePath): Place {
  return placeBeneath(root, path, { links: 'inside' });
}

/** Links on the way to a destination are followed only if nobody else could have put them there. */
export function destinationPlace(path: BytePath): Place {
  return placeBeneath(FILESYSTEM, path, { links: 'trusted' });
}

/** Null also if the directory for it does not exist yet. */
export function existingAt(path: BytePath): Entry | null {
  let place: Place;
  try {
    place = destinationPlace(path);
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'not-found') return null;
    throw error;
  }
  try {
    return readEntry(place.path);
  } finally {
    place.directory.close();
  }
}
