/**
 * Compares two trees by walking both at once: a merge of two listings, directory by directory, in byte order by component. Works on
 * any filesystem, and holds the listings of the directories on the way and nothing else.
 */
import type { BytePath } from '../byte-path.ts';
import { printable } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Change } from './change.ts';
import { compareEntries, isDirectory } from './compare.ts';
import { Cursor } from './cursor.ts';
import { Unreadable, type Directory, type Entry, type Listed, type Tree, type TreeReader } from './tree.ts';
import { pathOf, type Trail } from './trail.ts';
import { ChangeWindow, type Pair, type Side } from './window.ts';

/** What could not be read, and was therefore not compared. Its path is in no change, nor is what lies below it. */
export interface Problem {
  readonly path: BytePath;
  readonly side: Side;
  readonly why: string;
}

export interface WalkOptions {
  /** Only this path of both trees, whatever it is; links on the way to it are not followed. */
  readonly within?: BytePath;
  /** The roots themselves are compared too, under the empty path. */
  readonly includeRoot?: boolean;
  readonly problems?: (problem: Problem) => void;
  /** What was left out as a whole, for people; each once. */
  readonly warnings?: (text: string) => void;
  /** How many paths were compared so far; told often. */
  readonly progress?: (compared: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * The changes that lead from one tree to the other; a tree that is null is empty.
 * Errors: `not-found` if a tree cannot be opened, or neither has `within`; `interrupted`.
 */
export async function* walkDiff(
  reader: TreeReader,
  from: Tree | null,
  to: Tree | null,
  options: WalkOptions = {},
): AsyncGenerator<Change, void, undefined> {
  const walk = new Walk(reader, options);
  try {
    await walk.begin(from, to);
    for (;;) {
      for (let change = walk.window.take(); change !== undefined; change = walk.window.take()) yield change;
      if (!(await walk.advance())) break;
    }
    await walk.window.settle();
    for (let change = walk.window.take(); change !== undefined; change = walk.window.take()) yield change;
  } finally {
    await walk.close();
  }
}

/** One value for each tree; null where it has none. */
type Both<T> = Readonly<Record<Side, T | null>>;

/** A directory on the way. An array of them is the stack, since a tree may be deeper than calls can be nested. */
interface Frame {
  readonly trail: Trail;
  readonly from: Cursor | null;
  readonly to: Cursor | null;
}

/** How many entries are looked at before the consumer and the window get their turn. */
const STEPS = 256;

class Walk {
  readonly window: ChangeWindow;
  readonly #reader: TreeReader;
  readonly #options: WalkOptions;
  readonly #stack: Frame[] = [];
  /** The directories above `within`. */
  readonly #above: Directory[] = [];
  #compared = 0;

  constructor(reader: TreeReader, options: WalkOptions) {
    this.#reader = reader;
    this.#options = options;
    this.window = new ChangeWindow(
      reader,
      {
        problem: (path, side, why) => options.problems?.({ path, side, why }),
        warning: (text) => options.warnings?.(text),
      },
      options.signal,
    );
  }

  async begin(from: Tree | null, to: Tree | null): Promise<void> {
    this.#stopIfAborted();
    const roots = { from: await this.#openRoot(from), to: await this.#openRoot(to) };
    const names = componentsOf(this.#options.within);
    if (names.length > 0) return this.#beginWithin(names, roots);
    if (this.#options.includeRoot === true && roots.from !== null && roots.to !== null) {
      this.#compare(null, { from: roots.from.self, to: roots.to.self });
    }
    this.#push(null, roots);
  }

  /** Some steps of the merge; false when it is done. */
  async advance(): Promise<boolean> {
    this.#options.progress?.(this.#compared);
    for (let steps = 0; steps < STEPS; steps += 1) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) return false;
      if (frame.from?.empty === true || frame.to?.empty === true) {
        this.#stopIfAborted();
        if (!(await this.#fill(frame))) this.#pop(frame);
        continue;
      }
      const from = frame.from?.head ?? null;
      const to = frame.to?.head ?? null;
      if (from === null && to === null) this.#pop(frame);
      else {
        const descended = this.#step(frame, from, to);
        if (descended !== undefined) await descended;
      }
      if (this.window.full) {
        await this.window.settle();
        return true;
      }
    }
    return true;
  }

  async close(): Promise<void> {
    await this.window.abandon();
    for (let frame = this.#stack.pop(); frame !== undefined; frame = this.#stack.pop()) {
      frame.from?.directory.close();
      frame.to?.directory.close();
    }
    for (const directory of this.#above.reverse()) directory.close();
  }

  async #openRoot(tree: Tree | null): Promise<Directory | null> {
    if (tree === null) return null;
    try {
      const root = await this.#reader.open(tree);
      this.#above.push(root);
      return root;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      throw new RootsError('not-found', `the tree ${printable(tree.path)} cannot be read: ${error.why}`, { cause: error });
    }
  }

  async #beginWithin(names: readonly BytePath[], roots: Both<Directory>): Promise<void> {
    const from = await this.#resolve('from', roots.from, names);
    const to = await this.#resolve('to', roots.to, names);
    if (from === 'unknown' || to === 'unknown') return;
    if (from === null && to === null) throw new RootsError('not-found', `neither tree has ${printable(names.join('/') as BytePath)}`);
    const trail = names.reduce<Trail>((parent, name) => ({ parent, name }), null);
    await this.#visit(trail, { from, to });
  }

  /** The entry at the end of a path. A link on the way ends it, as does anything else that is no directory. */
  async #resolve(side: Side, root: Directory | null, names: readonly BytePath[]): Promise<Found | null | 'unknown'> {
    let directory = root;
    let trail: Trail = null;
    for (const [index, name] of names.entries()) {
      if (directory === null) return null;
      trail = { parent: trail, name };
      try {
        const entry: Entry | null = await directory.lookup(name);
        if (entry === null) return null;
        if (index === names.length - 1) return { directory, entry };
        if (!isDirectory(entry.type)) return null;
        if (entry.mounted) throw new Unreadable(COVERED);
        directory = await directory.enter(entry);
        this.#above.push(directory);
      } catch (error) {
        this.#unreadable(trail, side, error);
        return 'unknown';
      }
    }
    return null;
  }

  #step(frame: Frame, from: Listed | null, to: Listed | null): Promise<void> | undefined {
    const first = from === null || (to !== null && to.name < from.name) ? to : from;
    if (first === null) return undefined;
    const a = from?.name === first.name ? from : null;
    const b = to?.name === first.name ? to : null;
    if (a !== null) frame.from?.advance();
    if (b !== null) frame.to?.advance();
    this.#compared += 1;
    const trail = { parent: frame.trail, name: first.name };
    if (isUnread(a) || isUnread(b)) {
      if (isUnread(a)) this.#problem(trail, 'from', a.why);
      if (isUnread(b)) this.#problem(trail, 'to', b.why);
      return undefined;
    }
    return this.#visit(trail, { from: found(frame.from, a), to: found(frame.to, b) });
  }

  /** One path of both trees. Gives a promise only where there is a directory to enter: the others are most, and waiting costs. */
  #visit(trail: Trail, { from, to }: Both<Found>): Promise<void> | undefined {
    if (from !== null && to !== null) {
      this.#compare(trail, { from: from.directory.locate(from.entry), to: to.directory.locate(to.entry) });
    } else if (to !== null) {
      this.window.add({ trail, kind: 'added', type: to.entry.type, size: sizeOf(to.entry), inode: to.entry.ino });
    } else if (from !== null) {
      this.window.add({ trail, kind: 'removed', type: from.entry.type, size: undefined, inode: from.entry.ino });
    }
    const below = { from: asDirectory(from), to: asDirectory(to) };
    return below.from === null && below.to === null ? undefined : this.#descend(trail, below);
  }

  #compare(trail: Trail, pair: Pair): void {
    const from = pair.from.entry;
    const to = pair.to.entry;
    const change = { trail, kind: 'modified', type: to.type, size: sizeOf(to) } as const;
    // The roots may be stored differently, as a subvolume and as a directory; that is not a change of the tree.
    if (from.type !== to.type && trail !== null) {
      this.window.add(change, ['type']);
      return;
    }
    const { what, readContent, readTarget, readXattrs, ownership } = compareEntries(from, to);
    if (what.length === 0 && !readContent && !readTarget && !readXattrs) return;
    const held = this.window.add({ ...change, ownership }, what);
    if (readContent) this.window.compareContent(held, pair);
    if (readTarget) this.window.compareTarget(held, pair);
    if (readXattrs) this.window.compareXattrs(held, pair);
  }

  async #descend(trail: Trail, { from, to }: Both<Found>): Promise<void> {
    const covered: Side | null = from?.entry.mounted === true ? 'from' : to?.entry.mounted === true ? 'to' : null;
    const other = covered === 'from' ? to : from;
    // What lies under a mount cannot be seen, so that it is neither added nor removed.
    if (covered !== null && (other === null || other.entry.mounted)) return;
    if (covered !== null && other !== null) return this.#reportCovered(trail, covered, other);
    const entered = { from: await this.#enter(trail, 'from', from), to: await this.#enter(trail, 'to', to) };
    const failed = (from !== null && entered.from === null) || (to !== null && entered.to === null);
    if (!failed) {
      this.#push(trail, entered);
      return;
    }
    entered.from?.close();
    entered.to?.close();
  }

  /** Says so if the other tree has something there that could not be compared. */
  async #reportCovered(trail: Trail, covered: Side, other: Found): Promise<void> {
    const side = covered === 'from' ? 'to' : 'from';
    const directory = await this.#enter(trail, side, other);
    if (directory === null) return;
    const cursor = new Cursor(directory);
    try {
      await cursor.fill();
      if (cursor.head !== null) this.#problem(trail, covered, COVERED);
    } catch (error) {
      this.#unreadable(trail, side, error);
    } finally {
      directory.close();
    }
  }

  async #enter(trail: Trail, side: Side, found: Found | null): Promise<Directory | null> {
    if (found === null) return null;
    try {
      return await found.directory.enter(found.entry);
    } catch (error) {
      this.#unreadable(trail, side, error);
      return null;
    }
  }

  #push(trail: Trail, { from, to }: Both<Directory>): void {
    this.#stack.push({ trail, from: from === null ? null : new Cursor(from), to: to === null ? null : new Cursor(to) });
  }

  #pop(frame: Frame): void {
    this.#stack.pop();
    if (frame.from !== null) this.window.retire(frame.from.directory);
    if (frame.to !== null) this.window.retire(frame.to.directory);
  }

  /** False if one side cannot be listed: the other says nothing then. */
  async #fill(frame: Frame): Promise<boolean> {
    const results = await Promise.allSettled([frame.from?.fill() ?? Promise.resolve(), frame.to?.fill() ?? Promise.resolve()]);
    let filled = true;
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      this.#unreadable(frame.trail, index === 0 ? 'from' : 'to', result.reason);
      filled = false;
    }
    return filled;
  }

  #unreadable(trail: Trail, side: Side, error: unknown): void {
    if (!(error instanceof Unreadable)) throw error;
    this.#problem(trail, side, error.why);
  }

  #problem(trail: Trail, side: Side, why: string): void {
    this.#options.problems?.({ path: pathOf(trail), side, why });
  }

  #stopIfAborted(): void {
    if (this.#options.signal?.aborted === true) throw new RootsError('interrupted', 'the comparison was interrupted');
  }
}

const COVERED = 'another filesystem is mounted on it, and what it covers was not compared';

/** An entry and the directory it is in. */
interface Found {
  readonly directory: Directory;
  readonly entry: Entry;
}

function found(cursor: Cursor | null, entry: Entry | null): Found | null {
  return cursor === null || entry === null ? null : { directory: cursor.directory, entry };
}

function asDirectory(found: Found | null): Found | null {
  return found !== null && isDirectory(found.entry.type) ? found : null;
}

function isUnread(listed: Listed | null): listed is Exclude<Listed, Entry> {
  return listed !== null && 'why' in listed;
}

function sizeOf(entry: Entry): number | undefined {
  return entry.type === 'file' ? Number(entry.size) : undefined;
}

function componentsOf(within: BytePath | undefined): readonly BytePath[] {
  const names = (within ?? '').split('/').filter((name) => name !== '' && name !== '.') as BytePath[];
  if (names.includes('..' as BytePath)) throw new RootsError('usage', 'a path to compare may not have `..` in it');
  return names;
}
