/**
 * Holds changes back until all of them is known, so that they leave in the order of the walk although contents are compared
 * side by side and attributes are read many at a time. What it holds is bounded: the walk asks `full` and settles it.
 */
import type { BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { ASPECTS, type Aspect, type Change, type EntryType } from './change.ts';
import { compareXattrs } from './compare.ts';
import { Unreadable, type Directory, type Located, type TreeReader, type Xattrs } from './tree.ts';
import { pathOf, type Trail } from './trail.ts';

/** Starting a program takes the time of reading the attributes of some hundred files. */
const XATTR_BATCH = 2000;
const HELD_LIMIT = 8000;
const RETIRED_LIMIT = 1000;
const COMPARISONS_LIMIT = 250;
/** As many as Node's thread pool has threads by default. */
const COMPARISONS_AT_ONCE = 4;

export interface Held {
  readonly trail: Trail;
  readonly kind: Change['kind'];
  /** The old path of a renamed entry. */
  readonly from?: BytePath | undefined;
  readonly inode?: bigint | undefined;
  readonly ownership?: Change['ownership'] | undefined;
  readonly type: EntryType;
  readonly size: number | undefined;
  /** In no order, each once. */
  readonly what: Aspect[];
  pending: number;
}

export type Side = 'from' | 'to';

export interface Pair {
  readonly from: Located;
  readonly to: Located;
}

export interface Reports {
  problem(path: BytePath, side: Side, why: string): void;
  warning(text: string): void;
}

export class ChangeWindow {
  readonly #reader: TreeReader;
  readonly #reports: Reports;
  readonly #abandoned = new AbortController();
  readonly #signal: AbortSignal;
  #held: Held[] = [];
  #next = 0;
  #candidates: { readonly held: Held; readonly pair: Pair }[] = [];
  #retired: Directory[] = [];
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #xattrs = true;

  constructor(reader: TreeReader, reports: Reports, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#reports = reports;
    this.#signal = signal === undefined ? this.#abandoned.signal : AbortSignal.any([signal, this.#abandoned.signal]);
  }

  /** Spelled out, since a spread costs more than all else that is done for a change. */
  add({ trail, kind, type, size, from, inode, ownership }: Omit<Held, 'what' | 'pending'>, what?: readonly Aspect[]): Held {
    const held: Held = { trail, kind, type, size, from, inode, ownership, what: what === undefined ? NOTHING : [...what], pending: 0 };
    this.#held.push(held);
    return held;
  }

  /** Adds `content` to a held change if the bytes differ. */
  compareContent(held: Held, pair: Pair): void {
    this.#later(held, pair, 'content', async () => !(await this.#reader.sameContent(pair.from, pair.to, this.#signal)));
  }

  compareTarget(held: Held, pair: Pair): void {
    this.#later(held, pair, 'target', async () => {
      const [from, to] = await Promise.all([this.#reader.readLink(pair.from), this.#reader.readLink(pair.to)]);
      return from !== to;
    });
  }

  compareXattrs(held: Held, pair: Pair): void {
    if (!this.#xattrs) return;
    held.pending += 1;
    this.#candidates.push({ held, pair });
  }

  /** Closes a directory as soon as nothing that is held needs it. */
  retire(directory: Directory): void {
    if (this.#busy) this.#retired.push(directory);
    else directory.close();
  }

  get full(): boolean {
    return (
      this.#candidates.length >= XATTR_BATCH ||
      this.#held.length - this.#next >= HELD_LIMIT ||
      this.#retired.length >= RETIRED_LIMIT ||
      this.#waiting.length >= COMPARISONS_LIMIT
    );
  }

  /** The next change if all of it is known. */
  take(): Change | undefined {
    for (let head = this.#held[this.#next]; head?.pending === 0; head = this.#held[this.#next]) {
      this.#next += 1;
      if (head.kind !== 'modified' || head.what.length > 0) return asChange(head);
    }
    if (this.#next > 0) {
      this.#held = this.#held.slice(this.#next);
      this.#next = 0;
    }
    return undefined;
  }

  /** Finishes all that is open: after it `take` gives everything. */
  async settle(): Promise<void> {
    await this.#readXattrs();
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#closeRetired();
  }

  /** Gives up: waits only until what is running has noticed, since it uses open directories. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    this.#waiting.length = 0;
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#closeRetired();
  }

  get #busy(): boolean {
    return this.#candidates.length > 0 || this.#running.size > 0;
  }

  #closeRetired(): void {
    for (const directory of this.#retired) directory.close();
    this.#retired = [];
  }

  #later(held: Held, pair: Pair, aspect: Aspect, differs: () => Promise<boolean>): void {
    held.pending += 1;
    this.#waiting.push(async () => {
      try {
        if (await differs()) held.what.push(aspect);
      } catch (error) {
        if (error instanceof Unreadable) this.#reports.problem(pathOf(held.trail), error.located === pair.from ? 'from' : 'to', error.why);
        else this.#failure ??= { error };
      }
      held.pending -= 1;
    });
    this.#start();
  }

  #start(): void {
    while (this.#running.size < COMPARISONS_AT_ONCE) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const running: Promise<void> = job().then(() => {
        this.#running.delete(running);
        this.#start();
      });
      this.#running.add(running);
    }
  }

  async #readXattrs(): Promise<void> {
    const candidates = this.#candidates;
    this.#candidates = [];
    if (candidates.length === 0) return;
    const sides = await this.#xattrsOf(candidates.map(({ pair }) => pair));
    for (const [index, { held }] of candidates.entries()) {
      held.pending -= 1;
      const from = sides?.from[index];
      const to = sides?.to[index];
      if (from instanceof Unreadable) this.#reports.problem(pathOf(held.trail), 'from', from.why);
      if (to instanceof Unreadable) this.#reports.problem(pathOf(held.trail), 'to', to.why);
      if (from === undefined || to === undefined || from instanceof Unreadable || to instanceof Unreadable) continue;
      held.what.push(...compareXattrs(from, to));
    }
  }

  async #xattrsOf(pairs: readonly Pair[]): Promise<Record<Side, readonly (Xattrs | Unreadable)[]> | undefined> {
    // Both are waited for even if one fails, since the programs use directories that are closed next.
    const [from, to] = await Promise.allSettled([
      this.#reader.readXattrs(
        pairs.map((pair) => pair.from),
        this.#signal,
      ),
      this.#reader.readXattrs(
        pairs.map((pair) => pair.to),
        this.#signal,
      ),
    ]);
    if (from.status === 'fulfilled' && to.status === 'fulfilled') return { from: from.value, to: to.value };
    const error: unknown = from.status === 'rejected' ? from.reason : to.status === 'rejected' ? to.reason : undefined;
    if (!(error instanceof RootsError) || (error.kind !== 'unsupported' && error.kind !== 'not-permitted')) throw error;
    this.#xattrs = false;
    this.#reports.warning(`extended attributes and ACLs were not compared: ${error.message}`);
    return undefined;
  }
}

/** What has none of its own; nothing is ever added to it. */
const NOTHING: Aspect[] = [];

function asChange({ trail, kind, type, size, what, from, inode, ownership }: Held): Change {
  const change: { -readonly [Key in keyof Change]: Change[Key] } = {
    path: pathOf(trail),
    kind,
    type,
    what: what.length < 2 ? what : ASPECTS.filter((aspect) => what.includes(aspect)),
  };
  if (from !== undefined) change.from = from;
  if (size !== undefined) change.size = size;
  if (inode !== undefined) change.inode = inode;
  if (ownership !== undefined) change.ownership = ownership;
  return change;
}
