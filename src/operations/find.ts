/**
 * `roots find`: which old roots have such a path.
 */
import { fromText, joinPath, printable, printableText, type BytePath } from '../byte-path.ts';
import { Unreadable, type Entry, type NamesReader } from '../diff/tree.ts';
import { RootsError } from '../errors.ts';
import { before, parseDuration } from '../retention/duration.ts';
import { parseMoment } from '../retention/moment.ts';
import { meets, parseSize, typesOf, type Criteria } from '../lookup/criteria.ts';
import { understand } from '../lookup/glob.ts';
import { search } from '../lookup/search.ts';
import { directoryBeneath } from '../system/beneath.ts';
import { requireExpression } from '../system/grep.ts';
import { processors } from '../system/processors.ts';
import { glimpse } from '../system/sighting.ts';
import { createTreeReader } from '../system/tree-reader.ts';
import type { Context } from './context.ts';
import { thoseWith } from './find-content.ts';
import { searchesFor, type Search } from './find-searches.ts';
import { liveName } from './live-path.ts';
import { oldRootsOf, type ResolvedRoot } from './resolve-root.ts';
import { withTargets, type Aside, type Target } from './targets.ts';
import { statesOf, type Budget, type Sighting } from './versions.ts';

export { TYPE_LETTERS } from '../lookup/criteria.ts';

export interface FindOptions {
  /** Paths, names or patterns, as they were typed. */
  readonly globs: readonly string[];
  /** From the working directory. */
  readonly absolute: (text: string) => BytePath;
  /** One target by its name. */
  readonly target?: string | undefined;
  /** Letters as those of find(1); empty: of any type. */
  readonly types: readonly string[];
  /** A date or a time, or how long ago: modified after that. */
  readonly newer?: string | undefined;
  /** `[+-]N[ckMG]`, as find(1) has it, but in bytes without a unit. */
  readonly size?: string | undefined;
  /** An extended regular expression that a file must hold. */
  readonly content?: string | undefined;
}

/** One path, and where it is. */
export interface FoundPath {
  readonly target: Target;
  /** Inside the trees. */
  readonly path: BytePath;
  /** On the live system, for people. */
  readonly name: BytePath;
  /** Of the newest. */
  readonly type: Entry['type'];
  /** Of the newest, in bytes; null if it is no regular file. */
  readonly size: number | null;
  readonly modifiedAt: Date;
  /** That have it, newest first. */
  readonly roots: readonly ResolvedRoot[];
  /** How many different ones there are. */
  readonly versions: number;
  /** Whether contents were compared for it wherever size and time leave it open. */
  readonly isCompared: boolean;
}

export interface FindOutcome extends Aside {
  /** Those of the newest old root first, and of one old root in the order of their paths. */
  readonly found: readonly FoundPath[];
  /** How many old roots were searched. */
  readonly searched: number;
  readonly warnings: readonly string[];
  /** What could not be read, for people. */
  readonly unread: readonly string[];
}

/** Contents of many paths are compared up to here, so that what is a question for names does not read a whole archive. Bytes. */
const MOST_READ = 64 << 20;

/** `looked`: how many entries were looked at so far; told often. Errors: `usage`; `interrupted`. */
export async function find(context: Context, options: FindOptions, looked: (count: number) => void): Promise<FindOutcome> {
  const wanted = options.globs.map(understand);
  const criteria = criteriaOf(context, options);
  if (options.content !== undefined) await requireExpression(context.run, options.content);
  return withTargets(context, { access: 'read', only: options.target }, async (targets, aside) => {
    const warnings = new Set<string>();
    const searches = (
      await Promise.all(wanted.map((each) => searchesFor(targets, each, options.absolute, (text) => warnings.add(text))))
    ).flat();
    const finding = new Finding(context, criteria, looked);
    const searched = await finding.run(searches);
    if (options.content !== undefined) await finding.keepThoseWith(options.content);
    const isExact = wanted.every(({ kind }) => kind === 'path');
    const found = await finding.paths({ left: isExact ? Infinity : MOST_READ }, isExact);
    return { ...aside, found, searched, warnings: [...warnings, ...finding.warnings], unread: finding.unread };
  });
}

/** Errors: `usage`, for what is no time or no size. */
function criteriaOf({ now, config }: Context, { types, newer, size }: FindOptions): Criteria {
  return {
    types: types.length === 0 ? null : typesOf(types),
    newer: newer === undefined ? null : timeOf(newer),
    size: size === undefined ? null : sizeOf(size),
  };

  function timeOf(text: string): Date {
    const duration = parseDuration(text);
    const time = duration === undefined ? parseMoment(text, config.timezone)?.start : before(now, duration, config.timezone);
    if (time !== undefined) return time;
    throw new RootsError('usage', `--newer: \`${printableText(text)}\` is no time`, {
      hint: 'write 2026-11-20, 2026-11-20T18:20, or how long ago: 12h, 14d, 1y',
    });
  }

  function sizeOf(text: string): NonNullable<Criteria['size']> {
    const test = parseSize(text);
    if (test !== undefined) return test;
    throw new RootsError('usage', `--size: \`${printableText(text)}\` is no size`, {
      hint: 'write 512, +10k or -2M: more with +, less with -',
    });
  }
}

interface Hits {
  readonly target: Target;
  readonly path: BytePath;
  /** By the place of the old root in the order of age. */
  readonly sightings: Map<number, Sighting>;
}

class Finding {
  readonly unread: string[] = [];
  readonly warnings: string[] = [];
  readonly #context: Context;
  readonly #criteria: Criteria;
  readonly #looked: (count: number) => void;
  readonly #reader: NamesReader;
  readonly #roots: ResolvedRoot[] = [];
  readonly #hits = new Map<string, Hits>();
  /** Of each tree, by where it can be read. */
  readonly #places = new Map<BytePath, number>();
  #count = 0;

  constructor(context: Context, criteria: Criteria, looked: (count: number) => void) {
    this.#context = context;
    this.#criteria = criteria;
    this.#looked = looked;
    this.#reader = createTreeReader(context.run);
  }

  /** How many old roots were searched. */
  async run(searches: readonly Search[]): Promise<number> {
    const targets = [...new Set(searches.map(({ target }) => target))];
    for (const target of targets) this.#roots.push(...(await oldRootsOf(this.#context, target)));
    this.#roots.sort((a, b) => ageOf(b) - ageOf(a));
    const jobs = [...this.#roots.entries()];
    let searched = 0;
    const work = async (): Promise<void> => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        const [at, root] = job;
        if (this.#context.signal.aborted) throw new RootsError('interrupted', 'the search was interrupted');
        if (await this.#searchRoot(at, root, searches)) searched += 1;
      }
    };
    // All are waited for, since each has a tree open.
    const ends = await Promise.allSettled(Array.from({ length: processors() }, work));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return searched;
  }

  /** Leaves out what does not hold it. Of what is the same in many old roots one is read. */
  async keepThoseWith(expression: string): Promise<void> {
    const files = new Map<string, Sighting>();
    const keyOf = ({ target }: Hits, { path, entry }: Sighting): string =>
      [target.name, entry.ino, entry.size, entry.mtimeNs, entry.ctimeNs, path].join(' ');
    for (const hits of this.#hits.values())
      for (const sighting of hits.sightings.values()) if (sighting.entry.type === 'file') files.set(keyOf(hits, sighting), sighting);
    const holding = await thoseWith(this.#context, expression, files, ({ path, tree }, why) => this.#problem(path, tree, why));
    for (const hits of this.#hits.values())
      for (const [at, sighting] of hits.sightings)
        if (sighting.entry.type !== 'file' || !holding.has(keyOf(hits, sighting))) hits.sightings.delete(at);
  }

  async paths(budget: Budget, xattrs: boolean): Promise<FoundPath[]> {
    const found: (FoundPath & { readonly newest: number })[] = [];
    for (const { target, path, sightings } of this.#hits.values()) {
      const sorted = [...sightings].sort(([a], [b]) => a - b);
      const [first] = sorted;
      if (first === undefined) continue;
      const [newest, { entry }] = first;
      const states = await statesOf(
        sorted.map(([, sighting]) => sighting),
        {
          reader: this.#reader,
          signal: this.#context.signal,
          xattrs,
          budget,
          problem: (sighting, why) => this.#problem(sighting.path, sighting.tree, why),
          warning: (text) => this.warnings.push(text),
        },
      );
      found.push({
        target,
        path,
        name: liveName(target, path),
        type: entry.type,
        size: entry.type === 'file' ? Number(entry.size) : null,
        modifiedAt: new Date(Number(entry.mtimeNs / 1_000_000n)),
        roots: sorted.flatMap(([at]) => this.#roots[at] ?? []),
        versions: new Set(states).size,
        isCompared: budget.left >= 0,
        newest,
      });
    }
    if (budget.left < 0) this.warnings.push('too much to compare all of it: some versions are told by their size and time only');
    return found.sort((a, b) => a.newest - b.newest || (a.name < b.name ? -1 : 1));
  }

  async #searchRoot(at: number, root: ResolvedRoot, searches: readonly Search[]): Promise<boolean> {
    try {
      const tree = await root.target.backend.pathOf(root.tree);
      this.#places.set(tree, at);
      for (const each of searches) if (each.target === root.target) await this.#searchTree(at, tree, each);
      return true;
    } catch (error) {
      if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
      // One that went meanwhile, or cannot be mounted, does not stop the others.
      this.unread.push(`${root.label}: ${error.message}`);
      return false;
    }
  }

  async #searchTree(at: number, tree: BytePath, { inside, matcher, prefix }: Search): Promise<void> {
    const take = (path: BytePath, entry: Entry, born: bigint): void => {
      if (meets(entry, this.#criteria)) this.#add(at, { tree, path, entry: kept(entry), born });
    };
    try {
      if (matcher === null) {
        const seen = glimpse(tree, inside);
        if (seen !== null) take(inside, seen.entry, seen.born);
        return;
      }
      // The directories on the way are those of the old root, and so are links among them.
      const start = directoryBeneath(tree, inside, { links: 'inside' });
      try {
        await search(this.#reader, start, {
          matches: (path) => matcher.matches(joinPath(prefix, path)),
          mayHold: (path) => matcher.mayHold(joinPath(prefix, path)),
          found: (path, entry) => take(joinPath(inside, path), entry, 0n),
          problem: (path, why) => this.#problemIn(at, joinPath(inside, path), why),
          looked: (count) => {
            this.#count += count;
            this.#looked(this.#count);
          },
          signal: this.#context.signal,
        });
      } finally {
        start.close();
      }
    } catch (error) {
      if (error instanceof RootsError && error.kind === 'not-found') return;
      if (error instanceof Unreadable) this.#problemIn(at, inside, error.why);
      else if (error instanceof RootsError && error.kind === 'not-permitted') this.#problemIn(at, inside, 'permission denied');
      else throw error;
    }
  }

  #add(at: number, sighting: Sighting): void {
    const root = this.#roots[at];
    if (root === undefined) return;
    const key = `${root.target.name}/${sighting.path}`;
    const hits = this.#hits.get(key) ?? { target: root.target, path: sighting.path, sightings: new Map<number, Sighting>() };
    hits.sightings.set(at, sighting);
    this.#hits.set(key, hits);
  }

  #problemIn(at: number, path: BytePath, why: string): void {
    this.unread.push(`${printable(path === '' ? fromText('/') : path)} in ${this.#roots[at]?.label ?? ''}: ${why}`);
  }

  #problem(path: BytePath, tree: BytePath, why: string): void {
    this.#problemIn(this.#places.get(tree) ?? 0, path, why);
  }
}

/** In a search of a whole archive there are millions; what find(1) has printed of each is longer than what is wanted of it. */
function kept({ name, type, mode, uid, gid, size, rdev, mtimeNs, ctimeNs, dev, ino, mounted }: Entry): Entry {
  return { name, type, mode, uid, gid, size, rdev, mtimeNs, ctimeNs, dev, ino, mounted };
}

/** Those from the future are of a time that nobody knows. */
function ageOf({ judged, number }: ResolvedRoot): number {
  return judged === null ? 0 : judged.reasons.includes('future') ? -(number ?? 0) : judged.root.archivedAt.getTime();
}
