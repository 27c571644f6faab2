/**
 * Trees of which only what may differ is read (candidates.ts). A walk of two such trees finds what a walk of all would find.
 */
import type { BytePath } from '../byte-path.ts';
import { NOTHING, type Candidates } from './candidates.ts';
import { Unreadable, type Directory, type Entry, type Listed, type Located, type TreeReader } from './tree.ts';

const LISTED_AT_ONCE = 256;

export function narrowed(reader: TreeReader, candidates: Candidates): TreeReader {
  return {
    open: async (tree) => new NarrowedDirectory(await reader.open(tree), candidates),
    sameContent: (a, b, signal) => reader.sameContent(a, b, signal),
    isSameInode: (a, b) => reader.isSameInode(a, b),
    readLink: (link) => reader.readLink(link),
    readXattrs: (entries, signal) => reader.readXattrs(entries, signal),
  };
}

class NarrowedDirectory implements Directory {
  readonly #inner: Directory;
  readonly #candidates: Candidates;

  constructor(inner: Directory, candidates: Candidates) {
    this.#inner = inner;
    this.#candidates = candidates;
  }

  get self(): Located {
    return this.#inner.self;
  }

  async *list(): AsyncGenerator<readonly Listed[], void, undefined> {
    if (this.#candidates.whole) {
      yield* this.#inner.list();
      return;
    }
    // Each character is a byte.
    const names = [...this.#candidates.below.keys()].sort();
    for (let at = 0; at < names.length; at += LISTED_AT_ONCE) {
      const listed = await Promise.all(names.slice(at, at + LISTED_AT_ONCE).map((name) => this.#look(name)));
      yield listed.filter((each) => each !== null);
    }
  }

  async #look(name: BytePath): Promise<Listed | null> {
    try {
      return await this.#inner.lookup(name);
    } catch (error) {
      if (error instanceof Unreadable) return { name, why: error.why };
      throw error;
    }
  }

  lookup(name: BytePath): Promise<Entry | null> {
    return this.#inner.lookup(name);
  }

  locate(entry: Entry): Located {
    return this.#inner.locate(entry);
  }

  async enter(entry: Entry): Promise<Directory> {
    const below = this.#candidates.whole ? this.#candidates : (this.#candidates.below.get(entry.name) ?? NOTHING);
    return new NarrowedDirectory(await this.#inner.enter(entry), below);
  }

  close(): void {
    this.#inner.close();
  }
}
