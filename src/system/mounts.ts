/**
 * Mount tables: of this process, and of every mount namespace. btrfs and bcachefs delete a subvolume that is mounted
 * (measured on Linux 6.12 and 6.18), and a container's mounts are not in our own table, so all of them count.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fromBytes, isWithin, joinPath, toText, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf } from '../errors.ts';
import type { Run } from './run.ts';

/** One line of proc_pid_mountinfo(5), with its octal escapes undone. */
export interface Mount {
  /** `major:minor` of the superblock: the same for all mounts of one btrfs, and not what stat(2) shows there. */
  readonly device: string;
  /** The path within the filesystem that is mounted; on btrfs it starts with the subvolume's path and follows renames. */
  readonly root: BytePath;
  readonly mountPoint: BytePath;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: BytePath;
}

export interface AllMounts {
  readonly mounts: readonly Mount[];
  /** False if a namespace could not be read: only for an unprivileged user, who cannot look into others' processes. */
  readonly complete: boolean;
}

/** Errors: `failed` if a line is not understood; a mount that is overlooked could be one that is in use. */
export function parseMountTable(table: BytePath): Mount[] {
  return table
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

function parseLine(line: string): Mount {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  const [, , device, root, mountPoint, options] = fields;
  const [type, source] = separator === -1 ? [] : fields.slice(separator + 1);
  if (device === undefined || root === undefined || mountPoint === undefined || options === undefined || type === undefined || source === undefined) {
    throw new RootsError('failed', `a line of the mount table is not understood: ${JSON.stringify(line)}`);
  }
  return { device, root: unescape(root), mountPoint: unescape(mountPoint), options: options.split(','), type, source: unescape(source) };
}

function unescape(field: string): BytePath {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as BytePath;
}

/** The mounts that this process sees, in the order in which they were made. */
export function readMountTable(process: number | 'self' = 'self'): Mount[] {
  return parseMountTable(fromBytes(readFileSync(`/proc/${String(process)}/mountinfo`)));
}

/** The mounts of every mount namespace that a process lives in or that is kept by a bind mount (as snapd does). */
export async function readAllMountTables(run: Run): Promise<AllMounts> {
  const { mounts, seen, complete } = readTablesOfProcesses();
  const pinned = mounts.filter((mount) => mount.type === 'nsfs' && mount.root.startsWith('mnt:[') && !seen.has(mount.root));
  const visible = new Set(readMountTable().map((mount) => mount.mountPoint));
  let all = mounts;
  let allRead = complete;
  for (const mount of uniqueBy(pinned, (each) => each.root)) {
    const table = visible.has(mount.mountPoint) ? await readPinnedTable(run, mount.mountPoint) : undefined;
    if (table === undefined) allRead = false;
    else all = [...all, ...table];
  }
  return { mounts: all, complete: allRead };
}

function readTablesOfProcesses(): { mounts: Mount[]; seen: Set<string>; complete: boolean } {
  const seen = new Set<string>();
  const tables = new Set<BytePath>();
  let complete = true;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const namespace = namespaceOf(pid);
    if (namespace !== undefined && seen.has(namespace)) continue;
    try {
      tables.add(fromBytes(readFileSync(`/proc/${pid}/mountinfo`)));
      if (namespace !== undefined) seen.add(namespace);
    } catch (error) {
      if (!isGone(error)) complete = false;
    }
  }
  return { mounts: [...tables].flatMap(parseMountTable), seen, complete };
}

/**
 * Only to read each table once. Everybody may read the mount table of a process, but its namespace link only those who could
 * trace it: not a user, and not a root without CAP_SYS_PTRACE (a container, a hardened unit).
 */
function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

/** A process may end while we look (ESRCH, ENOENT); a zombie has no mount table any more (EINVAL). */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EINVAL'].includes(errnoOf(error) ?? '');
}

async function readPinnedTable(run: Run, mountPoint: BytePath): Promise<Mount[] | undefined> {
  const result = await run('nsenter', [`--mount=${toText(mountPoint)}`, '--', 'cat', '/proc/thread-self/mountinfo']);
  return result.status === 0 ? parseMountTable(fromBytes(result.stdout)) : undefined;
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

/** The mount that a path is on: the last made of those with the longest mount point. `path` is absolute and without links. */
export function mountOf(mounts: readonly Mount[], path: BytePath): Mount | undefined {
  return mounts
    .filter((mount) => isWithin(path, mount.mountPoint))
    .reduce<Mount | undefined>((best, mount) => (best === undefined || mount.mountPoint.length >= best.mountPoint.length ? mount : best), undefined);
}

/** Where a path lies within its filesystem: what the `root` of a bind mount of it would be. */
export function pathInFilesystem(mount: Mount, path: BytePath): BytePath {
  const rest = path.slice(mount.mountPoint === '/' ? 0 : mount.mountPoint.length) as BytePath;
  return mount.root === '/' ? joinPath('/' as BytePath, rest) : joinPath(mount.root, rest);
}

/** The mounts of a filesystem that show a path in it, or something below that path. */
export function mountsShowing(mounts: readonly Mount[], device: string, path: BytePath): Mount[] {
  return mounts.filter((mount) => mount.device === device && isWithin(mount.root.replace(/\/\/deleted$/, '') as BytePath, path));
}
