/**
 * Finds what was renamed: what is gone from one path and new at another, and is the same inode, born at the same time. A snapshot has both from its source, whatever the
 * filesystem; trees that were copied have neither, so that nothing is taken for renamed there.
 */
import { baseName, joinPath, parentOf, type BytePath } from '../byte-path.ts';
import type { Change } from './change.ts';
import { compareEntries } from './compare.ts';
import { Unreadable, type Directory, type Located, type Tree, type TreeReader } from './tree.ts';
import { ChangeWindow, type Pair, type Reports, type Side } from './window.ts';

/** Changes are held back until all are known, and more than these are not. */
const MOST_HELD = 50_000;

type Trees = Readonly<Record<Side, Tree>>;

export interface RenameOptions {
  readonly reports: Reports;
  /** Whether what is gone and what is new may be told as one. */
  readonly mayPair?: ((gone: Change, added: Change) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The changes of a walk, in the same order, where a removal and an addition that are one renaming are one change, at the new path. What is in a renamed directory has
 * not changed by that. With too many changes they are passed on as they are, and a warning says so.
 */
export async function* withRenames(
  changes: AsyncIterable<Change>,
  reader: TreeReader,
  trees: Trees,
  { reports, mayPair = () => true, signal }: RenameOptions,
): AsyncGenerator<Change, void, undefined> {
  const held: Change[] = [];
  let isTooMany = false;
  const seen = { added: false, removed: false };
  for await (const change of changes) {
    if (change.kind === 'added' || change.kind === 'removed') seen[change.kind] = true;
    if (isTooMany) yield change;
    else held.push(change);
    if (isTooMany || held.length < MOST_HELD) continue;
    isTooMany = true;
    yield* held.splice(0);
  }
  // Else there can be none.
  if (isTooMany && seen.added && seen.removed)
    reports.warning(`renames were not looked for, since there are more than ${String(MOST_HELD)} changes`);
  const pairing = new Pairing(reader, trees);
  try {
    const renames = await pairing.find(held, mayPair);
    if (renames.size === 0) yield* held;
    else yield* replaced(held, renames, new ChangeWindow(reader, reports, signal));
  } finally {
    pairing.close();
  }
}

async function* replaced(
  changes: readonly Change[],
  renames: ReadonlyMap<Change, Rename>,
  window: ChangeWindow,
): AsyncGenerator<Change, void, undefined> {
  const gone = new Set([...renames.values()].map(({ from }) => from));
  try {
    for (const change of changes) {
      const rename = renames.get(change);
      if (rename !== undefined) compare(window, change, rename);
      else if (!gone.has(change)) window.add({ ...change, trail: { parent: null, name: change.path }, size: change.size }, change.what);
      if (window.full) await window.settle();
      for (let next = window.take(); next !== undefined; next = window.take()) yield next;
    }
    await window.settle();
    for (let next = window.take(); next !== undefined; next = window.take()) yield next;
  } finally {
    await window.abandon();
  }
}

interface Rename {
  readonly from: Change;
  readonly pair: Pair;
  /** Its directory was renamed, and it is still in that by the same name. */
  readonly isImplied: boolean;
}

function compare(window: ChangeWindow, { path, type, size }: Change, { from, pair, isImplied }: Rename): void {
  const { what, readContent, readTarget, readXattrs, ownership } = compareEntries(pair.from.entry, pair.to.entry);
  const change = { trail: { parent: null, name: path }, type, size, ownership } as const;
  const held = window.add({ ...change, ...(isImplied ? { kind: 'modified' } : { kind: 'renamed', from: from.path }) }, what);
  if (readContent) window.compareContent(held, pair);
  if (readTarget) window.compareTarget(held, pair);
  if (readXattrs) window.compareXattrs(held, pair);
}

class Pairing {
  readonly #reader: TreeReader;
  readonly #trees: Trees;
  readonly #opened: Directory[] = [];
  readonly #last: Partial<Record<`${Side} ${'root' | 'parent'}`, { readonly path: BytePath; readonly directory: Directory }>> = {};

  constructor(reader: TreeReader, trees: Trees) {
    this.#reader = reader;
    this.#trees = trees;
  }

  /** By what was added. */
  async find(changes: readonly Change[], mayPair: (gone: Change, added: Change) => boolean): Promise<Map<Change, Rename>> {
    const gone = uniqueByInode(changes, 'removed');
    const renames = new Map<Change, Rename>();
    const newPaths = new Map<BytePath, BytePath>();
    for (const [inode, to] of uniqueByInode(changes, 'added')) {
      const from = gone.get(inode);
      if (from === undefined || from === null || to === null || !mayPair(from, to)) continue;
      const pair = await this.#locate(from, to);
      if (pair === null || !this.#reader.isSameInode(pair.from, pair.to)) continue;
      const isImplied = baseName(from.path) === baseName(to.path) && newPaths.get(parentOf(from.path)) === parentOf(to.path);
      renames.set(to, { from, pair, isImplied });
      newPaths.set(from.path, to.path);
    }
    return renames;
  }

  /** Null if one is no longer there, or deeper than a path can tell. */
  async #locate(from: Change, to: Change): Promise<Pair | null> {
    const [a, b] = [await this.#lookup('from', from.path), await this.#lookup('to', to.path)];
    return a === null || b === null ? null : { from: a, to: b };
  }

  async #lookup(side: Side, path: BytePath): Promise<Located | null> {
    try {
      const directory = await this.#open(side, parentOf(path), 'parent');
      const entry = await directory.lookup(baseName(path));
      // In a snapshot that is nested in the tree everything has the inode of its source.
      const isOfTree = entry !== null && entry.dev === (await this.#open(side, '' as BytePath, 'root')).self.entry.dev;
      return isOfTree ? directory.locate(entry) : null;
    } catch (error) {
      if (error instanceof Unreadable) return null;
      throw error;
    }
  }

  /** Changes come in the order of their paths, so that the directory is mostly the last one. */
  async #open(side: Side, path: BytePath, as: 'root' | 'parent'): Promise<Directory> {
    const last = this.#last[`${side} ${as}`];
    if (last?.path === path) return last.directory;
    const directory = await this.#reader.open({ path: joinPath(this.#trees[side].path, path) });
    this.#opened.push(directory);
    this.#last[`${side} ${as}`] = { path, directory };
    return directory;
  }

  /** After what was found has been compared. */
  close(): void {
    for (const directory of this.#opened) directory.close();
  }
}

/** Null: there are several, as of a file with several names. A directory comes before what is in it. */
function uniqueByInode(changes: readonly Change[], kind: Change['kind']): Map<string, Change | null> {
  const found = new Map<string, Change | null>();
  for (const change of changes) {
    if (change.kind !== kind || change.inode === undefined) continue;
    const key = `${change.type} ${String(change.inode)}`;
    found.set(key, found.has(key) ? null : change);
  }
  return found;
}
