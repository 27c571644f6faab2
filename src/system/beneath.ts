/**
 * Finding a path beneath a directory, one component at a time, through directories that are held open. Nothing that is
 * swapped for a symbolic link on the way can lead elsewhere: Node has no openat(2), but `/proc/self/fd/N/name` is resolved by
 * the kernel from the open directory itself, and each step is opened with O_NOFOLLOW.
 *
 * This is the one way in which paths inside old roots are read and paths on the live system are written to.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { fromBytes, fromText, joinPath, printable, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf } from '../errors.ts';

/** A directory that is held open, to find what is in it; for reading or flushing it, open its `path`. */
export interface HeldDirectory {
  /** Stands for the directory in this process and, since the process is named, in those it starts. Good until `close`. */
  readonly path: BytePath;
  readonly fd: number;
  close(): void;
}

/** A name in a directory that is held open; whether there is anything of that name is another question. */
export interface Place {
  readonly directory: HeldDirectory;
  readonly name: BytePath;
  /** `directory.path` and `name`. */
  readonly path: BytePath;
}

export interface BeneathOptions {
  /**
   * Which symbolic links on the way are followed. `inside`: all, and they stay beneath the root, as after chroot(2).
   * `trusted`: those that only root or the user who runs this could have put there; any other is refused.
   */
  readonly links: 'inside' | 'trusted';
}

/** open(2); Node has no name for it. Who may pass through a directory need not be allowed to read it. */
const O_PATH = 0o10000000;

/** As the kernel: ELOOP after 40. */
const MOST_LINKS = 40;

/** Opens a directory by a path that is trusted as it is. Errors: `not-found`, `not-permitted`. */
export function holdDirectory(path: BytePath): HeldDirectory {
  try {
    return hold(path, 0);
  } catch (error) {
    throw asRootsError(error, path);
  }
}

/**
 * Opens the directory of this very name. Null if there is none: nothing at all, a link, or something else. Errors: as those of the kernel,
 * `EACCES` and the like.
 */
export function holdRealDirectory(path: BytePath): HeldDirectory | null {
  try {
    return hold(path, constants.O_NOFOLLOW);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

/**
 * Finds the directory that `path` would be in, and its last name. The last component is not followed if it is a link.
 * Errors: `not-found` if a component does not exist or is no directory; `not-permitted` for a link that is not trusted.
 */
export function placeBeneath(root: BytePath, path: BytePath, options: BeneathOptions): Place {
  const names = componentsOf(path);
  const name = names.pop();
  if (name === undefined || name === '..') throw new RootsError('usage', `${printable(path) || '/'} is no path of a file below the root`);
  const directory = descend(root, names, path, options);
  return { directory, name, path: joinPath(directory.path, name) };
}

/** Opens the directory `path` beneath `root`; its last component is followed by the same rules as the others. */
export function directoryBeneath(root: BytePath, path: BytePath, options: BeneathOptions): HeldDirectory {
  return descend(root, componentsOf(path), path, options);
}

/** What absolute paths of this system are beneath. */
export const FILESYSTEM = fromText('/');

/** Whether an absolute path leads to a directory, by links that can be trusted. Errors: `not-permitted` for one that cannot. */
export function isTrustedDirectory(path: BytePath): boolean {
  try {
    directoryBeneath(FILESYSTEM, path, { links: 'trusted' }).close();
    return true;
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'not-found') return false;
    throw error;
  }
}

function componentsOf(path: BytePath): BytePath[] {
  return path.split('/').filter((name) => name !== '' && name !== '.') as BytePath[];
}

function descend(root: BytePath, path: readonly BytePath[], whole: BytePath, options: BeneathOptions): HeldDirectory {
  const ahead = [...path];
  // From the root down to where we are: `..` goes back along it, and never above the root.
  const held = [holdDirectory(root)];
  let links = 0;
  try {
    for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
      const here = last(held);
      if (name === '..') {
        if (held.length > 1) held.pop()?.close();
        continue;
      }
      const next = joinPath(here.path, name);
      const stats = lstatSync(toBytes(next));
      if (!stats.isSymbolicLink()) {
        held.push(hold(next, constants.O_NOFOLLOW));
        continue;
      }
      links += 1;
      if (links > MOST_LINKS) throw new RootsError('failed', `${printable(whole)}: too many symbolic links`);
      if (options.links === 'trusted') refuseUntrusted(stats, fstatSync(here.fd), name, whole);
      const target = fromBytes(readlinkSync(toBytes(next), { encoding: 'buffer' }));
      if (target.startsWith('/')) for (const directory of held.splice(1)) directory.close();
      ahead.unshift(...componentsOf(target));
    }
  } catch (error) {
    for (const directory of held) directory.close();
    throw asRootsError(error, whole);
  }
  for (const directory of held.slice(0, -1)) directory.close();
  return last(held);
}

function last(held: readonly HeldDirectory[]): HeldDirectory {
  const directory = held.at(-1);
  if (directory === undefined) throw new TypeError('no directory is held');
  return directory;
}

/**
 * A link says where it leads only as surely as nobody else could have put it there: it must belong to root or to us, and so
 * must the directory it is in, which no one else may write to (or which is sticky: then nobody can move our links).
 */
function refuseUntrusted(link: Stats, directory: Stats, name: BytePath, whole: BytePath): void {
  const trusted = new Set([0, process.geteuid?.() ?? 0]);
  const closed = (directory.mode & 0o022) === 0 || (directory.mode & 0o1000) !== 0;
  if (trusted.has(link.uid) && trusted.has(directory.uid) && closed) return;
  throw new RootsError(
    'not-permitted',
    `${printable(whole)}: \`${printable(name)}\` is a symbolic link that another user could have put there`,
    {
      hint: 'name the real directory with --to',
    },
  );
}

function hold(path: BytePath, flags: number): HeldDirectory {
  const fd = openSync(toBytes(path), O_PATH | constants.O_DIRECTORY | flags);
  let open = true;
  return {
    fd,
    path: fromText(`/proc/${String(process.pid)}/fd/${String(fd)}`),
    close: () => {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

function asRootsError(error: unknown, path: BytePath): unknown {
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENAMETOOLONG':
      return new RootsError('not-found', `${printable(path)} does not exist`, { cause: error });
    case 'ENOTDIR':
    case 'ELOOP':
    // readlink(2), where a link has just been swapped for something else.
    case 'EINVAL':
      return new RootsError('not-found', `${printable(path)}: a part of it is no directory`, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return new RootsError('not-permitted', `${printable(path)} may not be read`, { hint: 'run as root (sudo)', cause: error });
    default:
      return error;
  }
}
