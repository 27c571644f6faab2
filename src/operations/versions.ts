/** Which of the trees that have a path have the same version of it, read no further than that takes. */
import { printable, type BytePath } from '../byte-path.ts';
import { isDirectory } from '../diff/compare.ts';
import { Unreadable, type Entry, type Located, type TreeReader, type Xattrs } from '../diff/tree.ts';
import { RootsError } from '../errors.ts';
import { fingerprintOf, identityOf, type State } from '../lookup/version.ts';
import { digestOf } from '../system/content-digest.ts';
import { readNames } from '../system/names.ts';
import { hold } from '../system/sighting.ts';

/** A path as it is in one tree. */
export interface Sighting {
  /** Where the tree can be read. */
  readonly tree: BytePath;
  readonly path: BytePath;
  readonly entry: Entry;
  /** When the inode was made; 0 if that is not known. */
  readonly born: bigint;
}

export interface VersionsOptions {
  readonly reader: TreeReader;
  readonly signal: AbortSignal;
  /** Whether extended attributes count, which takes a program. */
  readonly xattrs: boolean;
  /** What there is to read still; what is beyond it is told by its size and time. */
  readonly budget: Budget;
  readonly problem: (sighting: Sighting, why: string) => void;
  readonly warning: (text: string) => void;
}

/** Bytes; a file that is opened counts for some. */
export interface Budget {
  left: number;
}

const PER_FILE = 16 * 1024;
/** Larger ones are compared with each other, which mostly ends at the first difference. */
const SMALL = 1 << 20;

/** The state of each, in the same order; those of one version are one object. Errors: `interrupted`. */
export async function statesOf(sightings: readonly Sighting[], options: VersionsOptions): Promise<readonly State[]> {
  const keys = sightings.map(({ entry, born }) => identityOf(entry, born));
  const distinct = new Map<string, Sighting>();
  for (const [at, key] of keys.entries()) {
    const sighting = sightings[at];
    if (sighting !== undefined && !distinct.has(key)) distinct.set(key, sighting);
  }
  const held: Held[] = [];
  try {
    for (const [key, sighting] of distinct) held.push({ key, sighting, ...holdIt(sighting, options) });
    const contents = await contentsOf(held, options);
    const xattrs = options.xattrs && distinct.size > 1 ? await xattrsOf(held, options) : null;
    const byFingerprint = new Map<string, State>();
    const byKey = new Map(
      held.map(({ key, sighting: { entry } }) => {
        const state = stateOf(entry, contents.get(key) ?? '', xattrs?.get(key) ?? null);
        const fingerprint = fingerprintOf(state);
        const known = byFingerprint.get(fingerprint) ?? state;
        byFingerprint.set(fingerprint, known);
        return [key, known];
      }),
    );
    return keys.flatMap((key) => byKey.get(key) ?? []);
  } finally {
    for (const { close } of held) close();
  }
}

interface Held {
  readonly key: string;
  readonly sighting: Sighting;
  /** Null if it cannot be read. */
  readonly located: Located | null;
  readonly close: () => void;
}

function holdIt(sighting: Sighting, options: VersionsOptions): Pick<Held, 'located' | 'close'> {
  try {
    const located = hold(sighting.tree, sighting.path, sighting.entry);
    return { located, close: located.close };
  } catch (error) {
    unread(sighting, error, options);
    return { located: null, close: () => undefined };
  }
}

function stateOf({ type, mode, uid, gid }: Entry, content: string, xattrs: Xattrs | null): State {
  return { type, mode, uid, gid, content, xattrs };
}

/** By key. What alone has its type and size needs no reading. */
async function contentsOf(held: readonly Held[], options: VersionsOptions): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>();
  const alike = new Map<string, Held[]>();
  for (const each of held) {
    const { type, size } = each.sighting.entry;
    const kind = type === 'file' ? `file ${String(size)}` : type;
    alike.set(kind, [...(alike.get(kind) ?? []), each]);
  }
  for (const [kind, group] of alike) {
    const large: (readonly [Held, string])[] = [];
    for (const each of group) {
      if (options.signal.aborted) throw new RootsError('interrupted', 'the comparison was interrupted');
      const { entry } = each.sighting;
      const isAlone = entry.type === 'file' && group.length === 1;
      try {
        const content = isAlone || each.located === null ? '' : await contentOf(each.located, large, options);
        if (content === null) large.push([each, each.key]);
        contents.set(each.key, `${kind} ${content ?? each.key}`);
      } catch (error) {
        unread(each.sighting, error, options);
        contents.set(each.key, `unread ${each.key}`);
      }
    }
  }
  return contents;
}

/** Null: it is like none of those that came before. */
async function contentOf(
  located: Located,
  before: readonly (readonly [Held, string])[],
  { reader, signal, budget }: VersionsOptions,
): Promise<string | null> {
  const { type, size, rdev, mtimeNs } = located.entry;
  if (type === 'symlink') return reader.readLink(located);
  if (isDirectory(type)) return readNames(located.address).join('/');
  if (type !== 'file') return String(rdev);
  if (size === 0n) return '';
  const cost = Number(size) + PER_FILE;
  if (budget.left < cost) {
    budget.left = -1;
    return `time ${String(mtimeNs)}`;
  }
  if (size <= SMALL) {
    budget.left -= cost;
    return digestOf(located);
  }
  for (const [{ located: other }, key] of before) {
    budget.left -= cost;
    if (other !== null && (await reader.sameContent(other, located, signal))) return key;
  }
  return null;
}

/** By key; null if they cannot be read here at all. */
async function xattrsOf(held: readonly Held[], options: VersionsOptions): Promise<ReadonlyMap<string, Xattrs> | null> {
  const readable = held.flatMap(({ key, sighting, located }) => (located === null ? [] : [{ key, sighting, located }]));
  try {
    const all = await options.reader.readXattrs(
      readable.map(({ located }) => located),
      options.signal,
    );
    return new Map(
      readable.flatMap(({ key, sighting }, at) => {
        const xattrs = all[at];
        if (xattrs instanceof Unreadable) unread(sighting, xattrs, options);
        return xattrs === undefined || xattrs instanceof Unreadable ? [] : [[key, xattrs] as const];
      }),
    );
  } catch (error) {
    if (!(error instanceof RootsError) || (error.kind !== 'unsupported' && error.kind !== 'not-permitted')) throw error;
    options.warning(`extended attributes and ACLs were not compared: ${error.message}`);
    return null;
  }
}

function unread(sighting: Sighting, error: unknown, { problem }: VersionsOptions): void {
  if (!(error instanceof Unreadable)) throw error instanceof Error ? error : new TypeError(`${printable(sighting.path)} cannot be read`);
  problem(sighting, error.why);
}
