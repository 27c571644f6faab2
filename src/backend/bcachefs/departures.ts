/**
 * How subvolumes of bcachefs are removed: one at a time. Deleting many at once has made filesystems hang for long.
 */
import { joinPath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { Premises } from '../set-aside.ts';
import type { Departing } from '../subvolume-departures.ts';
import type { Site } from './premises.ts';
import { removeSubvolume } from './remove.ts';
import { TELLING, identify, type Identity } from './subvolumes.ts';

export function departingFrom(site: Site, premises: Premises): Departing<Identity> {
  return {
    site,
    telling: TELLING,
    premises,
    keyOf: site.listedAs,
    identify: async (entry) => {
      const [key = null] = identify([joinPath(site.held.path, entry)]);
      if (key === null) throw new RootsError('failed', 'it is gone while it was looked at');
      return Promise.resolve({ id: idOf(key), key });
    },
    removeTogether: async () => Promise.resolve(),
    remove: (of, stages) => removeSubvolume(site, premises, of, stages),
  };
}

/** What a tree is known by: its number, which may be that of another one day. */
export function idOf({ subvolume }: Identity): string {
  return String(subvolume);
}
