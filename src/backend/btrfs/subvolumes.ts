/**
 * Which subvolume is where: ids, UUIDs and creation times, asked of btrfs-progs in a number of calls that does not grow.
 */
import { lstatSync } from 'node:fs';
import { fromBytes, isWithin, joinPath, printable, printableText, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Run } from '../../system/run.ts';
import {
  parseAncestry,
  parseDeleted,
  parseFilesystemIds,
  parseRootItems,
  parseSubvolumeIds,
  parseSubvolumeList,
  parseSubvolumeShow,
  type Subvolume,
} from './parse.ts';

/** BTRFS_SUPER_MAGIC, statfs(2). */
export const BTRFS_MAGIC = 0x9123683e;

export interface Identity {
  readonly id: number;
  readonly uuid: string;
  readonly createdAt: Date;
  /** As of the last commit of the filesystem, where it comes from there. */
  readonly readOnly: boolean;
}

/** On btrfs the root of a subvolume has inode 256, and what a snapshot shows in place of a nested one has inode 2. */
export function isSubvolume(path: BytePath): boolean {
  const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.ino === 256;
}

/**
 * The identities of the subvolumes at `paths` (relative to the top level), by path. Those that vanish meanwhile, or cannot be told, are missing.
 * Two programs for all; one more for each that was made since the last commit, or whose name made the lists ambiguous.
 */
export async function identify(
  top: PrivateMount,
  location: { readonly device: string; readonly archive: BytePath },
  paths: readonly BytePath[],
): Promise<Map<BytePath, Identity>> {
  if (paths.length === 0) return new Map();
  const [list, dump] = await Promise.all([
    btrfs(top, ['subvolume', 'list', '-o', '-p', '-u', { path: joinPath(top.pathInside, location.archive) }]),
    top.runInside('btrfs', ['inspect-internal', 'dump-tree', '-t', 'root', location.device]),
  ]);
  const listed = new Map(parseSubvolumeList(list).map((each) => [each.path, each]));
  // A commit while it reads can make dump-tree fail. Then each is asked for by itself.
  const items = new Map((dump.status === 0 ? parseRootItems(dump.stdout) : []).map((each) => [each.id, each]));
  const found = new Map<BytePath, Identity>();
  for (const path of paths) {
    const known = listed.get(path);
    const item = known === undefined ? undefined : items.get(known.id);
    const identity = item !== undefined && item.uuid === known?.uuid ? item : await identifyIfThere(top, path);
    if (identity !== undefined) found.set(path, identity);
  }
  return found;
}

/** One whose name imitates what `btrfs subvolume show` prints must not hide the others. */
async function identifyIfThere(top: PrivateMount, path: BytePath): Promise<Identity | undefined> {
  try {
    return await identifyOne(top, path);
  } catch (error) {
    if (!isSubvolume(joinPath(top.path, path)) || (error instanceof RootsError && error.kind === 'failed')) return undefined;
    throw error;
  }
}

/** One subvolume, asked of the kernel now. */
export async function identifyOne(top: PrivateMount, path: BytePath): Promise<Identity> {
  return parseSubvolumeShow(await btrfs(top, ['subvolume', 'show', { path: joinPath(top.pathInside, path) }]));
}

interface Outer {
  readonly id: number;
  /** Relative to the top level. */
  readonly path: BytePath;
}

export interface NestedSubvolume {
  readonly id: number;
  /** Relative to the top level, as is the path of the subvolume that directly contains it (null: the old root's own). */
  readonly path: BytePath;
  readonly around: BytePath | null;
}

/**
 * The subvolumes inside another, deepest first. Parents are compared by number, and the path of each is then asked for by its id: what does
 * not positively lie inside is not taken for nested. (Its name may imitate the list; if it really is nested, the kernel refuses to remove the outer one.)
 */
export async function nestedIn(top: PrivateMount, outer: Outer): Promise<NestedSubvolume[]> {
  return nestedAmong(top, parseSubvolumeIds(await list(top)), outer);
}

/** `all`: those of the filesystem. */
async function nestedAmong(
  top: PrivateMount,
  all: readonly Pick<Subvolume, 'id' | 'parentId'>[],
  outer: Outer,
): Promise<NestedSubvolume[]> {
  const inside = new Map<number, NestedSubvolume>();
  let parents = new Map([[outer.id, outer.path]]);
  while (parents.size > 0) {
    const children = new Map<number, BytePath>();
    for (const { id, parentId } of all) {
      const around = parents.get(parentId);
      if (around === undefined || inside.has(id)) continue;
      const path = await pathOfId(top, id);
      if (path === null || path === outer.path || !isWithin(path, outer.path) || !isSubvolume(joinPath(top.path, path))) continue;
      children.set(id, path);
      inside.set(id, { id, path, around });
    }
    parents = children;
  }
  return [...inside.values()].reverse();
}

/** All subvolumes of a filesystem, as they are now. */
export interface Census {
  /** Of what is at this path. Errors: `failed` if it is no subvolume. */
  of(path: BytePath): Promise<Pick<Identity, 'id' | 'uuid' | 'readOnly'>>;
  /** By UUID, that of what it is a snapshot of, which may be gone. */
  readonly parents: ReadonlyMap<string, string>;
  /** As `nestedIn`. */
  nestedIn(outer: Outer): Promise<NestedSubvolume[]>;
}

/** Two programs, whatever is then asked; one more for what has a name that makes the list ambiguous. */
export async function takeCensus(top: PrivateMount): Promise<Census> {
  const [all, unwritable] = await Promise.all([list(top), list(top, '-r')]);
  const byPath = new Map(parseSubvolumeList(all).map((each) => [each.path, each]));
  const readOnly = new Set(parseSubvolumeList(unwritable).map(({ id }) => id));
  return {
    of: async (path) => {
      const listed = byPath.get(path);
      return listed === undefined ? identifyOne(top, path) : { ...listed, readOnly: readOnly.has(listed.id) };
    },
    parents: parseAncestry(all),
    nestedIn: (outer) => nestedAmong(top, parseSubvolumeIds(all), outer),
  };
}

async function list(top: PrivateMount, ...options: readonly string[]): Promise<Buffer> {
  return btrfs(top, ['subvolume', 'list', '-p', '-q', '-u', ...options, { path: top.pathInside }]);
}

/** The subvolumes that are at these paths (as this process reads them) of one filesystem now, by path: one program for all. */
export async function idsAt(run: Run, top: PrivateMount, paths: readonly BytePath[]): Promise<Map<BytePath, number>> {
  if (paths.length === 0) return new Map();
  const all = [top.path, ...paths].map((path) => ({ path }));
  // A path that is not there is an error on standard error and the others are told all the same.
  const { stdout } = await run('stat', ['--file-system', '--printf', '%i\\0%n\\0', '--', ...all]);
  return parseFilesystemIds(stdout);
}

/** Whether the space of everything that was removed has come back, by whom ever it was. What somebody still has open never does. */
export async function isClean(top: PrivateMount): Promise<boolean> {
  return parseDeleted(await btrfs(top, ['subvolume', 'list', '-d', { path: top.pathInside }])).size === 0;
}

/** Errors: `failed` unless the subvolume of this id is at this path of this filesystem, now. */
export async function requireAt(top: PrivateMount, { id, path }: { readonly id: number; readonly path: BytePath }): Promise<void> {
  if ((await pathOfId(top, id)) !== path)
    throw new RootsError('failed', `${printable(path)} is not removed: the subvolume ${String(id)} is not there`);
}

/** One path for one call, so that a line break in it does no harm. Null if there is no such id. */
async function pathOfId(top: PrivateMount, id: number): Promise<BytePath | null> {
  const result = await top.runInside('btrfs', ['inspect-internal', 'subvolid-resolve', String(id), { path: top.pathInside }]);
  return result.status === 0 ? (fromBytes(result.stdout).replace(/\n$/, '') as BytePath) : null;
}

async function btrfs(top: PrivateMount, args: Parameters<PrivateMount['runInside']>[1]): Promise<Buffer> {
  const result = await top.runInside('btrfs', args);
  if (result.status === 0) return result.stdout;
  const kind = /Operation not permitted|Permission denied/.test(result.stderr) ? 'not-permitted' : 'failed';
  throw new RootsError(
    kind,
    `\`btrfs ${args.filter((each) => typeof each === 'string').join(' ')}\` failed: ${printableText(result.stderr)}`,
  );
}
