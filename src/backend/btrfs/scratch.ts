/**
 * What `btrfs send --no-data` says of two trees. It wants both to be read-only, so what is not is snapshotted for as long as it takes. The snapshots are in a folder of
 * their own in the state folder, named for the process that made it, so that the next run can remove what a killed one left.
 */
import { lstatSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { fromText, joinPath, printable, printableText, toBytes, toText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { readNames } from '../../system/names.ts';
import { until } from '../../system/patience.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Argument, Run, RunOptions, RunResult } from '../../system/run.ts';
import { STATE_FOLDER } from '../archive-state.ts';
import { isTrustedWay, pathOfEntry } from '../subvolume-archive.ts';
import { makeStateFolder } from './state-folder.ts';
import type { Site } from './premises.ts';
import { isSubvolume } from './subvolumes.ts';

export interface SentTree {
  /** Relative to the top level. */
  readonly path: BytePath;
  readonly readOnly: boolean;
}

export interface Scratch {
  /** The stream goes to `output`. If it does not come to its end, or with a status other than 0, standard error says why. Once only. */
  send(trees: readonly [from: SentTree, to: SentTree], options: Pick<RunOptions, 'signal' | 'output'>): Promise<RunResult>;
}

/** `diff.PID.START`, where START is when that process began (field 22 of proc_pid_stat(5)), as numbers of processes are used again. */
const NAME = /^diff\.(\d+)\.(\d+)$/;
const FROM = fromText('from');
const TO = fromText('to');

/** Removes them when `use` is done. Errors: `failed` if there cannot be any; those of `use`. */
export async function withScratch<T>(
  site: Site,
  mountToWrite: () => Promise<PrivateMount>,
  use: (scratch: Scratch) => Promise<T>,
): Promise<T> {
  let mount: PrivateMount | undefined;
  const name = fromText(`diff.${String(process.pid)}.${startOf(process.pid) ?? '0'}`);
  const folder = joinPath(pathOfEntry(site, STATE_FOLDER), name);
  const send: Scratch['send'] = async (trees, options) => {
    if (trees.some((tree) => !tree.readOnly)) mount = await begin(site, await mountToWrite(), folder);
    const { runInside, pathInside } = mount ?? site.top;
    const placed = (tree: SentTree, as: BytePath): { sent: Argument; taken: readonly Argument[] } => {
      const itself = { path: joinPath(pathInside, tree.path) };
      const snapshot = { path: joinPath(pathInside, folder, as) };
      return tree.readOnly ? { sent: itself, taken: [] } : { sent: snapshot, taken: [itself, snapshot] };
    };
    const [from, to] = [placed(trees[0], FROM), placed(trees[1], TO)];
    return runInside('sh', ['-c', SEND, 'sh', from.sent, to.sent, ...from.taken, ...to.taken], options);
  };
  try {
    return await use({ send });
  } finally {
    if (mount !== undefined) await removeFolder(mount, folder);
  }
}

/**
 * `FROM TO [TREE SNAPSHOT]…`: takes the snapshots, sends, and removes them again. One program of ours instead of four: starting one from Node takes longer than what most of them do.
 * The shell is what is told to stop, and tells all that it has started. Should it not come to its end, what is left is removed as that of a killed run is. The kernel writes each
 * command of the stream by itself, and to read that costs Node more than all else: dd(1) gathers them. That the stream came to its end says the stream.
 */
const SEND = [
  'from=$1 to=$2; shift 2',
  '[ $# -lt 1 ] || btrfs subvolume snapshot -r -- "$1" "$2" >/dev/null || exit',
  '[ $# -lt 3 ] || btrfs subvolume snapshot -r -- "$3" "$4" >/dev/null || exit',
  'btrfs send --quiet --no-data -p "$from" "$to" | dd bs=64K iflag=fullblock status=none & sending=$!',
  `trap 'trap "" TERM; kill 0' TERM`,
  'wait "$sending" || exit',
  '[ $# -lt 1 ] || btrfs subvolume delete -- "$2" ${4+"$4"} >/dev/null',
].join('\n');

async function begin(site: Site, mount: PrivateMount, folder: BytePath): Promise<PrivateMount> {
  await makeStateFolder(mount, site);
  mkdirSync(toBytes(joinPath(mount.path, folder)), { mode: 0o700 });
  return mount;
}

/** Milliseconds for what a killed run started to notice that nobody reads any more. */
const PATIENCE = 3000;

/** Removes what killed runs left; returns why something of it stays. `mountToWrite` is asked only if there is something. */
export async function sweepScratch(site: Site, mountToWrite: () => Promise<PrivateMount>, signal: AbortSignal): Promise<string[]> {
  // What else may be in its place is for whoever writes there to complain of.
  const folder = lstatSync(toBytes(joinPath(site.held.path, STATE_FOLDER)), { throwIfNoEntry: false });
  if (folder?.isDirectory() !== true) return [];
  const left = readNames(joinPath(site.held.path, STATE_FOLDER, fromText('.'))).filter(isAbandoned);
  if (left.length === 0) return [];
  const failed = (why: string): string[] => [`snapshots of a comparison that was cut short are left in the archive: ${why}`];
  if (!isTrustedWay(site)) return failed('others than root can change what is on the way to it');
  let why = '';
  const isGone = async (): Promise<boolean> => {
    try {
      const mount = await mountToWrite();
      for (const name of left) await removeFolder(mount, joinPath(pathOfEntry(site, STATE_FOLDER), name));
      return true;
    } catch (error) {
      if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
      why = error.message;
      return false;
    }
  };
  return (await until(isGone, { patience: PATIENCE, signal })) ? [] : failed(why);
}

function isAbandoned(name: BytePath): boolean {
  const [, pid, start] = NAME.exec(name) ?? [];
  return pid !== undefined && startOf(Number(pid)) !== start;
}

/** Only what is ours: a snapshot by one of the two names, in a folder that only root can change. */
async function removeFolder(mount: PrivateMount, folder: BytePath): Promise<void> {
  const left = [FROM, TO].map((name) => joinPath(folder, name)).filter((path) => isSubvolume(joinPath(mount.path, path)));
  if (left.length > 0)
    await btrfs(mount, ['subvolume', 'delete', '--', ...left.map((path) => ({ path: joinPath(mount.pathInside, path) }))]);
  if (lstatSync(toBytes(joinPath(mount.path, folder)), { throwIfNoEntry: false }) !== undefined)
    rmdirSync(toBytes(joinPath(mount.path, folder)));
}

/** Undefined if there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    // The name of the program, in brackets, may hold anything.
    const fields = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[19];
  } catch {
    return undefined;
  }
}

async function btrfs(mount: PrivateMount, args: Parameters<Run>[1]): Promise<void> {
  const { status, stderr } = await mount.runInside('btrfs', args);
  if (status === 0) return;
  const what = args.slice(0, 2).map((each) => (typeof each === 'string' ? each : printable(each.path)));
  throw new RootsError('failed', `btrfs ${what.join(' ')}: ${printableText(toText(fromText(stderr)).replace(/^ERROR: /, ''))}`);
}
