/**
 * Which subvolume is where. bcachefs shows the number of a subvolume by statx(2) and in file handles only: device and inode are the same in
 * a subvolume and in its snapshots (Linux 6.12).
 */
import { fstatSync, lstatSync, readdirSync, type Dirent } from 'node:fs';
import { endianness } from 'node:os';
import { baseName, fromText, joinPath, parentOf, toBytes, type BytePath } from '../../byte-path.ts';
import { errnoOf } from '../../errors.ts';
import { holdRealDirectory, type HeldDirectory } from '../../system/beneath.ts';
import { handlesOf } from '../../system/file-handle.ts';
import { agreed } from '../../system/names.ts';
import { Pace } from '../../system/pace.ts';
import type { Telling } from '../subvolume-archive.ts';
import { parseHandle, type Inode } from './parse.ts';

/** A directory, and the subvolume that it is in. */
export interface Identity extends Inode {
  /** Of the superblock. */
  readonly device: string;
  /** Nanoseconds. A snapshot has that of its source. */
  readonly bornNs: bigint;
  /** Nanoseconds: when a name in it was last made or removed. */
  readonly changedNs: bigint;
}

/** The same subvolume, if it was not removed and another made from the same source. */
export function isSameSubvolume(a: Identity, b: Identity): boolean {
  const same = a.subvolume === b.subvolume && a.inum === b.inum && a.generation === b.generation;
  return same && a.device === b.device && a.bornNs === b.bornNs;
}

/** The same, and as it was: nothing was made in its root or removed from there. A number can be used again, so this is asked where it can. */
export function isUnchangedSubvolume(a: Identity, b: Identity): boolean {
  return isSameSubvolume(a, b) && a.changedNs === b.changedNs;
}

const HERE = fromText('.');
/**
 * How many directories are opened in one go, and the pause after that, in milliseconds. All snapshots of a blank have the same inode number, by which alone
 * Linux 6.12 finds cached inodes; with more than 16 of one number each new one waits for a worker, and a processor has been seen to wait for ever (koverstreet/bcachefs 770).
 */
const AT_ONCE = 8;
const PAUSE = 5;

/** One for each path, in this order; null where there is no directory, or one of another kind of filesystem. A link is no directory. */
export function identify(paths: readonly BytePath[]): (Identity | null)[] {
  const identities = new Map<BytePath, Identity>();
  const all = [...new Set(paths)];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    if (at > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    const held = all.slice(at, at + AT_ONCE).flatMap((path) => {
      const directory = holdRealDirectory(path);
      return directory === null ? [] : [{ path, directory }];
    });
    try {
      const known = identitiesOf(held.map(({ directory }) => directory));
      for (const { path, directory } of held) {
        const identity = known.get(directory);
        if (identity !== undefined) identities.set(path, identity);
      }
    } finally {
      for (const { directory } of held) directory.close();
    }
  }
  return paths.map((path) => identities.get(path) ?? null);
}

export function identityOf(directory: HeldDirectory): Identity | null {
  return identitiesOf([directory]).get(directory) ?? null;
}

function identitiesOf(directories: readonly HeldDirectory[]): Map<HeldDirectory, Identity> {
  const identities = new Map<HeldDirectory, Identity>();
  for (const [at, handle] of handlesOf(directories).entries()) {
    const directory = directories[at];
    const inode = parseHandle(handle, endianness() === 'LE');
    if (directory === undefined || inode === null) continue;
    const { birthtimeNs, mtimeNs } = fstatSync(directory.fd, { bigint: true });
    identities.set(directory, { ...inode, device: handle.device, bornNs: birthtimeNs, changedNs: mtimeNs });
  }
  return identities;
}

/** It is the root of a subvolume, in a directory of another one of the same filesystem. */
function isRootIn(own: Identity | null, around: Identity | null): boolean {
  return own !== null && own.device === around?.device && own.subvolume !== around.subvolume;
}

export const TELLING: Telling = {
  isSubvolume: (path) => {
    const { own, around } = lookAt(path);
    return isRootIn(own, around);
  },
  whyNoTree: (path) => {
    const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
    if (stats === undefined) return 'it does not exist';
    if (stats.isSymbolicLink()) return 'a symbolic link, not a subvolume';
    if (!stats.isDirectory()) return 'a file, not a subvolume';
    const { own, around } = lookAt(path);
    if (own === null || own.device !== around?.device) return 'on another filesystem';
    return isRootIn(own, around) ? null : 'a plain directory, not a subvolume';
  },
};

/** A directory, and the one that it is in. */
function lookAt(path: BytePath): { readonly own: Identity | null; readonly around: Identity | null } {
  const [own = null, around = null] = identify([path, joinPath(parentOf(path), HERE)]);
  return { own, around };
}

export interface NestedSubvolume {
  /** Inside the outer one. */
  readonly path: BytePath;
  readonly identity: Identity;
}

/**
 * The subvolumes inside another, deepest first. Every directory is looked at: nothing else tells of them. What was put in the place of a directory on the way
 * meanwhile is not noticed here, so each must be found again before anything is done to it.
 */
export async function nestedIn(outer: HeldDirectory): Promise<NestedSubvolume[]> {
  const own = identityOf(outer);
  if (own === null) return [];
  const pace = new Pace();
  const nested: NestedSubvolume[] = [];
  const ahead: NestedSubvolume[] = [{ path: fromText(''), identity: own }];
  // It grows meanwhile.
  for (const { path, identity } of ahead) {
    const children = directoriesIn(joinPath(outer.path, path, HERE)).map((name) => joinPath(path, name));
    for (const [at, child] of identify(children.map((each) => joinPath(outer.path, each))).entries()) {
      const childPath = children[at];
      if (childPath === undefined || child?.device !== identity.device) continue;
      ahead.push({ path: childPath, identity: child });
      if (isRootIn(child, identity)) nested.push({ path: childPath, identity: child });
    }
    await pace.breathe();
  }
  return nested.reverse();
}

function directoriesIn(path: BytePath): BytePath[] {
  try {
    const read = (): Dirent[] => readdirSync(toBytes(path), { encoding: 'latin1', withFileTypes: true });
    const entries = agreed(read, ({ name }) => name);
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name as BytePath);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

/** The directory at a path inside another, by real directories only. Null if there is none. */
function holdInside(outer: HeldDirectory, path: BytePath): HeldDirectory | null {
  let held = holdRealDirectory(joinPath(outer.path, HERE));
  for (const name of path.split('/').filter((each) => each !== '') as BytePath[]) {
    const next = held === null ? null : holdRealDirectory(joinPath(held.path, name));
    held?.close();
    held = next;
  }
  return held;
}

/** The root of the subvolume at a path inside another, and the directory that it is in. Null unless it is the one that is meant. */
export function holdNested(
  outer: HeldDirectory,
  { path, identity }: NestedSubvolume,
): { readonly own: HeldDirectory; readonly around: HeldDirectory; readonly name: BytePath } | null {
  const name = baseName(path);
  const around = holdInside(outer, parentOf(path));
  if (around === null) return null;
  const own = holdRealDirectory(joinPath(around.path, name));
  const now = own === null ? null : identityOf(own);
  if (own !== null && now !== null && isSameSubvolume(now, identity)) return { own, around, name };
  own?.close();
  around.close();
  return null;
}
