/** What the keys of a target mean together. Pure: values in, complaints out; where they stand is the caller's business. */
import type { TargetConfig } from '../config.ts';
import type { Duration } from '../retention/duration.ts';
import { poolOf, readDataset, readSnapshot } from './datasets.ts';
import { type PathReading, lies, readAbsolute, readInTopLevel } from './paths.ts';
import { quote } from './problem.ts';
import type { TargetTable } from './schema.ts';

/** A message about one key, or with `null` about the target as a whole. */
export type Complain = (key: PlaceKey | 'backend' | 'rotate' | null, message: string) => void;

export type PlaceKey = 'device' | 'dataset' | 'live' | 'blank' | 'archive';

export type Place = Pick<TargetConfig, 'backend' | PlaceKey>;

const PLACE_KEYS = ['device', 'dataset', 'live', 'blank', 'archive'] as const;

/** What the place of a target is said by. */
type Kind = 'device' | 'dataset' | 'directories' | 'mounted paths';

/** `given` are the keys that the file has, also those whose value is already known to be wrong and is not in `table`. */
export function readPlace(table: TargetTable, given: ReadonlySet<string>, complain: Complain): Place {
  // What was meant by a backend that is misspelt, nobody knows; to go on would be noise.
  if (given.has('backend') && table.backend === undefined) return {};
  const kind = kindOf(table.backend, given);
  if (kind === undefined) {
    complain('dataset', 'has no meaning beside `device`: a place on ZFS is a `dataset`, one on btrfs or bcachefs has a `device`');
    return {};
  }
  const backend = table.backend ?? (kind === 'dataset' ? 'zfs' : undefined);
  complainOfMeaningless(kind, backend, given, complain);
  complainOfMissing(kind, given, complain);
  complainOfRotation(kind, given, complain);
  const place = { ...(backend && { backend }), ...readPaths(kind, backend, table, complain) };
  if (kind === 'dataset') complainOfDatasets(place, complain);
  else complainOfOverlap(place, complain);
  return place;
}

/** Why the two can never work together, as a complaint about `within`, or undefined. `maxAgeName` is what the user calls the other. */
export function impossible(within: Duration | undefined, maxAge: Duration | undefined, maxAgeName: string): string | undefined {
  if (within === undefined || maxAge === undefined || !isLonger(within, maxAge)) return undefined;
  return (
    `${quote(within.text)} is longer than ${maxAgeName} ${quote(maxAge.text)}, ` +
    'which removes what is older: the rule can never take effect in full'
  );
}

/** Undefined: of two that exclude each other. A `backend` alone is of the kind that its place would be of. */
function kindOf(backend: Place['backend'], given: ReadonlySet<string>): Kind | undefined {
  switch (backend) {
    case 'btrfs':
    case 'bcachefs':
      return 'device';
    case 'zfs':
      return 'dataset';
    case 'directory':
      return 'directories';
    case undefined:
      if (given.has('device')) return given.has('dataset') ? undefined : 'device';
      return given.has('dataset') ? 'dataset' : 'mounted paths';
  }
}

/** Keys of a kind, and why it has not the others. */
const KINDS: Readonly<Record<Kind, { readonly keys: readonly PlaceKey[]; readonly why: string; readonly needed: readonly PlaceKey[] }>> = {
  device: { keys: ['device', 'live', 'blank', 'archive'], why: 'which is on a `device`', needed: ['device', 'archive'] },
  dataset: { keys: ['dataset', 'blank', 'archive'], why: 'whose live root is the `dataset`', needed: ['dataset'] },
  directories: { keys: ['live', 'blank', 'archive'], why: 'whose paths are absolute', needed: ['archive'] },
  'mounted paths': { keys: ['live', 'blank', 'archive'], why: '', needed: ['archive'] },
};

function complainOfMeaningless(kind: Kind, backend: Place['backend'], given: ReadonlySet<string>, complain: Complain): void {
  for (const key of PLACE_KEYS.filter((each) => given.has(each) && !KINDS[kind].keys.includes(each))) {
    complain(key, `has no meaning for the backend \`${backend ?? ''}\`, ${KINDS[kind].why}`);
  }
}

function complainOfMissing(kind: Kind, given: ReadonlySet<string>, complain: Complain): void {
  if (kind === 'directories') {
    if (!given.has('archive')) complain('backend', '`directory` needs `archive`, which is missing');
    return;
  }
  const { keys, needed } = KINDS[kind];
  const named = keys.filter((key) => given.has(key));
  const absent = needed.filter((key) => !given.has(key));
  if (named.length === 0 || absent.length === 0) return;
  const missing = absent.map((key) => `\`${key}\``).join(' and ');
  const needing = named.map((key) => `\`${key}\``).join(' and ');
  complain(
    null,
    `${missing} ${absent.length === 1 ? 'is' : 'are'} missing, without which ${needing} ${named.length === 1 ? 'has' : 'have'} no meaning`,
  );
}

/** Snapshots are taken of the live root, which a detected place brings with it, and no place on ZFS is without. */
function complainOfRotation(kind: Kind, given: ReadonlySet<string>, complain: Complain): void {
  if (!given.has('rotate')) return;
  if (kind === 'directories') complain('rotate', 'has no meaning for the backend `directory`, which has no snapshots');
  else if (kind !== 'dataset' && given.has('archive') && !given.has('live'))
    complain('rotate', 'takes snapshots of `live`, which is missing');
}

function readPaths(kind: Kind, backend: Place['backend'], table: TargetTable, complain: Complain): Omit<Place, 'backend'> {
  const paths: Partial<Record<PlaceKey, string>> = {};
  for (const key of KINDS[kind].keys) {
    const text = table[key];
    if (text === undefined) continue;
    const reading = readPath(kind, backend, key, text);
    if ('problem' in reading) complain(key, reading.problem);
    else paths[key] = reading.path;
  }
  return paths;
}

function readPath(kind: Kind, backend: Place['backend'], key: PlaceKey, text: string): PathReading {
  if (kind === 'dataset') return key === 'blank' ? readSnapshot(text) : readDataset(text);
  if (key === 'device') return readDevices(text, backend);
  if (kind === 'device') return readInTopLevel(text);
  if (text === '/' && key !== 'live') return { problem: 'must not be `/`' };
  return readAbsolute(text, kind === 'directories' ? ' for the backend `directory`' : ' where no `device` or `dataset` is given');
}

/** A colon alone parts nothing: there are some in the names of devices (`/dev/disk/by-path/…`). */
function readDevices(text: string, backend: Place['backend']): PathReading {
  const devices = backend === 'btrfs' ? [text] : text.split(/:(?=\/)/);
  const problem = devices.map(readDevice).find((reading) => 'problem' in reading);
  return problem ?? { path: text };
}

function readDevice(text: string): PathReading {
  if (text === '/') return { problem: 'must not be `/`' };
  const tag = /^(LABEL|UUID|PARTLABEL|PARTUUID)=/.exec(text)?.[1];
  return readAbsolute(text, tag === undefined ? '' : ` such as \`/dev/disk/by-${tag.toLowerCase()}/…\``);
}

function complainOfDatasets({ dataset, archive }: Place, complain: Complain): void {
  if (dataset === undefined || archive === undefined) return;
  if (archive === dataset) complain('archive', `must not be the same as \`dataset\`, ${quote(dataset)}`);
  else if (lies(archive, { in: dataset })) {
    complain('archive', `must not lie inside \`dataset\`, ${quote(dataset)}: the next boot would put it aside as well`);
  } else if (lies(dataset, { in: archive })) complain('dataset', `must not lie inside \`archive\`, ${quote(archive)}`);
  else if (poolOf(archive) !== poolOf(dataset)) {
    complain('archive', `must be in the pool of \`dataset\`, ${quote(poolOf(dataset))}: nothing can be renamed into another pool`);
  }
}

function complainOfOverlap(place: Place, complain: Complain): void {
  const { live, blank, archive } = place;
  if (live !== undefined && live === blank) complain('blank', `must not be the same as \`live\`, ${quote(live)}`);
  if (archive === undefined) return;
  for (const key of ['live', 'blank'] as const) {
    const tree = place[key];
    if (tree === undefined) continue;
    if (archive === tree) complain('archive', `must not be the same as \`${key}\`, ${quote(tree)}`);
    // A live root at `/` holds every absolute path by name only: the archive there is a filesystem of its own, mounted in it.
    else if (lies(archive, { in: tree }) && !(key === 'live' && tree === '/')) {
      complain(
        'archive',
        `must not lie inside \`${key}\`, ${quote(tree)}${key === 'live' ? ': the next boot would put it aside as well' : ''}`,
      );
    }
  }
  if (live !== undefined && lies(live, { in: archive })) complain('live', `must not lie inside \`archive\`, ${quote(archive)}`);
}

/**
 * Longer for certain, whatever the month: what both have in common cancels out, and what is left over is taken at its shortest
 * (28 days a month) where `a` has more and at its longest (31 days) where `b` has.
 */
function isLonger(a: Duration, b: Duration): boolean {
  const months = monthsOf(a) - monthsOf(b);
  const days = a.weeks * 7 + a.days - (b.weeks * 7 + b.days);
  const monthDays =
    months >= 0 ? Math.floor(months / 12) * 365 + (months % 12) * 28 : -(Math.floor(-months / 12) * 366 + (-months % 12) * 31);
  return (monthDays + days) * 24 + a.hours - b.hours > 0;
}

function monthsOf(duration: Duration): number {
  return duration.years * 12 + duration.months;
}
