/** One path in one tree, looked up without a program and without a listing. */
import { lstatSync } from 'node:fs';
import { toBytes, type BytePath } from '../byte-path.ts';
import { Unreadable, type Entry, type Located } from '../diff/tree.ts';
import { RootsError } from '../errors.ts';
import { placeBeneath, type Place } from './beneath.ts';
import { entryOf } from './stat-entry.ts';
import { asUnreadable } from './unreadable.ts';

export interface Glimpse {
  readonly entry: Entry;
  /** When the inode was made, in nanoseconds since 1970; 0 if the filesystem does not say. */
  readonly born: bigint;
}

/** Null if there is nothing. Links on the way resolve inside the tree, and the last component is not followed. Errors: `Unreadable`. */
export function glimpse(tree: BytePath, path: BytePath): Glimpse | null {
  return held(tree, path, (place) => {
    const stats = lstatSync(toBytes(place.path), { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? null : { entry: entryOf(place.name, stats), born: stats.birthtimeNs };
  });
}

/** Reads what is there, by an address that stays good until `close`. Errors: `Unreadable`, also if it is gone. */
export function hold(tree: BytePath, path: BytePath, entry: Entry): Located & { readonly close: () => void } {
  try {
    const { directory, path: address } = placeBeneath(tree, path, { links: 'inside' });
    return { address, entry, close: () => directory.close() };
  } catch (error) {
    throw unreadable(error);
  }
}

function held<T>(tree: BytePath, path: BytePath, use: (place: Place) => T): T | null {
  try {
    const place = placeBeneath(tree, path, { links: 'inside' });
    try {
      return use(place);
    } finally {
      place.directory.close();
    }
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'not-found') return null;
    throw unreadable(error);
  }
}

function unreadable(error: unknown): unknown {
  if (!(error instanceof RootsError)) return asUnreadable(error);
  return new Unreadable(error.kind === 'not-permitted' ? 'permission denied' : error.message, { cause: error });
}
