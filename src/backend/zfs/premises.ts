/**
 * What is asked of an old root on ZFS before anything is done to it.
 */
import { printable, printableText, toText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { readAllMountTables, type Mount } from '../../system/mounts.ts';
import type { Run } from '../../system/run.ts';
import type { ArchivedTree } from '../backend.ts';
import { parseEntryName } from '../entry-name.ts';
import { NAME_TAKEN, formerNameOf, refusal, type Premises } from '../set-aside.ts';
import type { ZfsLocation } from './adapter.ts';
import { datasetOf, isPartOf, isSnapshot, splitSnapshot } from './names.ts';
import { parseGuids } from './parse.ts';
import { MISSING, TAKEN, mustZfs, wordsOf, zfs, zfsError } from './program.ts';
import { isAlone, partsOf, placesOf, type Scan } from './scan.ts';

export interface Site {
  readonly run: Run;
  readonly location: ZfsLocation;
  /** What the system runs from, whatever is configured. */
  readonly mountedAtRoot: string | null;
}

/** `now`: read right before. */
export function premisesOf(site: Site, now: () => Scan): Premises {
  const { run } = site;
  const nameOf = (entry: BytePath): string => requireDataset(site, entry);
  return {
    exists: async (entry) => {
      const dataset = datasetOf(placesOf(site.location), entry);
      if (dataset === undefined) return false;
      const result = await zfs(run, ['list', '-H', '-o', 'name', '-t', 'filesystem,snapshot,volume', dataset]);
      if (result.status === 0) return true;
      if (MISSING.test(result.stderr)) return false;
      throw zfsError(result, `it cannot be told whether there is ${printable(entry)}`);
    },
    // Of the whole name of a dataset (ZFS_MAX_DATASET_NAME_LEN, less the NUL).
    longestName: (entry) => 255 - (nameOf(entry).length - entry.length),
    rename: async (from, to) => {
      await mustZfs(run, renaming(now(), nameOf(from), nameOf(to)), `${printable(from)} cannot be renamed`);
    },
    // It never replaces anything.
    renameWithoutReplacing: async (from, to) => {
      const result = await zfs(run, renaming(now(), nameOf(from), nameOf(to)));
      if (result.status === 0) return null;
      return TAKEN.test(result.stderr) ? NAME_TAKEN : wordsOf(result);
    },
    examine: (tree) => {
      examine(site, now(), tree);
    },
    whyNotSame: async (entries) => {
      const names = entries.map(({ entry }) => nameOf(entry));
      // Of what is missing it says so, and tells of the others all the same.
      const { stdout } = await zfs(run, ['list', '-Hp', '-t', 'filesystem,snapshot', '-o', 'name,guid', ...names]);
      const guids = parseGuids(stdout);
      return entries.map(({ tree }, at) => {
        const guid = guids.get(names[at] ?? '');
        if (guid === undefined) return 'it does not exist any more';
        return guid === tree.id ? null : 'another dataset has this name now';
      });
    },
    whyInUse: async (entries) => {
      // One that is mounted and idle is unmounted and destroyed without a word (ZFS 2.3).
      const { mounts, incomplete } = await readAllMountTables(run);
      return entries.map((entry) => {
        if (incomplete !== null) return `it may be mounted: ${incomplete}`;
        const used = mountPointsOf(nameOf(entry), mounts)[0];
        return used === undefined ? null : `it is mounted at ${printable(used)}`;
      });
    },
    // Nothing in a dataset stops its rename: neither flags nor readonly=on.
    mend: async () => Promise.resolve({ notes: [], undo: async () => Promise.resolve() }),
  };
}

/** Errors: `failed` if the target has no place for such an entry. */
export function requireDataset({ location }: Pick<Site, 'location'>, entry: BytePath): string {
  const dataset = datasetOf(placesOf(location), entry);
  if (dataset !== undefined) return dataset;
  throw new RootsError('failed', `${printable(entry)} has no place: the target has no ${entry.includes('@') ? 'live root' : 'archive'}`);
}

/** -u: nothing is mounted anew. -r: a snapshot is one of each filesystem below as well, unless somebody else took one of that name there. */
function renaming(now: Scan, from: string, to: string): string[] {
  const options = isSnapshot(from) ? (isAlone(now, from) ? ['-r'] : []) : ['-u'];
  return ['rename', ...options, from, to];
}

function examine(site: Site, now: Scan, tree: ArchivedTree): void {
  const { name } = tree;
  if (!/^@?[\w.: -]+$/.test(formerNameOf(tree)) || parseEntryName(name).kind === 'removing')
    throw refusal(tree, 'this is no name of an old root');
  const why = whyItStays(site, now, requireDataset(site, name), tree.id);
  if (why !== null) throw refusal(tree, why);
}

/** By what it is and what depends on it, its pin and its holds. */
export function whyItStays(site: Pick<Site, 'location' | 'mountedAtRoot'>, now: Scan, dataset: string, guid: string): string | null {
  const { mountedAtRoot } = site;
  const known = now.datasets.get(dataset);
  if (known === undefined) return 'it does not exist any more';
  if (known.guid !== guid) return 'another dataset has this name now';
  if (known.type === 'volume') return 'a volume, not a filesystem';
  const live = now.places.live;
  if (live !== null && isPartOf(live, dataset)) return 'it is or holds the live root';
  if (mountedAtRoot !== null && isPartOf(mountedAtRoot, dataset)) return 'it is or holds the running root';
  const pin = now.pinOf(dataset);
  if (pin !== null) return `it is pinned${pin.note === '' ? '' : ` (${pin.note})`}`;
  const held = now.heldBy(dataset);
  if (held.length > 0) return `it is held (${held.map((each) => printableText(each)).join(', ')}; see \`zfs holds\`)`;
  return whyNeeded(site, now, dataset)[0] ?? null;
}

/**
 * By what it holds and what was made from it, for people. A clone needs its origin. The live root can take over what it needs itself (`zfs promote`), and nothing
 * else can; but not the blank that is configured under this very name, as boot may look for it there.
 */
export function whyNeeded({ location }: Pick<Site, 'location'>, now: Scan, dataset: string): string[] {
  const taken = takenOverByLive(now, dataset);
  const configured = location.blank === null ? null : toText(location.blank);
  return partsOf(now, dataset).flatMap(({ name, type, clones }) => {
    if (name !== dataset && now.pinOf(name) !== null) return [`it holds ${printableText(name)}, which is pinned`];
    // Nothing tells whether a disk of a virtual machine is in use, or one that is swapped to.
    if (type === 'volume') return [`it holds the volume ${printableText(name)}`];
    if (name === configured || (!taken.has(name) && isBlank(now, configured, name)))
      return [`it is or holds the blank, ${printableText(name)}`];
    const clone = taken.has(name) ? undefined : clones.find((each) => !isPartOf(each, dataset));
    return clone === undefined ? [] : [`${printableText(clone)} is a clone of ${printableText(name)}`];
  });
}

/** While there is no live root, as after a boot that died half-way, a snapshot of that name may be what the next one is to be made from. */
function isBlank({ blank, live }: Scan, configured: string | null, name: string): boolean {
  if (name === blank) return true;
  return live === null && configured !== null && isSnapshot(name) && splitSnapshot(name).name === splitSnapshot(configured).name;
}

/** The snapshots of a filesystem that go to the live root when that is promoted: its origin, and those older than that (zfs-promote(8)). */
export function takenOverByLive({ live, datasets }: Scan, dataset: string): ReadonlySet<string> {
  const origin = datasets.get(live?.origin ?? '');
  if (origin?.name.startsWith(`${dataset}@`) !== true) return new Set();
  const older = [...datasets.values()].filter(({ name, createdIn }) => name.startsWith(`${dataset}@`) && createdIn <= origin.createdIn);
  return new Set(older.map(({ name }) => name));
}

/** Where it is mounted, or anything that goes with it, such as a snapshot in `.zfs`. */
export function mountPointsOf(dataset: string, mounts: readonly Mount[]): BytePath[] {
  const shown = mounts.filter(({ type, source }) => type === 'zfs' && isPartOf(source, dataset));
  return [...new Set(shown.map(({ mountPoint }) => mountPoint))];
}
