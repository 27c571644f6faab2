import {
  Unreadable,
  type Directory,
  type Entry,
  type Listed,
  type Located,
  type Tree,
  type TreeReader,
  type Xattrs,
} from '../../../src/diff/tree.ts';
import { fromText, type BytePath } from '../../../src/byte-path.ts';
import { isDirectory } from '../../../src/diff/compare.ts';

/** A tree that is made up: names are binary strings, as in a BytePath. */
export type FakeNode = Partial<Omit<Entry, 'name'>> & {
  readonly content?: string;
  readonly target?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly children?: Readonly<Record<string, FakeNode>>;
  /** Its metadata, its listing, or its content, target and attributes cannot be read. */
  readonly fails?: 'stat' | 'list' | 'read';
};

export interface FakeReader extends TreeReader {
  readonly opened: Set<Directory>;
  readonly batches: number[];
  readonly contentsRead: string[];
}

export function fakeReader(trees: Readonly<Record<string, FakeNode>>, options: { xattrs?: Error; chunk?: number } = {}): FakeReader {
  const opened = new Set<Directory>();
  const batches: number[] = [];
  const contentsRead: string[] = [];
  const nodeAt = (address: BytePath): FakeNode => {
    const [tree = '', ...names] = address.split('/');
    let node = trees[tree] ?? {};
    for (const name of names) node = node.children?.[name] ?? {};
    return node;
  };
  const readable = (located: Located): FakeNode => {
    const node = nodeAt(located.address);
    if (node.fails === 'read') throw new Unreadable('permission denied', { located });
    return node;
  };
  return {
    opened,
    batches,
    contentsRead,
    open: (tree: Tree) => {
      const node = tree.path in trees ? trees[tree.path] : tree.path.includes('/') ? nodeAt(tree.path) : undefined;
      if (node === undefined) return Promise.reject(new Unreadable('vanished while it was read'));
      return Promise.resolve(fakeDirectory({ address: tree.path, entry: entryOf('' as BytePath, node) }, node, opened, options.chunk ?? 3));
    },
    sameContent: async (a, b, signal) => {
      await later(signal);
      contentsRead.push(a.address);
      return readable(a).content === readable(b).content;
    },
    isSameInode: (a, b) => a.entry.ino === b.entry.ino,
    readLink: (link) => Promise.resolve().then(() => (readable(link).target ?? '') as BytePath),
    readXattrs: async (entries, signal) => {
      await later(signal);
      batches.push(entries.length);
      if (options.xattrs !== undefined) throw options.xattrs;
      return entries.map((located): Xattrs | Unreadable => {
        const node = nodeAt(located.address);
        return node.fails === 'read'
          ? new Unreadable('permission denied')
          : new Map(Object.entries(node.xattrs ?? {}) as [BytePath, string][]);
      });
    },
  };
}

export const treeOf = (name: string): Tree => ({ path: fromText(name) });

let turns = 0;

/** Takes now longer, now shorter, so that answers come back in another order than they were asked for. */
async function later(signal: AbortSignal | undefined): Promise<void> {
  for (let turn = (turns += 7) % 13; turn > 0; turn -= 1) await Promise.resolve();
  signal?.throwIfAborted();
}

function fakeDirectory(self: Located, node: FakeNode, opened: Set<Directory>, chunk: number): Directory {
  const children = Object.entries(node.children ?? {}) as [BytePath, FakeNode][];
  const listed = children.map(([name, child]): Listed =>
    child.fails === 'stat' ? { name, why: 'vanished while it was read' } : entryOf(name, child),
  );
  listed.sort((a, b) => (a.name < b.name ? -1 : 1));
  const directory: Directory = {
    self,
    async *list() {
      await Promise.resolve();
      if (node.fails === 'list') throw new Unreadable('permission denied');
      for (let at = 0; at < listed.length; at += chunk) yield listed.slice(at, at + chunk);
    },
    lookup: (name) => {
      const found = listed.find((entry) => entry.name === name);
      if (found !== undefined && 'why' in found) return Promise.reject(new Unreadable(found.why));
      return Promise.resolve(found ?? null);
    },
    locate: (entry) => ({ address: `${self.address}/${entry.name}` as BytePath, entry }),
    enter: (entry) => {
      if (!opened.has(directory)) throw new Error('entered from a directory that is closed');
      return Promise.resolve(fakeDirectory(directory.locate(entry), node.children?.[entry.name] ?? {}, opened, chunk));
    },
    close: () => void opened.delete(directory),
  };
  opened.add(directory);
  return directory;
}

function entryOf(name: BytePath, node: FakeNode): Entry {
  const type = node.type ?? (node.children !== undefined ? 'directory' : node.target !== undefined ? 'symlink' : 'file');
  return {
    name,
    type,
    mode: node.mode ?? (isDirectory(type) ? 0o755 : 0o644),
    uid: node.uid ?? 0n,
    gid: node.gid ?? 0n,
    size: node.size ?? BigInt((node.content ?? node.target ?? '').length),
    rdev: node.rdev ?? 0n,
    mtimeNs: node.mtimeNs ?? 1n,
    ctimeNs: node.ctimeNs ?? 1n,
    dev: node.dev ?? 1n,
    ino: node.ino ?? 1n,
    mounted: node.mounted ?? false,
  };
}
