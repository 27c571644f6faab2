/**
 * What is in an archive, understood: which trees are old roots and when they were archived, and what is left alone because it is not understood.
 */
import { isUtf8, printable, toText, type BytePath } from '../byte-path.ts';
import type { ArchivedTree, Listing, TrashedTree } from './backend.ts';
import { parseName } from './name.ts';

export interface OldRoot extends ArchivedTree {
  readonly archivedAt: Date;
  readonly archivedAtSource: 'name' | 'metadata' | 'creation';
  /** When its boot began. Null if the filesystem does not say, or says a time that cannot be that (a copy, a restored backup). */
  readonly bootedAt: Date | null;
  /** For people. */
  readonly warnings: readonly string[];
}

/** One that was removed and can still be had back. */
export interface TrashedRoot extends TrashedTree {
  readonly archivedAt: Date;
}

/** Something in the archive that is never removed. */
export interface Unrecognised {
  readonly name: BytePath;
  readonly why: string;
  /** Set if it can be read from all the same. */
  readonly tree: ArchivedTree | null;
}

export interface Archive {
  /** Newest first. */
  readonly roots: readonly OldRoot[];
  /** Those last removed first. */
  readonly trash: readonly TrashedRoot[];
  /** By name. */
  readonly unrecognised: readonly Unrecognised[];
  readonly warnings: readonly string[];
}

export interface Reading {
  /** How to read names that carry no zone. */
  readonly nameZone: string;
  /** Whether a tree of such a name is a rolling slot, whose time is when the filesystem says that it was made. */
  readonly isSlot: (name: string, tree: ArchivedTree) => boolean;
}

export function understand(listing: Listing, reading: Reading): Archive {
  const understood = listing.trees.map((tree) => ({ tree, named: timeOf(tree, reading) }));
  const roots = understood
    .flatMap(({ tree, named }) => (named === null ? [] : [{ root: oldRoot(tree, named), copy: named.copy }]))
    .sort((a, b) => b.root.archivedAt.getTime() - a.root.archivedAt.getTime() || b.copy - a.copy || (a.root.name < b.root.name ? 1 : -1))
    .map(({ root }) => root);
  const unnamed = understood.flatMap(({ tree, named }) =>
    named === null ? [{ name: tree.name, why: 'its name is not understood as a time', tree }] : [],
  );
  const inTrash = listing.trashed.map((tree) => ({ tree, named: timeOf(tree, reading) }));
  const trash = inTrash
    .flatMap(({ tree, named }) => (named === null ? [] : [{ ...tree, archivedAt: named.time }]))
    .sort((a, b) => b.trashedAt.getTime() - a.trashedAt.getTime() || (a.name < b.name ? 1 : -1));
  const oddTrash = inTrash.flatMap(({ tree, named }) =>
    named === null ? [{ name: tree.name, why: 'in the trash, and its name is not understood as a time', tree }] : [],
  );
  const others = listing.others.map((other) => ({ ...other, tree: null }));
  return {
    roots,
    trash,
    unrecognised: [...unnamed, ...oddTrash, ...others].sort((a, b) => (a.name < b.name ? -1 : 1)),
    warnings: listing.warnings,
  };
}

interface Named {
  readonly time: Date;
  readonly source: OldRoot['archivedAtSource'];
  /** The n of a trailing `_n`. */
  readonly copy: number;
}

function timeOf(tree: ArchivedTree, { nameZone, isSlot }: Reading): Named | null {
  if (!isUtf8(tree.timeName)) return null;
  const text = toText(tree.timeName);
  const named = parseName(text, nameZone);
  if (named !== null) return { ...named, source: 'name' };
  // A snapshot is made when it is taken; of what can be written to, that says nothing.
  return isSlot(text, tree) && tree.readOnly && tree.createdAt !== null ? { time: tree.createdAt, source: 'creation', copy: 0 } : null;
}

/**
 * No system of this kind is older. A machine whose clock has no battery boots in 1970, and the newest root of all would be the first to go.
 */
const PLAUSIBLE = new Date('2015-01-01T00:00:00Z');

export function hasPlausibleTime({ archivedAt }: Pick<OldRoot, 'archivedAt'>): boolean {
  return archivedAt >= PLAUSIBLE;
}

function oldRoot(tree: ArchivedTree, { time: archivedAt, source }: Named): OldRoot {
  const knowsBoot = source !== 'creation' && !tree.isSnapshot && tree.createdAt !== null && couldHaveBegun(tree.createdAt, archivedAt);
  return {
    ...tree,
    archivedAt,
    archivedAtSource: source,
    bootedAt: knowsBoot ? tree.createdAt : null,
    warnings:
      tree.holdsRoot === null
        ? []
        : [
            `another old root was moved into it, at \`${printable(tree.holdsRoot)}\` (two roots with one name); it is never removed as it is`,
          ],
  };
}

/** A root is made before it is archived (names have no fractions of a second). A later time is that of a copy and says nothing of a boot. */
function couldHaveBegun(createdAt: Date, archivedAt: Date): boolean {
  return Math.floor(createdAt.getTime() / 1000) <= Math.floor(archivedAt.getTime() / 1000);
}
