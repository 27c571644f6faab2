/**
 * What of two trees may differ, by zfs-diff(8). It goes through the objects that were written since a snapshot, so the first must be a snapshot and the second one of the
 * same filesystem, that filesystem as it is now, or a clone; which of both is the newer does not matter to us. Both filesystems must be mounted where it runs.
 */
import { readdirSync, lstatSync } from 'node:fs';
import { fromBytes, isWithin, joinPath, printableText, toBytes, type BytePath } from '../../byte-path.ts';
import { CandidateSet } from '../../diff/candidates.ts';
import { parseMountTable } from '../../system/mounts.ts';
import { placeForPlainMounts } from '../../system/plain-mount.ts';
import type { Access } from '../../system/mount-source.ts';
import type { Run, RunResult } from '../../system/run.ts';
import type { Narrowing } from '../backend.ts';
import { parseDifference } from './difference.ts';
import { filesystemOf, isSnapshot } from './names.ts';
import { wordsOf } from './program.ts';

/** What it says of what is not the older of two, and of snapshots of two filesystems (OpenZFS 2.3). */
const UNRELATED = /Not an earlier snapshot from the same fs|snapshot delimiter '@' is not expected here/;

export interface Side {
  readonly dataset: string;
  /** Where its tree can be read. */
  readonly path: BytePath;
  /** Its filesystem, and how that is mounted already. */
  readonly mounted: Access | undefined;
}

/** Errors: `interrupted`. */
export async function narrowByDiff(run: Run, [from, to]: readonly [Side, Side], signal: AbortSignal): Promise<Narrowing> {
  if (placeForPlainMounts() !== null) return { why: 'no namespace can be made here in which both are mounted' };
  const orders = [
    [from, to],
    [to, from],
  ] as const;
  let why = '`zfs diff` compares a snapshot with what came after it, and neither is one';
  for (const [older, newer] of orders) {
    if (!isSnapshot(older.dataset)) continue;
    const result = await diff(run, older, newer, signal);
    if (result.status === 0 && result.stderr === '') return candidatesOf(run, older, newer, result.stdout);
    why = UNRELATED.test(result.stderr)
      ? 'neither came of the other, or is a snapshot of what that came of'
      : `zfs diff: ${wordsOf(result)}`;
  }
  return { why };
}

/**
 * Where a filesystem is mounted twice `zfs diff` tells paths below the first mount of the table, so that is printed before. Of a filesystem that is not a snapshot it takes one
 * of its own, which goes with the process.
 */
const SCRIPT = `older=$1 newer=$2; shift 2
mount -t tmpfs -o mode=0700 tmpfs /tmp && mkdir /tmp/1 /tmp/2 || exit
for at in 1 2; do
  if [ -n "$1" ]; then mount -i -t zfs -o "$2,noatime" -- "$1" /tmp/$at || exit; fi
  shift 2
done
cat /proc/self/mountinfo && printf '\\0' && exec zfs diff -FHt "$older" "$newer"`;

async function diff(run: Run, older: Side, newer: Side, signal: AbortSignal): Promise<RunResult> {
  const filesystems = [...new Map([older, newer].map((side) => [filesystemOf(side.dataset), side.mounted ?? 'read']))];
  const mounts = [0, 1].flatMap((at) => {
    const [filesystem, access] = filesystems[at] ?? ['', 'read'];
    return [filesystem, access === 'write' ? 'rw' : 'ro'];
  });
  return run('unshare', ['--mount', '--', 'sh', '-c', SCRIPT, 'sh', older.dataset, newer.dataset, ...mounts], { signal });
}

async function candidatesOf(run: Run, older: Side, newer: Side, stdout: Buffer): Promise<Narrowing> {
  const end = stdout.indexOf(0);
  const filesystem = filesystemOf(newer.dataset);
  const mount = parseMountTable(fromBytes(stdout.subarray(0, end))).find(({ type, source }) => type === 'zfs' && source === filesystem);
  if (mount === undefined) throw new TypeError(`${printableText(filesystem)} is not in the table of the mounts that it is in`);
  const set = new CandidateSet();
  let mayHaveOtherNames = false;
  for (const { change, isDirectory, path: told, newPath: toldNew } of parseDifference(stdout.subarray(end + 1))) {
    const paths = [told, ...(toldNew === null ? [] : [toldNew])].flatMap((each) => insideOf(each, mount.mountPoint));
    // Of a directory that came, went or moved not all that is in it is told.
    for (const path of paths) set.add(path, isDirectory && change !== 'modified');
    if (isDirectory && change === 'modified')
      for (const path of paths) for (const name of renamedIn(older, newer, path)) set.add(joinPath(path, name), true);
    if (!isDirectory) mayHaveOtherNames ||= hadSeveralNames(paths.flatMap((path) => [statOf(older, path), statOf(newer, path)]));
  }
  if (!mayHaveOtherNames) return { candidates: set.root };
  for (const side of [older, newer]) {
    const names = await allWithSeveralNames(run, side);
    if (names === null) return { why: 'the names of files that have several cannot be told' };
    for (const path of names) set.add(path, false);
  }
  return { candidates: set.root };
}

/** Of what has or had several names one is told, which need not even be there any more. */
function hadSeveralNames(both: readonly ReturnType<typeof statOf>[]): boolean {
  return both.every((stats) => stats === undefined) || both.some((stats) => stats !== undefined && stats.nlink > 1n);
}

/** A path that is told below a mount point, inside the tree; none for what was removed and is still open, which has a name that is no path (`(on_delete_queue)`). */
function insideOf(path: BytePath, mountPoint: BytePath): BytePath[] {
  if (!isWithin(path, mountPoint)) return [];
  return [(mountPoint === '/' ? path : path.slice(mountPoint.length)).replace(/^\/+/, '') as BytePath];
}

/** Names in a directory that are in one tree only, or mean something else in the other: `zfs diff` does not tell all names of what has several. */
function renamedIn(older: Side, newer: Side, path: BytePath): BytePath[] {
  const [was, is] = [namesIn(older, path), namesIn(newer, path)];
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name));
}

/** Numbers of objects by name. A snapshot and its clone have the same. */
function namesIn(side: Side, path: BytePath): Map<BytePath, bigint | undefined> {
  try {
    const names = readdirSync(toBytes(joinPath(side.path, path)), 'latin1') as BytePath[];
    return new Map(names.map((name) => [name, statOf(side, joinPath(path, name))?.ino]));
  } catch {
    // It is no directory there: the comparison looks at it anyway.
    return new Map();
  }
}

function statOf(side: Side, path: BytePath): { readonly ino: bigint; readonly nlink: bigint } | undefined {
  try {
    return lstatSync(toBytes(joinPath(side.path, path)), { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Nothing but a walk tells the other names. Null if that fails. */
async function allWithSeveralNames(run: Run, side: Side): Promise<BytePath[] | null> {
  const at = joinPath(side.path, '.' as BytePath);
  const { status, stdout } = await run('find', [{ path: at }, '-xdev', '!', '-type', 'd', '-links', '+1', '-printf', '%P\\0']);
  if (status !== 0) return null;
  return fromBytes(stdout)
    .split('\0')
    .filter((path) => path !== '') as BytePath[];
}
