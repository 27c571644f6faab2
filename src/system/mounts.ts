/**
 * Mount tables: of this process, and of every mount namespace. btrfs and bcachefs delete a subvolume that is mounted
 * (measured on Linux 6.12 and 6.18), and a container's mounts are not in our own table, so all of them count.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fromBytes, fromText, isWithin, joinPath, toBytes, toText, type BytePath } from '../byte-path.ts';
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
  /** What it is mounted on: a filesystem, and the path of the mount point in it. Null for the root of a namespace. */
  readonly on: { readonly device: string; readonly path: BytePath } | null;
}

export interface AllMounts {
  readonly mounts: readonly Mount[];
  /** False if a namespace could not be read: only for an unprivileged user, who cannot look into others' processes. */
  readonly complete: boolean;
}

/** Errors: `failed` if a line is not understood; a mount that is overlooked could be one that is in use. */
export function parseMountTable(table: BytePath): Mount[] {
  const lines = table
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
  const byId = new Map(lines.map((line) => [line.id, line.mount]));
  return lines.map(({ mount, parentId }) => ({ ...mount, on: placeOn(byId.get(parentId), mount) }));
}

function placeOn(parent: UnplacedMount | undefined, { mountPoint }: UnplacedMount): Mount['on'] {
  if (parent === undefined || !isWithin(mountPoint, parent.mountPoint)) return null;
  return { device: parent.device, path: pathInFilesystem(parent, mountPoint) };
}

type UnplacedMount = Omit<Mount, 'on'>;

function parseLine(line: string): { id: string; parentId: string; mount: UnplacedMount } {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  const [id, parentId, device, root, mountPoint, options] = fields;
  const [type, source] = separator === -1 ? [] : fields.slice(separator + 1);
  if (id === undefined || parentId === undefined || device === undefined || root === undefined || mountPoint === undefined || options === undefined || type === undefined || source === undefined) {
    throw new RootsError('failed', `a line of the mount table is not understood: ${JSON.stringify(line)}`);
  }
  const mount = { device, root: unescape(root), mountPoint: unescape(mountPoint), options: options.split(','), type, source: unescape(source) };
  return { id, parentId, mount };
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
  const { mounts, seen, partlySeen, complete } = readTablesOfProcesses();
  const pinned = mounts.filter((mount) => mount.type === 'nsfs' && mount.root.startsWith('mnt:[') && !seen.has(mount.root));
  const ours = new Map(readMountTable().map((mount) => [mount.root, mount.mountPoint]));
  const unread = new Map<string, BytePath | undefined>([...partlySeen, ...pinned.map(({ root }) => [root, ours.get(root)] as const)]);
  let all = mounts;
  let allRead = complete;
  for (const namespace of unread.values()) {
    const table = namespace === undefined ? undefined : await readTableOfNamespace(run, namespace);
    if (table === undefined) allRead &&= namespace !== undefined && !existsSync(toBytes(namespace));
    else all = [...all, ...table];
  }
  return { mounts: all, complete: allRead };
}

interface TablesOfProcesses {
  readonly mounts: Mount[];
  /** Namespaces that were read whole. */
  readonly seen: ReadonlySet<string>;
  /** Those where all processes have another root than the namespace: a table ends at the root of its process. With where to enter them. */
  readonly partlySeen: ReadonlyMap<string, BytePath>;
  readonly complete: boolean;
}

function readTablesOfProcesses(): TablesOfProcesses {
  const seen = new Set<string>();
  const partlySeen = new Map<string, BytePath>();
  const tables = new Set<BytePath>();
  let complete = true;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const namespace = linkOf(pid, 'ns/mnt');
    if (namespace !== undefined && seen.has(namespace)) continue;
    try {
      tables.add(fromBytes(readFileSync(`/proc/${pid}/mountinfo`)));
      if (namespace === undefined) continue;
      if (linkOf(pid, 'root') === '/') seen.add(namespace);
      else partlySeen.set(namespace, fromText(`/proc/${pid}/ns/mnt`));
    } catch (error) {
      if (!isGone(error)) complete = false;
    }
  }
  for (const namespace of seen) partlySeen.delete(namespace);
  return { mounts: [...tables].flatMap(parseMountTable), seen, partlySeen, complete };
}

/**
 * Everybody may read the mount table of a process, but these links only those who could trace it: not a user, and not a root
 * without CAP_SYS_PTRACE (a container, a hardened unit). The namespace is only wanted to read each table once.
 */
function linkOf(pid: string, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined;
  }
}

/** A process may end while we look (ESRCH, ENOENT); a zombie has no mount table any more (EINVAL). */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EINVAL'].includes(errnoOf(error) ?? '');
}

async function readTableOfNamespace(run: Run, path: BytePath): Promise<Mount[] | undefined> {
  const result = await run('nsenter', [`--mount=${toText(path)}`, '--', 'cat', '/proc/thread-self/mountinfo']);
  return result.status === 0 ? parseMountTable(fromBytes(result.stdout)) : undefined;
}

/** The mount that a path is on: the last made of those with the longest mount point. `path` is absolute and without links. */
export function mountOf(mounts: readonly Mount[], path: BytePath): Mount | undefined {
  return mounts
    .filter((mount) => isWithin(path, mount.mountPoint))
    .reduce<Mount | undefined>((best, mount) => (best === undefined || mount.mountPoint.length >= best.mountPoint.length ? mount : best), undefined);
}

/** Where a path lies within its filesystem: what the `root` of a bind mount of it would be. */
export function pathInFilesystem(mount: Pick<Mount, 'root' | 'mountPoint'>, path: BytePath): BytePath {
  const rest = path.slice(mount.mountPoint === '/' ? 0 : mount.mountPoint.length) as BytePath;
  return mount.root === '/' ? joinPath('/' as BytePath, rest) : joinPath(mount.root, rest);
}

/** The mounts that show a path of a filesystem or something below it, and those that are on top of something there. */
export function mountsShowing(mounts: readonly Mount[], device: string, path: BytePath): Mount[] {
  return mounts.filter(
    ({ on, ...mount }) => (mount.device === device && isWithin(undeleted(mount.root), path)) || (on?.device === device && isWithin(undeleted(on.path), path)),
  );
}

/** A mount outlives the removal of what it shows; its `root` then says so. */
function undeleted(path: BytePath): BytePath {
  return path.replace(/\/\/deleted(?=$|\/)/, '') as BytePath;
}

/**
 * Whether whoever runs the machine mounted this as a part of it. What users may mount (removable media by udisks, their own runtime
 * directories) is `nosuid`, and whoever made it chose what is in it.
 */
export function isSystemMount(mount: Mount): boolean {
  return !mount.options.includes('nosuid');
}
