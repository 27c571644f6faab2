/**
 * What is asked of a subvolume of bcachefs before anything is done to it.
 */
import { joinPath, fromText, printable, type BytePath } from '../../byte-path.ts';
import { blockingFlags, clearBlockingFlags, nameFlags, setFlags } from '../../system/attributes.ts';
import { holdRealDirectory, type HeldDirectory } from '../../system/beneath.ts';
import type { Run } from '../../system/run.ts';
import type { ArchivedTree } from '../backend.ts';
import type { Mended, Premises } from '../set-aside.ts';
import { subvolumePremises, type SubvolumeSite } from '../subvolume-archive.ts';
import { TELLING, identify, isUnchangedSubvolume, type Identity } from './subvolumes.ts';

export interface Site extends SubvolumeSite {
  /** What a tree of the last `list` was then. */
  readonly listedAs: (tree: ArchivedTree) => Identity | undefined;
}

export function premisesOf(site: Site): Premises {
  const at = (entry: BytePath): BytePath => joinPath(site.held.path, entry);
  return subvolumePremises(site, TELLING, {
    whyNotSame: async (entries) => {
      const identities = identify(entries.map(({ entry }) => at(entry)));
      const answers = entries.map(({ entry, tree }, index) => {
        const why = TELLING.whyNoTree(at(entry));
        const [now, then] = [identities[index] ?? null, site.listedAs(tree)];
        if (why !== null || now === null) return why ?? 'no subvolume';
        return then !== undefined && isUnchangedSubvolume(now, then) ? null : 'another subvolume has this name now, or it has changed';
      });
      return Promise.resolve(answers);
    },
    mend: (entry) => mendAt(site.run, at, entry),
  });
}

/** What stops an entry from being renamed or deleted is cleared in its own root only. `at`: where entries are. */
async function mendAt(run: Run, at: (entry: BytePath) => BytePath, entry: BytePath): Promise<Mended> {
  const own = holdRealDirectory(at(entry));
  const { cleared, stuck } = own === null ? { cleared: [], stuck: [] } : await clearFlags(run, own);
  own?.close();
  return {
    notes: cleared.length === 0 ? [] : [noteOf(cleared, entry)],
    ...(stuck.length > 0 && { stuck: whyStuck(stuck) }),
    undo: async (now) => {
      const again = cleared.length === 0 ? null : holdRealDirectory(at(now));
      if (again === null) return;
      await setFlags(run, itself(again), cleared);
      again.close();
    },
  };
}

/** `cleared`: those that it cleared. `stuck`: those that stay, for ever in a read-only snapshot (EROFS). */
export async function clearFlags(run: Run, directory: HeldDirectory): Promise<{ cleared: string[]; stuck: string[] }> {
  const cleared = await clearBlockingFlags(run, itself(directory));
  return { cleared, stuck: cleared.length > 0 ? [] : await blockingFlags(run, itself(directory)) };
}

/** lsattr(1) and chattr(1) take no link, which the path of a descriptor is. */
function itself({ path }: HeldDirectory): BytePath {
  return joinPath(path, fromText('.'));
}

export function noteOf(cleared: readonly string[], path: BytePath): string {
  return `cleared the ${nameFlags(cleared)} flag of ${printable(path)}`;
}

export function whyStuck(stuck: readonly string[]): string {
  return `it is ${nameFlags(stuck)}, and that cannot be changed, as in a read-only snapshot of what was so`;
}
