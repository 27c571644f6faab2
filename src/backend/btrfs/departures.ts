/**
 * How subvolumes of btrfs are removed: by the number that each has, which is never used twice.
 */
import type { Premises } from '../set-aside.ts';
import { pathOfEntry } from '../subvolume-archive.ts';
import type { Departing } from '../subvolume-departures.ts';
import { TELLING, type Site } from './premises.ts';
import { deleteTogether, removeSubvolume } from './remove.ts';
import { identifyOne } from './subvolumes.ts';

export function departingFrom(site: Site, premises: Premises): Departing<number> {
  const { run, top } = site;
  return {
    site,
    telling: TELLING,
    premises,
    keyOf: site.idOf,
    identify: async (entry) => {
      const { id, uuid } = await identifyOne(top, pathOfEntry(site, entry));
      return { id: uuid, key: id };
    },
    removeTogether: (entries) =>
      deleteTogether(
        top,
        entries.map((entry) => pathOfEntry(site, entry)),
      ),
    remove: ({ entry, key }, stages) =>
      removeSubvolume(run, top, { id: key, path: pathOfEntry(site, entry) }, { ...stages, at: (now) => pathOfEntry(site, now) }),
  };
}
