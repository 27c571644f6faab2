/** What the keys of a target mean together. Pure: values in, complaints out; where they stand is the caller's business. */
import type { Duration } from '../retention/duration.ts';
import { type PathReading, lies, readAbsolute, readInTopLevel } from './paths.ts';
import { quote } from './problem.ts';
import type { TargetTable } from './schema.ts';

/** A message about one key, or with `null` about the target as a whole. */
export type Complain = (key: PlaceKey | 'backend' | 'rotate' | null, message: string) => void;

export type PlaceKey = 'device' | 'live' | 'blank' | 'archive';

export interface Place {
  readonly backend?: 'btrfs' | 'directory';
  readonly device?: string;
  readonly live?: string;
  readonly blank?: string;
  readonly archive?: string;
}

const PLACE_KEYS = ['device', 'live', 'blank', 'archive'] as const;

/** `given` are the keys that the file has, also those whose value is already known to be wrong and is not in `table`. */
export function readPlace(table: TargetTable, given: ReadonlySet<string>, complain: Complain): Place {
  // What was meant by a backend that is misspelt or not there yet, nobody knows; to go on would be noise.
  if (given.has('backend') && table.backend === undefined) return {};
  const backend = table.backend ?? (given.has('device') ? 'btrfs' : undefined);
  complainOfMissing(backend, given, complain);
  complainOfRotation(backend, given, complain);
  const place = { ...(backend && { backend }), ...readPaths(backend, table, complain) };
  complainOfOverlap(place, complain);
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

function complainOfMissing(backend: Place['backend'], given: ReadonlySet<string>, complain: Complain): void {
  const named = PLACE_KEYS.filter((key) => given.has(key));
  if (backend === 'directory') {
    if (given.has('device')) complain('device', 'has no meaning for the backend `directory`, whose paths are absolute');
    if (!given.has('archive')) complain('backend', '`directory` needs `archive`, which is missing');
    return;
  }
  if (named.length === 0) return;
  const needed = backend === 'btrfs' ? (['device', 'archive'] as const) : (['archive'] as const);
  const absent = needed.filter((key) => !given.has(key));
  if (absent.length === 0) return;
  const missing = absent.map((key) => `\`${key}\``).join(' and ');
  const needing = named.map((key) => `\`${key}\``).join(' and ');
  complain(
    null,
    `${missing} ${absent.length === 1 ? 'is' : 'are'} missing, without which ${needing} ${named.length === 1 ? 'has' : 'have'} no meaning`,
  );
}

/** Snapshots are taken of the live root, which a detected place brings with it. */
function complainOfRotation(backend: Place['backend'], given: ReadonlySet<string>, complain: Complain): void {
  if (!given.has('rotate')) return;
  if (backend === 'directory') complain('rotate', 'has no meaning for the backend `directory`, which has no snapshots');
  else if (given.has('archive') && !given.has('live')) complain('rotate', 'takes snapshots of `live`, which is missing');
}

function readPaths(backend: Place['backend'], table: TargetTable, complain: Complain): Omit<Place, 'backend'> {
  const paths: Partial<Record<PlaceKey, string>> = {};
  for (const key of PLACE_KEYS) {
    const text = table[key];
    if (text === undefined) continue;
    const reading = readPath(backend, key, text);
    if ('problem' in reading) complain(key, reading.problem);
    else paths[key] = reading.path;
  }
  return paths;
}

function readPath(backend: Place['backend'], key: PlaceKey, text: string): PathReading {
  if (key !== 'device' && backend === 'btrfs') return readInTopLevel(text);
  if (text === '/' && key !== 'live') return { problem: 'must not be `/`' };
  if (key === 'device') return readDevice(text);
  return readAbsolute(text, backend === 'directory' ? ' for the backend `directory`' : ' where no `device` is given');
}

function readDevice(text: string): PathReading {
  const tag = /^(LABEL|UUID|PARTLABEL|PARTUUID)=/.exec(text)?.[1];
  return readAbsolute(text, tag === undefined ? '' : ` such as \`/dev/disk/by-${tag.toLowerCase()}/…\``);
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
