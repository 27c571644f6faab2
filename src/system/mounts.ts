/**
 * Mount tables: of this process, and of every mount namespace. btrfs and bcachefs delete a subvolume that is mounted
 * (measured on Linux 6.12 and 6.18), and a container's mounts are not in our own table, so all of them count.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fromBytes, isWithin, joinPath, printable, toText, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf } from '../errors.ts';
import type { Run } from './run.ts';

/** One line of proc_pid_mountinfo(5), with its octal escapes undone. */
export interface Mount {
  /** `major:minor` of the superblock: the same for all mounts of one btrfs, and not what stat(2) shows there. */
  readonly device: string;
  /** The path within the filesystem that is mounted; on btrfs it starts with the subvolume's path and follows renames. */
  readonly root: BytePath;
  readonly mountPoint: BytePath;
  /** Of this mount. */
  readonly options: readonly string[];
  /** Of the filesystem: it can be written to though this mount is read-only, as all are in a unit with ProtectSystem=strict. */
  readonly superOptions: readonly string[];
  readonly type: string;
  readonly source: BytePath;
  /** What it is mounted on: a filesystem, and the path of the mount point in it. Null for the root of a namespace. */
  readonly on: { readonly device: string; readonly path: BytePath } | null;
}

export interface AllMounts {
  readonly mounts: readonly Mount[];
  /** Why mounts may have been overlooked, for people; null if every namespace that counts was read. */
  readonly incomplete: string | null;
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
  const [type, source, superOptions = ''] = separator === -1 ? [] : fields.slice(separator + 1);
  if (
    id === undefined ||
    parentId === undefined ||
    device === undefined ||
    root === undefined ||
    mountPoint === undefined ||
    options === undefined ||
    type === undefined ||
    source === undefined
  ) {
    throw new RootsError('failed', `a line of the mount table is not understood: ${JSON.stringify(line)}`);
  }
  const mount = {
    device,
    root: unescape(root),
    mountPoint: unescape(mountPoint),
    options: options.split(','),
    superOptions: superOptions.split(','),
    type,
    source: unescape(source),
  };
  return { id, parentId, mount };
}

function unescape(field: string): BytePath {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as BytePath;
}

/** The mounts that this process sees, in the order in which they were made. */
export function readMountTable(process: number | 'self' = 'self'): Mount[] {
  return parseMountTable(fromBytes(readFileSync(`/proc/${String(process)}/mountinfo`)));
}

/**
 * The mounts of every mount namespace that a process lives in or that a bind mount keeps here (as snapd does). Nothing that a
 * process could have put into its namespace is ever started: a user namespace lets anybody bind their own program over any other.
 */
export async function readAllMountTables(run: Run): Promise<AllMounts> {
  const tables = readTablesOfProcesses();
  const pinned = namespacesKeptByMounts().filter(({ root }) => !tables.whole.has(root));
  const mounts = [...tables.mounts];
  let { incomplete } = tables;
  for (const { root, mountPoint } of pinned) {
    const table = await readTableOfNamespace(run, mountPoint);
    if (table === undefined) incomplete ??= `the mount namespace ${root} that is kept at ${printable(mountPoint)} cannot be read`;
    else mounts.push(...table);
  }
  return { mounts, incomplete };
}

/** A copy of a mount namespace, such as a service of systemd has, lacks the mounts that keep namespaces. So those of the first process count as well. */
function namespacesKeptByMounts(): Pick<Mount, 'root' | 'mountPoint'>[] {
  const keeps = ({ type, root }: Mount): boolean => type === 'nsfs' && root.startsWith('mnt:[');
  const own = readMountTable().filter(keeps);
  const others = tableOfFirstProcess().filter((mount) => keeps(mount) && own.every(({ root }) => root !== mount.root));
  return [...own, ...others.map(({ root, mountPoint }) => ({ root, mountPoint: joinPath('/proc/1/root' as BytePath, mountPoint) }))];
}

/** Users do not see it where /proc is mounted with `hidepid`. */
function tableOfFirstProcess(): Mount[] {
  try {
    return readMountTable(1);
  } catch (error) {
    if (isGone(error) || ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

interface TablesOfProcesses {
  readonly mounts: readonly Mount[];
  /** The namespaces that were read whole. */
  readonly whole: ReadonlySet<string>;
  readonly incomplete: string | null;
}

function readTablesOfProcesses(): TablesOfProcesses {
  const whole = new Set<string>();
  // A table ends at the root of its process, so a namespace where all processes have a root of their own is seen only in part.
  const partly = new Map<string, string>();
  const tables = new Set<BytePath>();
  let incomplete = seesAllProcesses() ? null : 'processes outside of this container cannot be seen, and may have it mounted';
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const namespace = linkOf(pid, 'ns/mnt');
    if (namespace !== undefined && whole.has(namespace)) continue;
    try {
      tables.add(fromBytes(readFileSync(`/proc/${pid}/mountinfo`)));
    } catch (error) {
      if (!isGone(error)) incomplete ??= `the mount table of process ${pid} cannot be read (${errnoOf(error) ?? 'unknown error'})`;
      continue;
    }
    if (namespace === undefined) continue;
    if (linkOf(pid, 'root') === '/') whole.add(namespace);
    // In a user namespace of their own anybody can do this, and nobody may stop others from pruning.
    else if (linkOf(pid, 'ns/user') === linkOf('self', 'ns/user')) partly.set(namespace, pid);
  }
  const [hidden] = [...partly].filter(([namespace]) => !whole.has(namespace)).map(([, pid]) => pid);
  if (hidden !== undefined) incomplete ??= `process ${hidden} has its root inside of its mount namespace, of which only a part can be seen`;
  return { mounts: [...tables].flatMap(parseMountTable), whole, incomplete };
}

/** PROC_PID_INIT_INO: the pid namespace that the kernel made first. In any other, /proc shows only the processes of a container. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

function seesAllProcesses(): boolean {
  return linkOf('self', 'ns/pid') === INITIAL_PID_NAMESPACE;
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

/** Milliseconds. */
const PATIENCE = 5000;

/** Entered only where the namespace is kept by a mount of ours, and even then as nobody: the programs in it are not ours. */
async function readTableOfNamespace(run: Run, path: BytePath): Promise<Mount[] | undefined> {
  const nobody = ['--setgid', '65534', '--setuid', '65534', `--mount=${toText(path)}`];
  try {
    const result = await run('setpriv', ['--no-new-privs', '--', 'nsenter', ...nobody, '--', 'cat', '/proc/thread-self/mountinfo'], {
      timeout: PATIENCE,
    });
    return result.status === 0 ? parseMountTable(fromBytes(result.stdout)) : undefined;
  } catch {
    return undefined;
  }
}

/** The mount that a path is on: the last made of those with the longest mount point. `path` is absolute and without links. */
export function mountOf(mounts: readonly Mount[], path: BytePath): Mount | undefined {
  return mounts
    .filter((mount) => isWithin(path, mount.mountPoint))
    .reduce<Mount | undefined>(
      (best, mount) => (best === undefined || mount.mountPoint.length >= best.mountPoint.length ? mount : best),
      undefined,
    );
}

/** Where a path lies within its filesystem: what the `root` of a bind mount of it would be. */
export function pathInFilesystem(mount: Pick<Mount, 'root' | 'mountPoint'>, path: BytePath): BytePath {
  const rest = path.slice(mount.mountPoint === '/' ? 0 : mount.mountPoint.length) as BytePath;
  return mount.root === '/' ? joinPath('/' as BytePath, rest) : joinPath(mount.root, rest);
}

/** The mounts that show a path of a filesystem or something below it, and those that are on top of something there. */
export function mountsShowing(mounts: readonly Mount[], device: string, path: BytePath): Mount[] {
  return mounts.filter(
    ({ on, ...mount }) =>
      (mount.device === device && isWithin(undeleted(mount.root), path)) || (on?.device === device && isWithin(undeleted(on.path), path)),
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
