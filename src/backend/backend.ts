/**
 * The contract of a backend. One suite (test/backend-suite) proves it for every implementation on the real filesystem.
 *
 * A backend is opened for one target and speaks for its archive, its live root and its blank. What differs between
 * filesystems is either hidden behind these calls or said as data in `capabilities`: no caller asks which backend it has.
 */
import type { BytePath } from '../byte-path.ts';
import type { PrivateMountPool } from '../system/private-mount.ts';
import type { LockMode } from '../system/lock.ts';
import type { Run } from '../system/run.ts';

export type { LockMode };

export type BackendName = 'btrfs' | 'directory';

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
}

/** Where a target is. Paths of btrfs are relative to the top level of the filesystem, without a leading slash. */
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
  /** A single path component. */
  readonly name: BytePath;
  /** What it is known by: btrfs, the subvolume's UUID; directory, its name. Never empty. */
  readonly id: string;
  /** When the filesystem says it was made: when the boot that used it began. Null if it does not say. */
  readonly createdAt: Date | null;
  readonly readOnly: boolean;
  /** Where it, or anything in it, is mounted, in any mount namespace. Empty: nowhere. */
  readonly mountPoints: readonly BytePath[];
  /** It is the tree that the target's live root is mounted from (a boot script that ran too late). */
  readonly isLive: boolean;
  /** A whole old root nested in it by a collision of names (`mv` into an existing directory), as a path inside it. */
  readonly holdsRoot: BytePath | null;
  readonly pin: Pin | null;
}

export interface Listing {
  /** In no order. */
  readonly trees: readonly ArchivedTree[];
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

/** A tree that can be read. */
export type TreeRef = 'live' | 'blank' | ArchivedTree;

export interface RemoveReport {
  /** Nested trees that went with it, as paths inside it, in the order of removal. */
  readonly nested: readonly BytePath[];
  /** What had to be changed to remove it (`cleared immutable flag on …`), for people. */
  readonly notes: readonly string[];
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

  /** Sizes by `id`, for those that can be told. May take long where the filesystem keeps no account. */
  measure(trees: readonly ArchivedTree[]): Promise<ReadonlyMap<string, Size>>;

  /** The sizes that the filesystem tells without work, by `id`, for trees of the last `list`; empty where there are none. */
  knownSizes(trees: readonly ArchivedTree[]): ReadonlyMap<string, Size>;

  /**
   * Removes one tree from the archive, with the trees nested in it, deepest first.
   *
   * Right before it acts it checks again that the tree is in this archive under this name with this id, is a tree of its own, is mounted
   * nowhere (nor anything in it), is not live, not blank and not pinned; otherwise it throws and has changed nothing. It never follows a link,
   * never crosses a mount and never touches anything that does not positively lie inside the tree. Read-only and immutable flags
   * are cleared only after a removal was refused for them, and only inside the tree.
   *
   * A failure half-way leaves the tree listed under its name, so that the next run finds and finishes it, or out of the archive with
   * the rest of the deletion left to `sweep`.
   * Returns when the tree is out of the archive; space may come back later.
   */
  remove(tree: ArchivedTree): Promise<RemoveReport>;

  /** Finishes removals that a killed run left half done, where such a tree is no longer listed. The lock must be held. */
  sweep(): Promise<void>;

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
