/**
 * What there is of a target in its pool, read in a number of programs that does not grow: datasets and snapshots, pins, holds.
 */
import { printableText, toText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { Run } from '../../system/run.ts';
import type { Pin } from '../backend.ts';
import { isPartOf, isSnapshot, splitSnapshot, type Places } from './names.ts';
import { parseHolds, parseValues, type Dataset } from './parse.ts';
import { listDatasets, mustZfs, zfs, zfsError } from './program.ts';
import type { ZfsLocation } from './adapter.ts';

/** A user property, of the dataset or snapshot itself, or received with it: those that it has from the one above do not count. */
const PIN = 'roots:pin';

export interface Scan {
  readonly places: Places;
  /** By name. */
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly live: Dataset | null;
  /** The snapshot that each boot starts from, where it is now; null if none is known. */
  readonly blank: string | null;
  pinOf(dataset: string): Pin | null;
  /** Tags of the holds of a snapshot, or of any snapshot of a filesystem or below it. */
  heldBy(dataset: string): readonly string[];
}

/** Errors: `not-found` if the archive is missing, or the live root where there is none. */
export async function scan(run: Run, location: ZfsLocation): Promise<Scan> {
  const places = placesOf(location);
  const names = [places.archive, places.live].filter((name) => name !== null);
  const all = await listPresent(run, places, location.blank);
  const present = names.filter((name) => all.has(name));
  const [pins, holds] = await Promise.all([
    readPins(run, present),
    readHolds(
      run,
      [...all.values()].filter(({ name }) => present.some((place) => isPartOf(name, place))),
    ),
  ]);
  const live = places.live === null ? null : (all.get(places.live) ?? null);
  return {
    places,
    datasets: all,
    live,
    blank: await findBlank(run, location, all, live),
    pinOf: (dataset) => {
      const value = pins.get(dataset);
      return value === undefined ? null : parsePin(value);
    },
    heldBy: (dataset) => [...new Set([...holds].flatMap(([snapshot, tags]) => (isPartOf(snapshot, dataset) ? tags : [])))],
  };
}

export function placesOf({ live, archive }: ZfsLocation): Places {
  return { live: live === null ? null : toText(live), archive: archive === null ? null : toText(archive) };
}

/** With the blank, if it is elsewhere. A boot that died half-way leaves no live root, and its old roots are wanted all the more. */
async function listPresent(run: Run, { live, archive }: Places, blank: BytePath | null): Promise<Map<string, Dataset>> {
  const places = [archive, live].filter((name) => name !== null);
  const ofBlank = blank === null ? undefined : splitSnapshot(toText(blank)).of;
  const isElsewhere = ofBlank !== undefined && !places.some((place) => isPartOf(ofBlank, place) || isPartOf(place, ofBlank));
  // Fewer and fewer: of one that is missing nothing is said of the others.
  const attempts = [...(isElsewhere ? [[...places, ofBlank]] : []), places, ...(places.length > 1 ? [places.slice(0, 1)] : [])];
  for (const [at, names] of attempts.entries()) {
    try {
      return new Map((await listDatasets(run, names)).map((each) => [each.name, each]));
    } catch (error) {
      // A name that ZFS does not take is no more there.
      const mayBeOfBlank = isElsewhere && at === 0 && error instanceof RootsError && error.kind === 'failed';
      const isMissing = error instanceof RootsError && error.kind === 'not-found';
      if (at === attempts.length - 1 || !(isMissing || mayBeOfBlank)) throw error;
    }
  }
  return new Map();
}

/** Where the live root is renamed away at each boot, a blank of its own goes with it: what the live root is a clone of is it then. */
async function findBlank(
  run: Run,
  { blank }: ZfsLocation,
  all: ReadonlyMap<string, Dataset>,
  live: Dataset | null,
): Promise<string | null> {
  const origin = live?.origin ?? null;
  if (blank === null) return origin;
  const name = toText(blank);
  if (all.has(name)) return name;
  if (origin !== null && splitSnapshot(origin).name === splitSnapshot(name).name && splitSnapshot(name).of === live?.name) return origin;
  const { status } = await zfs(run, ['list', '-H', '-o', 'name', '-t', 'snapshot', name]);
  if (status === 0) return name;
  return origin !== null && splitSnapshot(origin).name === splitSnapshot(name).name ? origin : null;
}

async function readPins(run: Run, names: readonly string[]): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const args = ['get', '-Hp', '-s', 'local,received', '-t', 'filesystem,snapshot,volume', '-o', 'name,value', '-r', PIN, ...names];
  return parseValues((await mustZfs(run, args, 'pins cannot be read')).stdout);
}

async function readHolds(run: Run, all: readonly Dataset[]): Promise<Map<string, string[]>> {
  const held = all.filter(({ holds }) => holds > 0).map(({ name }) => name);
  if (held.length === 0) return new Map();
  const result = await zfs(run, ['holds', '-H', ...held]);
  // Who may not read the tags knows from the list that there are some.
  const tags = result.status === 0 ? parseHolds(result.stdout) : new Map<string, string[]>();
  return new Map(held.map((name) => [name, tags.get(name) ?? ['a hold']]));
}

/** What somebody has written there by hand pins it as well. */
function parsePin(value: string): Pin {
  try {
    const parsed = JSON.parse(value) as { note?: unknown; at?: unknown };
    const at = new Date(typeof parsed.at === 'string' ? parsed.at : Number.NaN);
    if (typeof parsed.note === 'string' && !Number.isNaN(at.getTime())) return { note: parsed.note, at };
  } catch {
    // Not ours.
  }
  return { note: printableText(value), at: new Date(0) };
}

/** Errors: as those of zfs; `not-permitted` for a user to whom `userprop` is not allowed. */
export async function writePin(run: Run, dataset: string, pin: Pin | null): Promise<void> {
  const args =
    pin === null ? ['inherit', PIN, dataset] : ['set', `${PIN}=${JSON.stringify({ note: pin.note, at: pin.at.toISOString() })}`, dataset];
  const result = await zfs(run, args);
  if (result.status !== 0) throw zfsError(result, `the pin of ${printableText(dataset)} cannot be changed`);
}

/**
 * The filesystem and all below it, and their snapshots; of a snapshot, those of the same name below that were taken with it (`zfs snapshot -r` is one
 * transaction): another of that name is somebody else's. Outermost first.
 */
export function partsOf({ datasets }: Pick<Scan, 'datasets'>, dataset: string): Dataset[] {
  const takenIn = isSnapshot(dataset) ? datasets.get(dataset)?.createdIn : undefined;
  return [...datasets.values()]
    .filter(({ name, createdIn }) => isPartOf(name, dataset) && (takenIn === undefined || createdIn === takenIn))
    .sort((a, b) => depth(a.name) - depth(b.name));
}

/** Whether all that `zfs rename -r` would give another name is this snapshot, or was taken with it. */
export function isAlone(now: Pick<Scan, 'datasets'>, snapshot: string): boolean {
  return [...now.datasets.keys()].filter((name) => isPartOf(name, snapshot)).length === partsOf(now, snapshot).length;
}

/** What goes before what it holds or is made from: clones before their origins. */
export function inOrderOfRemoval(now: Pick<Scan, 'datasets'>, dataset: string): Dataset[] {
  const parts = new Map(partsOf(now, dataset).map((part) => [part.name, part]));
  const ordered = new Set<Dataset>();
  const visit = (part: Dataset): void => {
    if (ordered.has(part)) return;
    const inner = [...parts.values()].filter(({ name }) => name !== part.name && isPartOf(name, part.name));
    const clones = part.clones.flatMap((clone) => parts.get(clone) ?? []);
    // The deepest first.
    for (const each of [...clones, ...inner.toReversed()]) visit(each);
    ordered.add(part);
  };
  for (const part of parts.values()) visit(part);
  return [...ordered];
}

function depth(name: string): number {
  return name.split('/').length * 2 + (isSnapshot(name) ? 1 : 0);
}
