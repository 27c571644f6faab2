/**
 * When the snapshots in an archive were taken. bcachefs-tools before 1.37 do not show what the filesystem knows of that, so it is written down in the state folder.
 * A number can be used again, so more than that must agree; what does not is the record of something that is gone.
 */
import { lstatSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { fromText, joinPath, printable, toBytes, toText, type BytePath } from '../../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../../errors.ts';
import { STATE_FOLDER, writeDurably } from '../archive-state.ts';
import { isUnchangedSubvolume, type Identity } from './subvolumes.ts';

const FILE = fromText('snapshots.json');

const Digits = v.pipe(v.string(), v.regex(/^\d+$/));
const StoredSnapshot = v.strictObject({
  /** Only so that a person can read the file. */
  name: v.string(),
  at: v.pipe(v.string(), v.isoTimestamp()),
  subvolume: v.number(),
  inum: Digits,
  generation: v.number(),
  bornNs: Digits,
  /** A read-only one stays as it is, so this does too. */
  changedNs: Digits,
});
const SnapshotsFile = v.strictObject({ version: v.literal(1), snapshots: v.array(StoredSnapshot) });

type Stored = v.InferOutput<typeof StoredSnapshot>;

export interface SnapshotTimes {
  readonly stored: readonly Stored[];
  /** Set if they are there and cannot be understood: then no snapshot has a time. */
  readonly unreadable: string | null;
}

export function readSnapshotTimes(archive: BytePath): SnapshotTimes {
  const what = `${printable(STATE_FOLDER)}/${printable(FILE)}`;
  const path = joinPath(archive, STATE_FOLDER, FILE);
  try {
    if ([joinPath(archive, STATE_FOLDER), path].some((each) => lstatSync(toBytes(each), { throwIfNoEntry: false })?.isSymbolicLink()))
      return { stored: [], unreadable: `${what} is reached by a symbolic link` };
    return { stored: v.parse(SnapshotsFile, JSON.parse(readFileSync(toBytes(path), 'utf8'))).snapshots, unreadable: null };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { stored: [], unreadable: null };
    const why = errnoOf(error) === undefined ? 'is damaged' : `cannot be read (${messageOf(error)})`;
    return { stored: [], unreadable: `${what} ${why}` };
  }
}

export function snapshotTimeOf({ stored }: SnapshotTimes, tree: Identity): Date | null {
  const found = stored.find(({ subvolume, inum, generation, bornNs, changedNs }) =>
    isUnchangedSubvolume(tree, {
      ...tree,
      subvolume,
      generation,
      inum: BigInt(inum),
      bornNs: BigInt(bornNs),
      changedNs: BigInt(changedNs),
    }),
  );
  return found === undefined ? null : new Date(found.at);
}

/**
 * Durable when it returns. `present`: all that is in the archive; the records of others are dropped. The state folder must exist; the lock must be held.
 * Errors: `failed` if what is there cannot be understood.
 */
export function writeSnapshotTime(
  archive: BytePath,
  { name, at, identity }: { readonly name: BytePath; readonly at: Date; readonly identity: Identity },
  present: readonly Identity[],
): void {
  const times = readSnapshotTimes(archive);
  requireReadable(times);
  const { subvolume, inum, generation, bornNs, changedNs } = identity;
  const fresh: Stored = {
    name: toText(name),
    at: at.toISOString(),
    subvolume,
    inum: String(inum),
    generation,
    bornNs: String(bornNs),
    changedNs: String(changedNs),
  };
  const others = times.stored.filter(
    (each) => each.subvolume !== subvolume && present.some((tree) => snapshotTimeOf({ ...times, stored: [each] }, tree) !== null),
  );
  const text = `${JSON.stringify({ version: 1, snapshots: [...others, fresh] }, null, 2)}\n`;
  writeDurably(joinPath(archive, STATE_FOLDER), FILE, text);
}

/** Errors: `failed`. */
export function requireReadable({ unreadable }: SnapshotTimes): void {
  if (unreadable === null) return;
  throw new RootsError('failed', `${unreadable}, so the time of a snapshot cannot be written down`, {
    hint: 'mend the file, or move it away: the snapshots that are there are then left alone for ever',
  });
}
