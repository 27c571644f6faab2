/**
 * `roots history`: the distinct versions of one path across the old roots and the live one.
 */
import { printable, type BytePath } from '../byte-path.ts';
import type { Aspect } from '../diff/change.ts';
import { Unreadable } from '../diff/tree.ts';
import type { Contents } from '../diff/unified.ts';
import { RootsError } from '../errors.ts';
import { gapsOf, spansOf, type Gap, type Seen } from '../lookup/timeline.ts';
import { changesBetween, type State } from '../lookup/version.ts';
import { readContent } from '../system/file-content.ts';
import { glimpse } from '../system/sighting.ts';
import { createTreeReader } from '../system/tree-reader.ts';
import type { Context } from './context.ts';
import { findLivePath, liveName, type LivePath } from './live-path.ts';
import { oldRootsOf, specialTree, type ResolvedRoot } from './resolve-root.ts';
import { withTargets, type Target } from './targets.ts';
import { statesOf, type Sighting } from './versions.ts';

export interface HistoryOptions {
  /** As it is, or was, on the live system: absolute. */
  readonly path: BytePath;
  /** One target by its name. */
  readonly target?: string | undefined;
}

export interface Version {
  readonly state: State;
  /** The oldest tree that has it and the newest; each is an old root or live. */
  readonly first: ResolvedRoot;
  readonly last: ResolvedRoot;
  /** How many old roots have it. */
  readonly roots: number;
  readonly isLive: boolean;
  /** Of a regular file, in bytes. */
  readonly size: number | null;
  readonly modifiedAt: Date;
  /** Against what was there last before it first appeared; empty if nothing was. */
  readonly what: readonly Aspect[];
  /** The version that was; null: none. */
  readonly before: Version | null;
  readonly sighting: Sighting;
}

export interface History {
  readonly target: Target;
  /** Inside the trees. */
  readonly path: BytePath;
  /** On the live system, for people. */
  readonly name: BytePath;
  /** What appeared last comes first; never empty. */
  readonly versions: readonly Version[];
  /** Where it was gone and came back, newest first. */
  readonly gaps: readonly { readonly newest: ResolvedRoot; readonly oldest: ResolvedRoot; readonly roots: number }[];
  /** Null if it is on the live root, or if that was not looked at. `missing`: the oldest tree after that without it. */
  readonly deleted: { readonly lastSeen: ResolvedRoot; readonly missing: ResolvedRoot } | null;
  /** Null if it was not looked at: it is not mounted, or something is mounted over the path. */
  readonly isLive: boolean | null;
  /** How many old roots were searched. */
  readonly searched: number;
  readonly warnings: readonly string[];
  /** What could not be read, for people. */
  readonly problems: readonly string[];
}

/** `use` runs while what is in the versions can be read. Errors: `not-found` if no tree has it; `usage` if it could be of several targets. */
export async function history(context: Context, options: HistoryOptions, use: (history: History) => Promise<void>): Promise<void> {
  await withTargets(context, { access: 'read', only: options.target }, async (targets) => {
    const live = findLivePath(targets, options.path, `say with --target which it is of: ${targets.map(({ name }) => name).join(', ')}`);
    await use(await historyOf(context, live, options.path));
  });
}

/** What is in a version and in the one before it. */
export function contentsBetween({ sighting, before, state }: Version): Contents | null {
  const isText = ({ type }: State): boolean => type === 'file' || type === 'symlink';
  if (!isText(state) || (before !== null && (!isText(before.state) || before.state.content === state.content))) return null;
  const read = ({ tree, path }: Sighting) => readContent(tree, path, MOST);
  return { from: before === null ? null : read(before.sighting), to: read(sighting) };
}

/** Nobody reads the changes of a file that is longer. Bytes. */
const MOST = 1 << 20;

/** A tree in the row, the newest first. */
interface Place {
  readonly root: ResolvedRoot;
  /** Null: it does not have the path; undefined: it is not known whether. */
  readonly sighting: Sighting | null | undefined;
}

async function historyOf(context: Context, live: LivePath, typed: BytePath): Promise<History> {
  const { target, inside } = live;
  if (inside === '')
    throw new RootsError('usage', 'the root itself has no history', { hint: '`roots ls` lists the old roots; name what is in them' });
  const problems: string[] = [];
  const warnings = live.warning === null ? [] : [live.warning];
  const roots = await oldRootsOf(context, target);
  const trees = live.isCovered || target.backend.location.live === null ? roots : [specialTree(target, 'live'), ...roots];
  const row: Place[] = [];
  for (const root of trees) {
    if (context.signal.aborted) throw new RootsError('interrupted', 'the search was interrupted');
    row.push({ root, sighting: await lookIn(root, inside, problems) });
  }
  const seen = row.flatMap(({ sighting }) => sighting ?? []);
  if (seen.length === 0) throw nowhere(typed, roots.length, live.warning, problems);
  const about = new Map(row.flatMap(({ root, sighting }) => (sighting ? [[sighting, root.label] as const] : [])));
  const states = await statesOf(seen, {
    reader: createTreeReader(context.run),
    signal: context.signal,
    xattrs: true,
    budget: { left: Infinity },
    problem: (sighting, why) => problems.push(`${printable(inside)} in ${about.get(sighting) ?? ''}: ${why}`),
    warning: (text) => warnings.push(text),
  });
  const stateAt = new Map(seen.map((sighting, at) => [sighting, states[at]]));
  const distinct = [...new Set(states)];
  const numbers = row.map(({ sighting }): Seen => {
    const state = sighting ? stateAt.get(sighting) : undefined;
    return state === undefined ? (sighting === null ? null : undefined) : distinct.indexOf(state);
  });
  const at = (place: number): ResolvedRoot => required(row[place]).root;
  const isLiveLooked = trees.length > roots.length && row[0]?.sighting !== undefined;
  const newest = numbers.findIndex((number) => typeof number === 'number');
  return {
    target,
    path: inside,
    name: liveName(target, inside),
    versions: versionsOf(row, numbers, distinct),
    gaps: gapsOf(numbers).map((gap: Gap) => ({ newest: at(gap.newest), oldest: at(gap.oldest), roots: gap.count })),
    deleted:
      isLiveLooked && newest > 0 && numbers[0] === null
        ? { lastSeen: at(newest), missing: at(numbers.lastIndexOf(null, newest - 1)) }
        : null,
    isLive: isLiveLooked ? newest === 0 : null,
    searched: roots.length,
    warnings,
    problems,
  };
}

async function lookIn(root: ResolvedRoot, path: BytePath, problems: string[]): Promise<Sighting | null | undefined> {
  try {
    const tree = await root.target.backend.pathOf(root.tree);
    const seen = glimpse(tree, path);
    return seen === null ? null : { tree, path, ...seen };
  } catch (error) {
    if (error instanceof Unreadable) problems.push(`${printable(path)} in ${root.label}: ${error.why}`);
    // One tree that went meanwhile, or cannot be mounted, does not hide the others; a live root that is not there is none.
    else if (error instanceof RootsError && error.kind !== 'interrupted') {
      if (root.tree !== 'live') problems.push(`${root.label}: ${error.message}`);
    } else throw error;
    return undefined;
  }
}

function versionsOf(row: readonly Place[], numbers: readonly Seen[], states: readonly State[]): Version[] {
  const made = new Map<number, Version>();
  const spans = spansOf(numbers);
  // The oldest first, since each knows the one before it.
  for (const { version, first, last, count, before } of spans.toReversed()) {
    const [oldest, newest] = [required(row[first]), required(row[last])];
    const sighting = required(oldest.sighting);
    const state = required(states[version]);
    const former = before === null ? null : (made.get(before) ?? null);
    const isLive = newest.root.tree === 'live';
    made.set(version, {
      state,
      first: oldest.root,
      last: newest.root,
      roots: isLive ? count - 1 : count,
      isLive,
      size: state.type === 'file' ? Number(sighting.entry.size) : null,
      modifiedAt: new Date(Number(sighting.entry.mtimeNs / 1_000_000n)),
      what: former === null ? [] : changesBetween(former.state, state),
      before: former,
      sighting,
    });
  }
  return spans.flatMap(({ version }) => made.get(version) ?? []);
}

function nowhere(path: BytePath, searched: number, warning: string | null, problems: readonly string[]): RootsError {
  const [problem] = problems;
  const where = searched === 0 ? 'there are no old roots yet' : `it is in no old root, of ${String(searched)}, nor on the live one`;
  return new RootsError(problem === undefined ? 'not-found' : 'failed', `${printable(path)}: ${problem ?? where}`, {
    hint: warning ?? `\`roots find '*NAME*'\` looks for a name anywhere`,
  });
}

function required<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new TypeError('a tree of the row is missing');
  return value;
}
