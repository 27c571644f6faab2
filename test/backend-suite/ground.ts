/**
 * What the suite needs of a filesystem: things done to an archive as its user does them, with the filesystem's own tools. Paths are names: the
 * archive of a scene is `<base>/scene-N/old_roots`, an old root `<archive>/NAME`, a tree nested in it `<archive>/NAME/srv`. Where old roots
 * are datasets, these stand for datasets, and what is in them can be reached by `within` only.
 */
import type { BytePath } from '../../src/byte-path.ts';
import type { Capabilities, Location, Space } from '../../src/backend/backend.ts';

/** What is known of a filesystem before there is one: it says which clauses apply. */
export interface Applicability {
  readonly capabilities: Capabilities;
  /** What an archive is: a directory, in which there may be anything, or a dataset, in which there are datasets only. */
  readonly archive: 'directory' | 'dataset';
  /** What a name may be: any bytes but NUL and slash, or what ZFS takes (letters, digits, `-`, `_`, `.`, `:` and space). */
  readonly names: 'bytes' | 'zfs';
  /** Whether chattr(1) can set flags there. */
  readonly flags: boolean;
  /** How a tree comes to be read-only: by a property that can be set and cleared; only as a snapshot, which holds no trees and whose flags stay; not at all. */
  readonly readOnly: 'property' | 'snapshot' | 'none';
  /** Whether there is a way to have the filesystem refuse to remove a tree (`Ground.keep`). */
  readonly keeps: boolean;
  /** Whether `settle` is told of what was removed and is still held open; if not, why not. */
  readonly heldOpen: true | string;
  /** What is removed where the way to the archive is in the hands of others than root: what can be by its number, or nothing; or why that is of no matter. */
  readonly untrustedWay: 'by number' | 'nothing' | { readonly noMatter: string };
  /** Whether the folder of the state must be a subvolume, since boot snippets delete those beside a plain directory. */
  readonly stateIsSubvolume: boolean;
  /** Whether nobody else writes to the filesystem. */
  readonly alone: boolean;
}

/** Where things of a scene are. */
export interface Places {
  readonly live: string;
  readonly blank: string;
  readonly archive: string;
}

/** Makes something at a path that is free. */
export type Plant = readonly [what: string, plant: (path: BytePath) => void];

export interface Beyond {
  /** Trees that are nested in it, as paths inside it. */
  readonly nested: readonly BytePath[];
  /** Identities, properties, snapshots, of those too: one line each, in an order that stays. */
  readonly traits: readonly string[];
  /** Of the tree itself, as lsattr(1) shows them; empty where they stop nothing. */
  readonly flags: string;
}

export interface Ground {
  readonly name: string;
  /** A directory below which the scenes are; a real one, for links, files and mount points beside the trees. */
  readonly base: string;

  makeArchive(path: BytePath): void;
  /** An independent, empty tree: `<archive>/NAME`, in another tree, or beside the archive. `<archive>/@NAME`, where names have an `@`: a snapshot of the live root. */
  makeTree(path: BytePath): void;
  /** As `readOnly` says that it can; its id may be another then. */
  makeReadOnly(path: BytePath): void;
  /** Of a tree, the archive, or something else; also from the archive to beside it and back. Nothing is at `to`. */
  renameTree(from: BytePath, to: BytePath): void;
  /** The same, with all that is in it. */
  removeTree(path: BytePath): void;
  /** Whether anything has this name. */
  exists(path: BytePath): boolean;
  /** All that is in the archive but the backend's own state, sorted; with the `@NAME`s, where there are such. */
  names(archive: BytePath): readonly BytePath[];

  /**
   * While `use` runs, the files of the tree can be read, and written unless it is read-only, at `at`; of what has no files, an empty directory.
   * Leaves it as mounted as it was.
   */
  within<T>(path: BytePath, use: (at: BytePath) => T): T;
  /** What of trees does not show there, but for their names and their pins; for each, in this order. None is in another. */
  beyond(paths: readonly BytePath[]): readonly Beyond[];
  /** A command that mounts just this tree at a directory, in the mount namespace that it is started in. */
  mountCommand(path: BytePath, at: string): readonly [program: string, ...args: string[]];

  /** What else can be in an archive and is no tree. */
  readonly others: readonly Plant[];
  /** Ways to make the pin of a tree, which has one, such that it cannot be understood. What `damage` returns mends it: there is no pin then. */
  damagedPins(tree: BytePath): readonly { readonly what: string; damage(): () => void }[];
  /** Makes the filesystem itself refuse to remove the tree, until what it returns is called. Null: nothing does. */
  readonly keep: ((path: BytePath) => () => void) | null;
  /** Holds the tree, such that `heldBy` is `[tag]`, until what it returns is called. Null: there are no holds. */
  readonly hold: ((path: BytePath, tag: string) => () => void) | null;

  /** What the filesystem's own tools say. */
  space(archive: BytePath): Space;
  /** How many bytes a name in the archive may have. */
  longestName(archive: BytePath): number;
  location(places: Places): Location;
  /** After this, listing needs no more programs for trees that are new, and sizes are known. */
  commit(): void;

  /** How many moments are tried at most where each takes a process; all of them if it is not said. */
  readonly moments?: number;
  /** How many trees stand for many where each takes seconds; as many as go at once if it is not said. */
  readonly many?: number;
  /** Takes down what a scene has left; nothing of it is mounted any more. */
  endScene?(base: string): void;
  close(): void;
}
