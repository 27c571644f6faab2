/**
 * What a comparison needs of a tree. The walk knows no filesystem: src/system/tree-reader.ts reads real ones, tests make them up.
 */
import type { BytePath } from '../byte-path.ts';
import type { EntryType } from './change.ts';

/** A tree, by the absolute path at which it can be read. The path itself is the caller's word: links in it are followed. */
export interface Tree {
  readonly path: BytePath;
}

/** The metadata of one entry, as lstat(2) gives it. Times are nanoseconds since 1970. */
export interface Entry {
  readonly name: BytePath;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: bigint;
  readonly gid: bigint;
  /** Bytes; means nothing but for regular files and symlinks. */
  readonly size: bigint;
  /** Which device a `block` or `char` node stands for. */
  readonly rdev: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  /** All of this but the device, in a spelling of the reader: what has equal ones is equal. */
  readonly stamp?: string;
  /** Something else is mounted on this directory: what is below it is not of this tree. */
  readonly mounted: boolean;
}

/** An entry of which nothing but the name could be read. */
export interface Unread {
  readonly name: BytePath;
  readonly why: string;
}

export type Listed = Entry | Unread;

/** An entry with the reader's own way to reach it, good until the directory that it was listed in is closed. */
export interface Located {
  readonly address: BytePath;
  readonly entry: Entry;
}

/** By name, the value in any spelling that is equal if and only if the bytes are. */
export type Xattrs = ReadonlyMap<BytePath, string>;

/** A directory that was entered. */
export interface Directory {
  readonly self: Located;
  /** All entries in byte order of their names, a bounded number of them at a time. Errors: `Unreadable`, before the first. */
  list(): AsyncIterable<readonly Listed[]>;
  /** One entry, no link followed; null if there is none. Errors: `Unreadable`. */
  lookup(name: BytePath): Promise<Entry | null>;
  locate(entry: Entry): Located;
  /** Errors: `Unreadable`, also if it is no longer the directory that was listed. */
  enter(entry: Entry): Promise<Directory>;
  /** After everything that was entered from it. Idempotent. */
  close(): void;
}

export interface Named {
  readonly name: BytePath;
  readonly isDirectory: boolean;
}

/** A directory that tells what is in it without a look at each: where hardly anything of it is wanted, that is ten times as fast. */
export interface NamedDirectory extends Directory {
  /** In byte order. Errors: `Unreadable`. */
  names(): Promise<readonly Named[]>;
  enter(entry: Entry): Promise<NamedDirectory>;
}

export interface NamesReader extends TreeReader {
  open(tree: Tree): Promise<NamedDirectory>;
}

export interface TreeReader {
  /** Errors: `Unreadable`. */
  open(tree: Tree): Promise<Directory>;
  /** Whether two regular files of one size hold the same bytes. Errors: `Unreadable`; `interrupted`. */
  sameContent(a: Located, b: Located, signal?: AbortSignal): Promise<boolean>;
  /** Whether it is one inode, or the one of a snapshot and that of its source. Nothing about what is in it. */
  isSameInode(a: Located, b: Located): boolean;
  /** Where a symlink points to. Errors: `Unreadable`. */
  readLink(link: Located): Promise<BytePath>;
  /**
   * For each entry, in the same order. Errors: `unsupported` or `not-permitted` if attributes cannot be read here at all.
   */
  readXattrs(entries: readonly Located[], signal?: AbortSignal): Promise<readonly (Xattrs | Unreadable)[]>;
}

/** This one entry could not be read; the rest can. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  readonly why: string;
  /** The entry it is about, where two were asked for. */
  readonly located: Located | undefined;

  constructor(why: string, options: { located?: Located; cause?: unknown } = {}) {
    super(why, options.cause === undefined ? undefined : { cause: options.cause });
    this.why = why;
    this.located = options.located;
  }
}
