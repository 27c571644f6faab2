/**
 * Copying something to a new place so that it appears there whole or not at all, with all that it is made of.
 *
 * The copy is made in a staging directory beside the destination that only we can enter, and is then renamed out of it. Whoever owns the
 * destination can move the staging directory about, but not get into it, and all names are resolved from directories that are held
 * open; so nothing that they do can make the copy land elsewhere.
 */
import { randomBytes } from 'node:crypto';
import {
  constants,
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { fromText, joinPath, printable, printableText, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import { FILESYSTEM, holdRealDirectory, placeBeneath, type HeldDirectory, type Place } from './beneath.ts';
import { copyTree, type CopyReport } from './copy-tree.ts';
import { isUnchanged, readEntry, type Entry } from './entry.ts';
import { markOf, type LinkSource } from './linked-copies.ts';
import type { Run } from './run.ts';

export interface CopyOptions {
  /** Put in place of what is there (never of a directory). Without it, whatever is there stays and the copy fails. */
  readonly replace: boolean;
  /** With `replace`: what was there when that was decided. If it is not that any more when the copy is ready, it stays. */
  readonly expected?: Entry;
  /** With `replace`: the name beside it that what was there gets. */
  readonly backup?: BytePath;
  /** What is there is the same file, by another name: this one becomes a name of it too, where that can be. */
  readonly link?: LinkSource;
  readonly signal: AbortSignal;
}

export interface PlacedCopy extends CopyReport {
  /** What it is known by (linked-copies.ts); undefined if it is no file. */
  readonly mark: string | undefined;
}

const NOTHING_LOST: CopyReport = { lost: [], missing: [] };

const STAGING = /^\.roots-restore-(\d+)-[0-9a-f]{12}$/;
const COPY = fromText('copy');

/**
 * Copies the file, link, special file or whole directory at `from` to `to`. A kill at any moment leaves at `to` what was there or all of
 * the copy, and perhaps a staging directory, which `sweepStaging` removes. Errors: `failed` (the name is taken, no space, …), `interrupted`.
 */
export async function copyInto(run: Run, from: Place, to: Place, options: CopyOptions): Promise<PlacedCopy> {
  const staging = makeStaging(to.directory);
  try {
    const copy = joinPath(staging.held.path, COPY);
    const isLinked = options.link !== undefined && linkTo(options.link, copy);
    const report = isLinked ? NOTHING_LOST : await copyTree(run, from.path, copy, options.signal);
    await flush(run, copy);
    // In here nobody else can put anything in its place.
    const mark = markOf(copy);
    putInPlace(copy, to, options);
    flushDirectory(to.directory);
    return { ...report, mark };
  } finally {
    await removeStaging(run, to.directory, staging);
  }
}

/**
 * Removes the staging directories in `directory` that runs of ours left behind when they were killed. Whoever owns `directory` can call others so: what is none of ours stays.
 */
export async function sweepStaging(run: Run, directory: HeldDirectory): Promise<void> {
  for (const name of namesIn(directory).filter(isAbandoned)) {
    const held = holdRealDirectory(joinPath(directory.path, name));
    if (held === null) continue;
    try {
      if (isStaging(held)) await run('rm', ['-rf', '--one-file-system', '--', { path: joinPath(held.path, COPY) }]);
      else continue;
    } finally {
      held.close();
    }
    removeIfEmpty(joinPath(directory.path, name));
  }
}

function isStaging({ fd, path }: HeldDirectory): boolean {
  const { uid, mode } = fstatSync(fd);
  return (
    uid === process.geteuid?.() &&
    (mode & 0o777) === 0o700 &&
    readdirSync(toBytes(path), { encoding: 'latin1' }).every((name) => name === COPY)
  );
}

function namesIn(directory: HeldDirectory): BytePath[] {
  try {
    return readdirSync(toBytes(directory.path), { encoding: 'latin1' }) as BytePath[];
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return [];
    throw error;
  }
}

function isAbandoned(name: BytePath): boolean {
  const pid = STAGING.exec(name)?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}

interface Staging {
  readonly name: BytePath;
  readonly held: HeldDirectory;
}

function makeStaging(directory: HeldDirectory): Staging {
  // Nobody can take the name before us that nobody can foresee.
  const name = fromText(`.roots-restore-${String(process.pid)}-${randomBytes(6).toString('hex')}`);
  const path = toBytes(joinPath(directory.path, name));
  mkdirSync(path, { mode: 0o700 });
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const stats = fstatSync(fd);
  // Between the two calls somebody who owns the directory could have put another one there.
  if (stats.uid !== process.geteuid?.() || readdirSync(path).length > 0) {
    closeSync(fd);
    throw new RootsError('failed', 'the staging directory was exchanged by somebody else; nothing was restored');
  }
  // A default ACL or the set-group-ID bit of the directory around it could have opened it to others.
  fchmodSync(fd, 0o700);
  return {
    name,
    held: {
      fd,
      path: fromText(`/proc/${String(process.pid)}/fd/${String(fd)}`),
      close: () => {
        closeSync(fd);
      },
    },
  };
}

async function removeStaging(run: Run, directory: HeldDirectory, staging: Staging): Promise<void> {
  const left = readdirSync(toBytes(staging.held.path), { encoding: 'latin1' }) as BytePath[];
  for (const name of left) await run('rm', ['-rf', '--one-file-system', '--', { path: joinPath(staging.held.path, name) }]);
  staging.held.close();
  removeIfEmpty(joinPath(directory.path, staging.name));
}

function removeIfEmpty(path: BytePath): void {
  try {
    rmdirSync(toBytes(path));
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** False, and nothing is made, on another filesystem, or if it is no longer what it was. */
function linkTo(source: LinkSource, copy: BytePath): boolean {
  try {
    const place = placeBeneath(FILESYSTEM, source.path, { links: 'trusted' });
    try {
      linkSync(toBytes(place.path), toBytes(copy));
    } finally {
      place.directory.close();
    }
  } catch {
    return false;
  }
  if (markOf(copy) === source.mark) return true;
  unlinkSync(toBytes(copy));
  return false;
}

/** On disk before it gets its name. */
async function flush(run: Run, path: BytePath): Promise<void> {
  const stats = lstatSync(toBytes(path));
  if (stats.isFile()) {
    const fd = openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } else if (stats.isDirectory()) {
    const result = await run('sync', ['-f', '--', { path }]);
    if (result.status !== 0) throw new RootsError('failed', `the copy cannot be written to disk: ${printableText(result.stderr)}`);
  }
}

/** So that the new name is on disk too. A directory that may be written to need not be readable, and then this cannot be asked for. */
function flushDirectory(directory: HeldDirectory): void {
  let fd: number;
  try {
    fd = openSync(toBytes(directory.path), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return;
    throw error;
  }
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function putInPlace(copy: BytePath, to: Place, options: CopyOptions): void {
  try {
    if (options.replace) {
      // rename(2) itself puts a directory in place of an empty one.
      if (lstatSync(toBytes(to.path), { throwIfNoEntry: false })?.isDirectory() === true)
        throw new RootsError('failed', `${printable(to.name)} is a directory; it is left as it is`);
      // Copying can take long, and somebody may have worked on it meanwhile.
      const now = readEntry(to.path);
      if (options.expected !== undefined && (now === null || !isUnchanged(options.expected, now)))
        throw new RootsError('failed', 'what is there has changed meanwhile; it is left as it is');
      if (options.backup !== undefined) linkSync(toBytes(to.path), toBytes(joinPath(to.directory.path, options.backup)));
      renameSync(toBytes(copy), toBytes(to.path));
    } else {
      renameToNewName(copy, to.path);
    }
  } catch (error) {
    throw error instanceof RootsError ? error : new RootsError('failed', describeRefusal(to.name, error), { cause: error });
  }
}

/** Node has no renameat2(2). A hard link cannot take a name that is there; a directory cannot be renamed onto anything but an empty one. */
function renameToNewName(copy: BytePath, to: BytePath): void {
  if (lstatSync(toBytes(to), { throwIfNoEntry: false }) !== undefined) throw Object.assign(new Error('it exists'), { code: 'EEXIST' });
  if (lstatSync(toBytes(copy)).isDirectory()) {
    renameSync(toBytes(copy), toBytes(to));
    return;
  }
  try {
    linkSync(toBytes(copy), toBytes(to));
    unlinkSync(toBytes(copy));
  } catch (error) {
    // vfat and some network filesystems have no hard links. The name was free a moment ago.
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'ENOTSUP' && errnoOf(error) !== 'ENOSYS') throw error;
    renameSync(toBytes(copy), toBytes(to));
  }
}

function describeRefusal(name: BytePath, error: unknown): string {
  switch (errnoOf(error)) {
    case 'EEXIST':
    case 'ENOTEMPTY':
      return `${printable(name)} appeared meanwhile; it is left as it is`;
    case 'EBUSY':
      return `${printable(name)} is a mount point`;
    default:
      return messageOf(error);
  }
}
