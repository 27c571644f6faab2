/**
 * The contract of a backend. One suite (test/backend-suite) proves it for every implementation on the real filesystem.
 *
 * A backend is opened for one target and speaks for its archive, its live root and its blank. What differs between
 * filesystems is either hidden behind these calls or said as data in `capabilities`: no caller asks which backend it has.
 */
import type { Candidates } from '../diff/candidates.ts';
import type { BytePath } from '../byte-path.ts';
import type { RootsError } from '../errors.ts';
import type { PrivateMountPool } from '../system/private-mount.ts';
import type { LockMode } from '../system/lock.ts';
import type { Run } from '../system/run.ts';

export type { LockMode };

export type BackendName = 'btrfs' | 'zfs' | 'bcachefs' | 'directory';

export interface Capabilities {
  /** Only root can read the archive. Opening fails with `not-permitted` for others. */
  readonly needsRoot: boolean;
  /** The filesystem records when a tree was made (`createdAt` may be non-null). Never mtime, ctime or birth time. */
  readonly creationTime: boolean;
  /** `id` survives a rename. */
  readonly stableIdentity: boolean;
  /** A tree may hold independent trees (subvolumes), which `remove` takes with it. */
  readonly nestedTrees: boolean;
  /** `measure` can tell what only this tree holds. */
  readonly exclusiveSize: boolean;
  /** The live root can be put into the archive as it is now (`snapshot`). */
  readonly snapshots: boolean;
  /**
   * How many trees `remove` and `discard` are best given at once. What is checked right before is checked for all of them, and a stop takes effect
   * between two calls, so it is no more than what takes a moment.
   */
  readonly atOnce: number;
  /** How many trees one run may remove for good; null if that does not matter to the filesystem. */
  readonly limitPerRun: number | null;
  /** The space of what is removed comes back by and by, from seconds to minutes later. */
  readonly freesLater: boolean;
  /** How `narrow` learns what may differ, and whether that is faster than to look at large trees; null if it cannot. */
  readonly narrowing: { readonly engine: NarrowingEngine; readonly isFaster: boolean } | null;
}

export type NarrowingEngine = 'btrfs-send' | 'zfs-diff';

/** Where a target is. Paths of btrfs and bcachefs are relative to the top level of the filesystem, without a leading slash. */
export type Location =
  | {
      readonly backend: 'btrfs';
      /** A block device of the filesystem, as mount(8) takes it. */
      readonly device: string;
      readonly live: BytePath | null;
      readonly blank: BytePath | null;
      readonly archive: BytePath;
    }
  | {
      readonly backend: 'bcachefs';
      /** As mount(8) takes it: of several devices, joined by colons. */
      readonly device: string;
      readonly live: BytePath | null;
      readonly blank: BytePath | null;
      readonly archive: BytePath;
    }
  | {
      readonly backend: 'zfs';
      /** A dataset, as is the archive; its snapshots are old roots too. */
      readonly live: BytePath | null;
      /** A snapshot. */
      readonly blank: BytePath | null;
      /** The parent of old roots that are datasets. Null: all are snapshots of the live root. */
      readonly archive: BytePath | null;
    }
  | {
      readonly backend: 'directory';
      /** Absolute paths. */
      readonly live: BytePath | null;
      readonly blank: BytePath | null;
      readonly archive: BytePath;
    };

/** What a backend needs from outside. */
export interface Services {
  readonly run: Run;
  /** Raised when the user wants to stop; a step that is under way is finished, none is begun. */
  readonly signal: AbortSignal;
  /** Private mounts, shared by all backends of one command; whoever made the pool closes it. */
  readonly privateMounts: PrivateMountPool;
}

/** A user's mark: never remove this one. */
export interface Pin {
  readonly note: string;
  readonly at: Date;
}

/** One tree in the archive that is positively a tree of its own; what its name means is decided elsewhere (old-root.ts). */
export interface ArchivedTree {
  /** A single path component. A snapshot of ZFS has an `@` before it. */
  readonly name: BytePath;
  /** The part of the name that may say a time. */
  readonly timeName: BytePath;
  /** What it is known by: btrfs, the subvolume's UUID; ZFS, the GUID; bcachefs, the number of the subvolume; directory, its name. Never empty. */
  readonly id: string;
  /** When the filesystem says it was made: when the boot that used it began. Null if it does not say. */
  readonly createdAt: Date | null;
  readonly readOnly: boolean;
  /** It was taken of a running system, so `createdAt` says nothing of a boot. */
  readonly isSnapshot: boolean;
  /** Where it, or anything in it, is mounted, in any mount namespace. Empty: nowhere. */
  readonly mountPoints: readonly BytePath[];
  /** It is the tree that the target's live root is mounted from (a boot script that ran too late). */
  readonly isLive: boolean;
  /** A whole old root nested in it by a collision of names (`mv` into an existing directory), as a path inside it. */
  readonly holdsRoot: BytePath | null;
  /** What else the filesystem keeps it for, whatever is asked of it (ZFS: the tags of holds). */
  readonly heldBy: readonly string[];
  readonly pin: Pin | null;
}

/** An old root that was removed and can still be had back. It is whole, and in the archive under another name (entry-name.ts). */
export interface TrashedTree extends ArchivedTree {
  /** The name it had, and gets back. */
  readonly formerName: BytePath;
  readonly trashedAt: Date;
}

export interface Listing {
  /** In no order. */
  readonly trees: readonly ArchivedTree[];
  /** In no order. */
  readonly trashed: readonly TrashedTree[];
  /** Everything else in the archive, but for the backend's own state. Never removed. */
  readonly others: readonly { readonly name: BytePath; readonly why: string }[];
  /** About the archive as a whole, for people. */
  readonly warnings: readonly string[];
}

export interface Size {
  /** Bytes referenced by the tree, shared ones included. */
  readonly sizeBytes: number | null;
  /** Bytes that come back when it is removed. */
  readonly exclusiveBytes: number | null;
}

/** Which paths may differ, or why that cannot be told, for people. */
export type Narrowing = { readonly candidates: Candidates } | { readonly why: string };

/** A tree that can be read. */
export type TreeRef = 'live' | 'blank' | ArchivedTree;

/** How one tree fared in a step. */
export interface Departure {
  readonly tree: ArchivedTree;
  /** Why it did not go; null if it went. */
  readonly error: RootsError | null;
  /** Nested trees that went with it, as paths inside it, in the order of removal. */
  readonly nested: readonly BytePath[];
  /** What had to be changed for it (`cleared the immutable flag of …`), for people. */
  readonly notes: readonly string[];
}

/** A removal that an earlier run began. */
export interface Leftover {
  /** The name that the tree had in the archive, or the beginning of it. */
  readonly formerName: BytePath;
  /** Null if that could not be told any more. */
  readonly id: string | null;
  /** `removed`: it is gone now. `restored`: it was whole and is an old root again. */
  readonly result: 'removed' | 'restored' | 'failed';
  /** Why it was not removed. */
  readonly error: RootsError | null;
}

export interface Space {
  /** Bytes that an ordinary user can have. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface Lock {
  release(): Promise<void>;
}

export interface Backend {
  /** Equal for two that speak for the same archive, however they were told of it. */
  readonly archiveKey: string;
  readonly name: BackendName;
  readonly capabilities: Capabilities;
  readonly location: Location;
  /** Where it is, for people and safe to print: `btrfs on /dev/sda2, archive old_roots`. */
  readonly place: string;
  /** Where the live root is mounted for this process, as an absolute path; null if it is not, or is not known. */
  readonly liveMountPoint: BytePath | null;

  /**
   * All that is in the archive, read fresh. Changes nothing. The number of programs it starts does not grow with the archive.
   * Errors: `not-found` if the archive does not exist.
   */
  list(): Promise<Listing>;

  /**
   * An absolute path at which the tree can be read until `close`. It is no place to follow absolute links from: resolve
   * what lies below it with system/beneath.ts. Errors: `not-found` if the target has no such tree.
   */
  pathOf(tree: TreeRef): Promise<BytePath>;

  /**
   * What of two trees may differ, told by the filesystem without looking at all that there is; else why it cannot tell, for people. Snapshots that it takes for that are gone when it
   * ends; what a killed one has left `tidy` removes.
   */
  narrow(from: TreeRef, to: TreeRef): Promise<Narrowing>;

  /** Why something of that is still there, for people. */
  tidy(): Promise<readonly string[]>;

  /** Sizes by `id`, for those that can be told. May take long where the filesystem keeps no account. */
  measure(trees: readonly ArchivedTree[]): Promise<ReadonlyMap<string, Size>>;

  /** The sizes that the filesystem tells without work, by `id`, for trees of the last `list`; empty where there are none. */
  knownSizes(trees: readonly ArchivedTree[]): ReadonlyMap<string, Size>;

  /**
   * Changes whenever anything is added to the archive, renamed in it or taken out of it, by anybody. Cheaper than `list`.
   * Errors: `failed` if the archive is no longer where it was.
   */
  generation(): Promise<string>;

  /**
   * Puts trees into the trash: a rename within the archive. They can be had back by `undelete`. Result, checks and conditions as for `remove`.
   * `at`: the moment that the grace is counted from.
   */
  discard(trees: readonly ArchivedTree[], at: Date): Promise<readonly Departure[]>;

  /**
   * Takes a tree back out of the trash, under its old name. Never replaces anything.
   * Errors: `failed` if the name is taken, it is mounted, or is not what was listed; nothing is changed then.
   */
  undelete(tree: TrashedTree): Promise<void>;

  /**
   * Removes trees from the archive, or from the trash, for good, with the trees nested in them, deepest first. One result for each, in this order.
   *
   * Right before it acts it checks again that each is in this archive under this name with this id, is a tree of its own, is mounted
   * nowhere (nor anything in it), is not live, not blank and not pinned; what is not so fails and is unchanged. It never follows a link,
   * never crosses a mount and never touches anything that does not positively lie inside the tree. Read-only and immutable flags
   * are cleared only after a step was refused for them, and only inside the tree.
   *
   * First the tree leaves the archive by a rename; what is deleted then is listed no more, so that no tree is ever listed that is not whole. A
   * tree of which nothing can be deleted gets its name back. A removal that is cut short is left to `sweep`.
   * The lock must be held. Space may come back later.
   */
  remove(trees: readonly ArchivedTree[]): Promise<readonly Departure[]>;

  /**
   * Finishes removals that were cut short. A tree of which something is deleted goes; one that is whole goes if it was to go, and it still may by all
   * that `remove` asks; else it gets its name back. `wasToGo` is asked by the id. The lock must be held.
   */
  sweep(wasToGo: (id: string) => boolean): Promise<readonly Leftover[]>;

  /** Gives a tree another name in the archive. Never replaces anything. Errors and conditions as for `undelete`. */
  rename(tree: ArchivedTree, name: BytePath): Promise<void>;

  /** The name of the snapshot that is called `slot`. */
  snapshotName(slot: string): BytePath;

  /**
   * Takes a read-only snapshot of the live root into the archive. Returns the paths of trees nested in the live root, which it does not hold.
   * Errors: `unsupported` without `capabilities.snapshots`; `failed` if the name is taken.
   */
  snapshot(name: BytePath): Promise<readonly BytePath[]>;

  /** Of the filesystem. What was removed may not have come back yet, see `settle`. */
  space(): Promise<Space>;

  /**
   * Waits until the space of everything that was removed has come back, by whomever it was; false if that takes longer than `patience` milliseconds.
   */
  settle(patience: number): Promise<boolean>;

  /**
   * Lines that are kept in the archive, oldest first, the last few thousand of them. A line that was cut short by a power loss is left out.
   */
  readLog(): Promise<readonly string[]>;

  /** Adds lines, and flushes them. The lock must be held. Errors: `failed`, such as for a full disk. */
  appendLog(lines: readonly string[]): Promise<void>;

  /** Makes removals durable against power loss; one call after many removals. */
  flush(): Promise<void>;

  /** Sets or, with null, clears the pin of a tree. Durable when it returns. The lock must be held. */
  setPin(tree: ArchivedTree, pin: Pin | null): Promise<void>;

  /**
   * The kernel lock of this archive, exclusive for those who change it and shared for those who read what must not go away meanwhile, which a killed process cannot leave behind. It is of the archive, so that two names
   * for one archive exclude each other. Errors: `locked`, with who holds it; `not-permitted` if others could write to the archive.
   */
  lock(mode: LockMode): Promise<Lock>;

  /** Lets go of the lock, if it is held. Idempotent. */
  close(): Promise<void>;
}

/** A target that was recognised without configuration. */
export interface Detected {
  /** The design's word for it: `root` or `home`. */
  readonly suggestedName: string;
  readonly location: Location;
  /** What was assumed, one statement each, for people. */
  readonly assumed: readonly string[];
}
