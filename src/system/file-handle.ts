/**
 * The file handle of a directory, in which a filesystem says what an inode is known by. Node has no name_to_handle_at(2), but the kernel shows the handle of
 * what is watched by inotify(7) in proc_pid_fdinfo(5), and `fs.watch` is that. To watch a directory changes nothing in it.
 */
import { readFileSync, readdirSync, readlinkSync, watch, type FSWatcher } from 'node:fs';
import { toBytes } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import type { HeldDirectory } from './beneath.ts';

export interface FileHandle {
  /** Of the filesystem that made it, as are the bytes. */
  readonly type: number;
  readonly bytes: Buffer;
  /** Of the superblock, as the kernel prints it: `fe00010`. */
  readonly device: string;
}

interface Watch {
  /** Grows with every watch. */
  readonly number: number;
  /** Null if the kernel does not show it. */
  readonly handle: FileHandle | null;
}

/** How many are watched at a time: each takes a little of the kernel's memory, and a user may have 8192 of them at least. */
const AT_ONCE = 256;

/**
 * One for each, in this order. Each is given once, and nobody else in this process watches it.
 * Errors: `unsupported` if the kernel shows no handles; `failed` if nothing can be watched.
 */
export function handlesOf(directories: readonly HeldDirectory[]): FileHandle[] {
  const handles: FileHandle[] = [];
  for (let at = 0; at < directories.length; at += AT_ONCE) handles.push(...handlesOfSome(directories.slice(at, at + AT_ONCE)));
  return handles;
}

function handlesOfSome(directories: readonly HeldDirectory[]): FileHandle[] {
  const before = new Set(watchLines());
  const watchers: FSWatcher[] = [];
  try {
    for (const directory of directories) watchers.push(startWatching(directory));
    const watches = watchLines()
      .filter((line) => !before.has(line))
      .map(parseWatch)
      .sort((a, b) => a.number - b.number);
    // One that is watched already gets no number of its own.
    if (watches.length !== directories.length)
      throw new RootsError('failed', 'it cannot be told which subvolume a directory is: it is watched already');
    return watches.map(({ handle }) => handle ?? notShown());
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}

function startWatching({ path }: HeldDirectory): FSWatcher {
  try {
    // What happens there is of no interest, and does not keep us alive.
    return watch(toBytes(path), { persistent: false }).on('error', () => undefined);
  } catch (error) {
    const isLimit = ['ENOSPC', 'EMFILE', 'ENFILE'].includes(errnoOf(error) ?? '');
    throw new RootsError('failed', `it cannot be told which subvolume a directory is: ${messageOf(error)}`, {
      hint: isLimit ? 'raise fs.inotify.max_user_watches or fs.inotify.max_user_instances, see inotify(7)' : 'is /proc mounted?',
      cause: error,
    });
  }
}

function notShown(): never {
  throw new RootsError('unsupported', 'this kernel does not tell which subvolume a directory is', {
    hint: 'it must be built with CONFIG_EXPORTFS and CONFIG_INOTIFY_USER, as those of distributions are',
  });
}

/** Those of all inotify instances of this process. */
function watchLines(): string[] {
  return readdirSync('/proc/self/fd')
    .filter((fd) => linkOf(fd) === 'anon_inode:inotify')
    .flatMap((fd) => readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1').split('\n'))
    .filter((line) => line.startsWith('inotify '));
}

function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The one that this very listing took.
    return undefined;
  }
}

/**
 * A line of proc_pid_fdinfo(5), all numbers of it hexadecimal: `inotify wd:2 ino:1002 sdev:fe00010 mask:fc6 ignored_mask:0 fhandle-bytes:10
 * fhandle-type:b1 f_handle:02100000000000000200000000000000`. Without CONFIG_EXPORTFS the last three are missing. Errors: `failed` if it is not understood.
 */
export function parseWatch(line: string): Watch {
  const [, wd, device] = /^inotify wd:([0-9a-f]{1,8}) ino:[0-9a-f]+ sdev:([0-9a-f]+) /.exec(line) ?? [];
  if (wd === undefined || device === undefined) throw notUnderstood('what the kernel shows of a watch', line);
  const number = Number.parseInt(wd, 16);
  if (!line.includes('handle')) return { number, handle: null };
  const [, length, type, bytes] =
    / fhandle-bytes:([0-9a-f]{1,8}) fhandle-type:([0-9a-f]{1,8}) f_handle:((?:[0-9a-f]{2})+)$/.exec(line) ?? [];
  if (length === undefined || type === undefined || bytes?.length !== 2 * Number.parseInt(length, 16))
    throw notUnderstood('the file handle that the kernel shows', line);
  return { number, handle: { type: Number.parseInt(type, 16), bytes: Buffer.from(bytes, 'hex'), device } };
}

function notUnderstood(what: string, line: string): RootsError {
  return new RootsError('failed', `${what} is not understood: ${JSON.stringify(line)}`);
}
