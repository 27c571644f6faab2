/**
 * Recognising the layouts of the field on the pools that something is mounted from. Reads only, and mounts nothing.
 */
import { baseName, fromText, printableText, toText } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { isSystemMount, type Mount } from '../../system/mounts.ts';
import { readMachineMountTable } from '../../system/plain-mount.ts';
import type { Detected, Services } from '../backend.ts';
import { KNOWN_ARCHIVES, KNOWN_LIVE, MOUNT_POINT_OF, type KnownArchive } from '../layouts.ts';
import { isPartOf, isSnapshot, lastPart, parentOfDataset, poolOf, splitSnapshot } from './names.ts';
import type { Dataset } from './parse.ts';
import { listDatasets, requireUsable } from './program.ts';

export interface ZfsDetection {
  readonly found: readonly Detected[];
  /** Why pools were not looked at, for people. */
  readonly notLookedAt: readonly string[];
}

type Target = KnownArchive['target'];

const TARGETS = ['root', 'home'] as const;
/** The last part of the name of an archive, by target. */
const ARCHIVES: Readonly<Record<Target, readonly string[]>> = {
  root: archiveNames('root'),
  home: archiveNames('home'),
};
/** What blanks are called: the snapshot, or the dataset that it is of. */
const BLANKS = ['blank', 'empty', 'root-blank', 'blank_root', 'home-blank', 'blank_home'];

export async function detectZfs({ run }: Pick<Services, 'run'>): Promise<ZfsDetection> {
  const mounts = readMachineMountTable().filter(({ type }) => type === 'zfs');
  const pools = new Set(mounts.filter(isSystemMount).map(({ source }) => poolOf(toText(source))));
  const found: Detected[] = [];
  const notLookedAt: string[] = [];
  for (const pool of pools) {
    try {
      requireUsable(pool);
      const datasets = await listDatasets(run, [pool]);
      found.push(...TARGETS.flatMap((target) => recognise(datasets, mounts, target)));
    } catch (error) {
      if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
      notLookedAt.push(error.message);
    }
  }
  return { found, notLookedAt };
}

/** Pure. `mounts`: those of ZFS. */
export function recognise(datasets: readonly Dataset[], mounts: readonly Mount[], target: Target): Detected[] {
  const archives = datasets.filter(
    ({ type, name }) =>
      type === 'filesystem' && name.includes('/') && ARCHIVES[target].includes(lastPart(name)) && isOfThisMachine(mounts, name, target),
  );
  const ofArchives = archives.map(({ name }) => ({ archive: name, live: liveBeside(datasets, mounts, name, target) }));
  const known = new Set(ofArchives.map(({ live }) => live));
  const alone = datasets.filter(({ name }) => !known.has(name) && isLive(name, mounts, target) && hasOwnBlank(datasets, name));
  const places = [...ofArchives, ...alone.map(({ name }) => ({ archive: null, live: name }))];
  return places.map(({ archive, live }) => describe(datasets, target, archive, live));
}

function describe(datasets: readonly Dataset[], target: Target, archive: string | null, live: string | null): Detected {
  const blank = live === null ? null : blankOf(datasets, live, archive);
  const named = (word: string, name: string | null): string => (name === null ? `no ${word} found` : `${word} ${printableText(name)}`);
  const asPath = (name: string | null): ReturnType<typeof fromText> | null => (name === null ? null : fromText(name));
  return {
    suggestedName: target,
    location: { backend: 'zfs', live: asPath(live), blank: asPath(blank), archive: asPath(archive) },
    assumed: [
      `zfs in pool ${printableText(poolOf(archive ?? live ?? ''))}`,
      named('live root', live),
      named('blank', blank),
      archive === null ? 'old roots are its snapshots' : named('archive', archive),
    ],
  };
}

/** Not so what was received from another machine as a backup. Where no root is on ZFS, as in a rescue system, that cannot be told. */
function isOfThisMachine(mounts: readonly Mount[], archive: string, target: Target): boolean {
  const [mounted, parent] = [mountedAt(mounts, target), parentOfDataset(archive)];
  return mounted === null || (parent !== null && isPartOf(mounted, parent));
}

/** What is mounted where the target belongs, if it is below the dataset that the archive is in; else the one beside the archive that has a usual name. */
function liveBeside(datasets: readonly Dataset[], mounts: readonly Mount[], archive: string, target: Target): string | null {
  const mounted = mountedAt(mounts, target);
  const parent = parentOfDataset(archive);
  if (mounted !== null && parent !== null && isPartOf(mounted, parent)) return mounted;
  return only(
    datasets
      .filter(({ name, type }) => type === 'filesystem' && parentOfDataset(name) === parent && KNOWN_LIVE[target].includes(lastPart(name)))
      .map(({ name }) => name),
  );
}

function isLive(name: string, mounts: readonly Mount[], target: Target): boolean {
  if (isSnapshot(name)) return false;
  const mounted = mountedAt(mounts, target);
  return mounted === null ? KNOWN_LIVE[target].includes(lastPart(name)) : mounted === name;
}

function mountedAt(mounts: readonly Mount[], target: Target): string | null {
  const mount = mounts.findLast(({ mountPoint }) => mountPoint === MOUNT_POINT_OF[target]);
  return mount === undefined ? null : toText(mount.source);
}

/** Snapshots alone are what everybody's backup makes; a blank is what makes them old roots. */
function hasOwnBlank(datasets: readonly Dataset[], live: string): boolean {
  return datasets.some(({ name }) => isSnapshot(name) && splitSnapshot(name).of === live && BLANKS.includes(splitSnapshot(name).name));
}

/** A snapshot of its own; else what it is a clone of. In an old root that is what was the live root's own one, and will be again. */
function blankOf(datasets: readonly Dataset[], live: string, archive: string | null): string | null {
  const own = datasets.filter(
    ({ name }) => isSnapshot(name) && splitSnapshot(name).of === live && BLANKS.includes(splitSnapshot(name).name),
  );
  const origin = datasets.find(({ name }) => name === live)?.origin ?? null;
  const isArchived = origin !== null && archive !== null && isPartOf(origin, archive);
  return only(own.map(({ name }) => name)) ?? (isArchived ? `${live}@${splitSnapshot(origin).name}` : origin);
}

/** Two candidates are none: which is meant is not for us to guess. */
function only(candidates: readonly string[]): string | null {
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}

function archiveNames(target: Target): string[] {
  const names = KNOWN_ARCHIVES.filter((known) => known.target === target).map(({ path }) => toText(baseName(path)));
  return [...new Set(names)].filter((name) => !name.startsWith('@'));
}
