/**
 * Trees on a real filesystem, for src/diff. No link is followed below the root of a tree, and no path is longer than the kernel takes.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import { toBytes, type BytePath } from '../byte-path.ts';
import {
  Unreadable,
  type Entry,
  type Listed,
  type Located,
  type Named,
  type NamedDirectory,
  type NamesReader,
  type Tree,
  type Xattrs,
} from '../diff/tree.ts';
import { errnoOf, RootsError } from '../errors.ts';
import { ListingAhead } from './listing-ahead.ts';
import { agreed, mayEndEarly } from './names.ts';
import { Pace } from './pace.ts';
import { entryOfPrinted } from './printed-entry.ts';
import type { Run } from './run.ts';
import { sameContent } from './same-content.ts';
import { entryOf } from './stat-entry.ts';
import { CHANGED, VANISHED, asUnreadable, requireSame } from './unreadable.ts';
import { readXattrs } from './xattrs.ts';

/**
 * Reads trees as they are; a tree that changes meanwhile shows in `Unreadable`. `run` starts getfattr(1). `few`: the number of entries in one tree from which on find(1)
 * lists the rest.
 */
export function createTreeReader(run: Run, { few = FEW }: { readonly few?: number } = {}): NamesReader {
  const pace = new Pace();
  return {
    open: (tree) => openRoot(tree, pace, few),
    sameContent: (a, b, signal) => sameContent(a, b, pace, signal),
    isSameInode,
    readLink,
    readXattrs: (entries, signal) => readAttributes(run, entries, signal),
  };
}

/** PATH_MAX is 4096, and a name of 255 bytes must still fit, also in the arguments of a program. */
const LONGEST_ADDRESS = 3000;
/** The kernel resolves every directory on the way anew for every call. */
const MOST_STEPS = 128;
const LISTED_AT_ONCE = 256;

/** `O_PATH` of Linux, which Node does not name: needs no read permission and triggers no automount. */
const O_PATH = 0o10000000;
const BTRFS_MAGIC = 0x9123683e;
const BTRFS_SUBVOLUME_INODE = 256n;

async function openRoot(tree: Tree, pace: Pace, few: number): Promise<NamedDirectory> {
  try {
    const entry = entryOf('' as BytePath, await statLater(toBytes(tree.path), { bigint: true }));
    if (entry.type !== 'directory') throw new Unreadable('it is not a directory');
    const shared = {
      mount: mountOf(tree.path, { follow: true }),
      mayEndEarly: mayEndEarly(tree.path),
      pace,
      ahead: new ListingAhead(),
      withoutFind: few,
    };
    return new RealRoot({ address: tree.path, entry }, shared, 0, null);
  } catch (error) {
    throw asUnreadable(error);
  }
}

/** What all directories of one tree share. */
interface Shared {
  /** The mount that the tree is on. */
  readonly mount: string;
  /** See names.ts. */
  readonly mayEndEarly: boolean;
  readonly pace: Pace;
  readonly ahead: ListingAhead;
  /** How many more entries are listed without find. */
  withoutFind: number;
}

/** After so many entries there are likely to be as many again, and starting find pays. */
const FEW = 2000;

class RealDirectory implements NamedDirectory {
  readonly self: Located;
  protected readonly shared: Shared;
  /** Directories between this one and where its address starts. */
  readonly #steps: number;
  #descriptor: number | null;
  /** What find was told to list next. */
  #ahead: readonly BytePath[] = [];

  constructor(self: Located, shared: Shared, steps: number, descriptor: number | null) {
    this.self = self;
    this.shared = shared;
    this.#steps = steps;
    this.#descriptor = descriptor;
  }

  async *list(): AsyncGenerator<readonly Listed[], void, undefined> {
    const printed = this.shared.withoutFind > 0 ? null : await this.#printed();
    if (printed !== null) {
      yield printed;
      return;
    }
    const names = await this.#names();
    this.shared.withoutFind -= names.length;
    for (let at = 0; at < names.length; at += LISTED_AT_ONCE) {
      await this.shared.pace.breathe();
      const listed = await this.#listed(names.slice(at, at + LISTED_AT_ONCE));
      if (this.shared.withoutFind <= 0) this.#wantDirectoriesOf(listed);
      yield listed;
    }
  }

  async names(): Promise<readonly Named[]> {
    await this.shared.pace.breathe();
    const read = (): fs.Dirent[] => fs.readdirSync(toBytes(this.self.address), { encoding: 'latin1', withFileTypes: true });
    const entries = await this.#read(
      read,
      () => direntsLater(toBytes(this.self.address)),
      ({ name }) => name,
    );
    const names = entries.map((entry): Named => ({ name: entry.name as BytePath, isDirectory: entry.isDirectory() }));
    return names.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async lookup(name: BytePath): Promise<Entry | null> {
    if (name.includes('\0') || name.length > 255) return null;
    try {
      const { pace } = this.shared;
      const stats = pace.warm
        ? pace.measure(1, () => fs.lstatSync(toBytes(this.#address(name)), { bigint: true }))
        : await lstatLater(this.#address(name));
      return this.#entry(name, stats);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw asUnreadable(error);
    }
  }

  locate(entry: Entry): Located {
    return { address: this.#address(entry.name), entry };
  }

  enter(entry: Entry): Promise<NamedDirectory> {
    try {
      return Promise.resolve(this.#enter(this.locate(entry)));
    } catch (error) {
      return Promise.reject(asUnreadable(error));
    }
  }

  close(): void {
    this.shared.ahead.forget(this.#ahead);
    this.#ahead = [];
    if (this.#descriptor === null) return;
    fs.closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #address(name: BytePath): BytePath {
    return `${this.self.address}/${name}` as BytePath;
  }

  /** In byte order; null where find does not tell. What is replaced by a link after it was listed would lead out of the tree, so find says what it has listed. */
  async #printed(): Promise<Listed[] | null> {
    const { address, entry } = this.self;
    // What find has printed waits in a small buffer, and so does find when that is full.
    await this.shared.pace.breathe();
    const printed = await this.shared.ahead.list(address);
    if (printed === null) return null;
    if (printed.dev !== entry.dev || printed.ino !== entry.ino) throw new Unreadable(CHANGED);
    const device = String(entry.dev);
    const listed = printed.entries.map(
      (each): Listed => entryOfPrinted(each, device, entry.dev) ?? this.#statNow(each.name) ?? { name: each.name, why: VANISHED },
    );
    // Each character is a byte.
    listed.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#wantDirectoriesOf(listed);
    return listed;
  }

  /** They are entered next, in this order. */
  #wantDirectoriesOf(listed: readonly Listed[]): void {
    const wanted = listed.flatMap((each) =>
      'type' in each && each.type === 'directory' && !each.mounted && this.#isShort(each.name) ? this.#address(each.name) : [],
    );
    this.#ahead = [...this.#ahead, ...wanted];
    this.shared.ahead.want(wanted);
  }

  /** Whether it can be entered by an address that is that of this directory and its name. */
  #isShort(name: BytePath): boolean {
    return this.#address(name).length <= LONGEST_ADDRESS && this.#steps < MOST_STEPS;
  }

  #enter(located: Located): NamedDirectory {
    if (this.#isShort(located.entry.name)) {
      return new RealDirectory(located, this.shared, this.#steps + 1, null);
    }
    // Node has no openat(2), but a path below /proc/PID/fd/N starts at the directory that N is. By number, since getfattr is another process.
    const descriptor = fs.openSync(toBytes(located.address), O_PATH | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
    const address = `/proc/${String(process.pid)}/fd/${String(descriptor)}` as BytePath;
    const directory = new RealDirectory({ address, entry: located.entry }, this.shared, 0, descriptor);
    try {
      requireSame(fs.fstatSync(descriptor, { bigint: true }), located.entry);
      return directory;
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  /** Sorted as bytes: each character is one. */
  async #names(): Promise<BytePath[]> {
    const address = toBytes(this.self.address);
    const names = await this.#read(
      () => fs.readdirSync(address, 'latin1'),
      () => readdirLater(address, 'latin1'),
      (name) => name,
    );
    return (names as BytePath[]).sort();
  }

  async #read<T>(now: () => T[], later: () => Promise<T[]>, nameOf: (entry: T) => string): Promise<T[]> {
    const { pace } = this.shared;
    try {
      const entries = this.shared.mayEndEarly
        ? pace.measure(4, () => agreed(now, nameOf))
        : pace.warm
          ? pace.measure(2, now)
          : await later();
      // A directory that was replaced by a link after it was listed would lead out of the tree.
      requireSame(fs.lstatSync(toBytes(this.#address('.' as BytePath)), { bigint: true }), this.self.entry);
      return entries;
    } catch (error) {
      throw asUnreadable(error);
    }
  }

  async #listed(names: readonly BytePath[]): Promise<readonly Listed[]> {
    const listed: (Listed | null)[] = [];
    while (this.shared.pace.warm && listed.length < names.length) {
      const some = names.slice(listed.length, listed.length + 16);
      listed.push(...this.shared.pace.measure(some.length, () => some.map((name) => this.#statNow(name))));
    }
    const rest = names.slice(listed.length);
    const all = rest.length === 0 ? listed : [...listed, ...(await Promise.all(rest.map((name) => this.#statLater(name))))];
    return all.includes(null) ? this.#withoutGone(names, all) : (all as Listed[]);
  }

  /** What is still in the directory and cannot be looked at all the same is no more gone than the rest. */
  #withoutGone(names: readonly BytePath[], all: readonly (Listed | null)[]): Listed[] {
    try {
      const now = new Set(fs.readdirSync(toBytes(this.self.address), 'latin1'));
      return names.flatMap((name, at) => all[at] ?? (now.has(name) ? { name, why: VANISHED } : []));
    } catch (error) {
      throw asUnreadable(error);
    }
  }

  /** Null if it went after it was listed, as in directories that are in use things do all the time. */
  #statNow(name: BytePath): Listed | null {
    try {
      return this.#entry(name, fs.lstatSync(toBytes(this.#address(name)), { bigint: true }));
    } catch (error) {
      return unread(name, error);
    }
  }

  async #statLater(name: BytePath): Promise<Listed | null> {
    try {
      return this.#entry(name, await lstatLater(this.#address(name)));
    } catch (error) {
      return unread(name, error);
    }
  }

  #entry(name: BytePath, stats: fs.BigIntStats): Entry {
    const entry = entryOf(name, stats);
    return entry.type === 'directory' && entry.dev !== this.self.entry.dev ? this.#acrossDevices(entry) : entry;
  }

  /**
   * A directory on another device is a subvolume nested in the tree, the empty stub of one in a snapshot (btrfs, inode 2), or
   * a mount. A mounted subvolume has inode 256 as a nested one has; only the mount it is reached through tells them apart.
   */
  #acrossDevices(entry: Entry): Entry {
    const address = this.#address(entry.name);
    if (mountOf(address, { follow: false }) !== this.shared.mount) return { ...entry, mounted: true };
    const subvolume = entry.ino === BTRFS_SUBVOLUME_INODE && fs.statfsSync(toBytes(address)).type === BTRFS_MAGIC;
    return subvolume ? { ...entry, type: 'subvolume' } : entry;
  }
}

/** All of the tree is closed with it. */
class RealRoot extends RealDirectory {
  override close(): void {
    super.close();
    this.shared.ahead.close();
  }
}

function unread(name: BytePath, error: unknown): Listed | null {
  return errnoOf(error) === 'ENOENT' ? null : { name, why: asUnreadable(error).why };
}

function readAttributes(run: Run, entries: readonly Located[], signal: AbortSignal | undefined): Promise<readonly (Xattrs | Unreadable)[]> {
  return readXattrs(
    run,
    entries.map((located) => located.address),
    signal,
  );
}

/** Born at the same nanosecond (statx(2); 0: the filesystem does not say): numbers alone are given again, and are the same in unrelated subvolumes. */
function isSameInode(a: Located, b: Located): boolean {
  try {
    const [one, other] = [fs.lstatSync(toBytes(a.address), { bigint: true }), fs.lstatSync(toBytes(b.address), { bigint: true })];
    return one.ino === other.ino && one.birthtimeNs !== 0n && one.birthtimeNs === other.birthtimeNs;
  } catch {
    // It is not there any more.
    return false;
  }
}

async function readLink(link: Located): Promise<BytePath> {
  try {
    return (await readlinkLater(toBytes(link.address), 'latin1')) as BytePath;
  } catch (error) {
    throw asUnreadable(error, link);
  }
}

/** Which mount a path is reached through: statx(2) would tell, and so does the description of an open file. */
function mountOf(path: BytePath, { follow }: { follow: boolean }): string {
  const descriptor = fs.openSync(toBytes(path), follow ? O_PATH : O_PATH | fs.constants.O_NOFOLLOW);
  try {
    const id = /^mnt_id:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${String(descriptor)}`, 'latin1'))?.[1];
    if (id === undefined) throw new RootsError('failed', 'the kernel does not tell which mount a file is on (/proc/self/fdinfo)');
    return id;
  } finally {
    fs.closeSync(descriptor);
  }
}

// fs.promises takes three times as long as the callbacks do.
const lstatCall = promisify(fs.lstat) as (path: Buffer, options: { bigint: true }) => Promise<fs.BigIntStats>;
const statLater = promisify(fs.stat) as (path: Buffer, options: { bigint: true }) => Promise<fs.BigIntStats>;
const readdirLater = promisify(fs.readdir) as (path: Buffer, encoding: 'latin1') => Promise<string[]>;
const direntsCall = promisify(fs.readdir) as (path: Buffer, options: { encoding: 'latin1'; withFileTypes: true }) => Promise<fs.Dirent[]>;
const readlinkLater = promisify(fs.readlink) as (path: Buffer, encoding: 'latin1') => Promise<string>;

function direntsLater(path: Buffer): Promise<fs.Dirent[]> {
  return direntsCall(path, { encoding: 'latin1', withFileTypes: true });
}

function lstatLater(path: BytePath): Promise<fs.BigIntStats> {
  return lstatCall(toBytes(path), { bigint: true });
}
