/**
 * The way out of an archive of directories: a rename into the state folder takes a tree out at once and whole, and only then is it
 * deleted, which can take long and be cut short. What is left there by a killed run is deleted by the next.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { fromText, joinPath, printable, printableText, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../../errors.ts';
import { clearBlockingFlags, clearBlockingFlagsBelow, nameFlags } from '../../system/attributes.ts';
import { readAllMountTables, type Mount } from '../../system/mounts.ts';
import type { Run } from '../../system/run.ts';
import { STATE_FOLDER } from '../archive-state.ts';

const REMOVING = fromText('removing');
/** `NAME.PID.N`: nothing else in that folder is ours. */
const OUT_NAME = /\.\d+\.\d+$/;

export interface Exit {
  readonly run: Run;
  readonly archive: BytePath;
  /** Where a path is mounted, or something in it is. */
  readonly mountPoints: (path: BytePath, mounts: readonly Mount[]) => readonly BytePath[];
}

/** Returns what had to be changed to remove it, for people. The caller has made sure that it may go. */
export async function removeDirectory(exit: Exit, name: BytePath): Promise<string[]> {
  const from = joinPath(exit.archive, name);
  const to = freePlace(makeRemovingFolder(exit.archive), name);
  try {
    renameSync(toBytes(from), toBytes(to));
  } catch (error) {
    // The flags of the old root itself stop its rename; those of what is in it do not.
    const cleared = errnoOf(error) === 'EPERM' ? await clearBlockingFlags(exit.run, from) : [];
    if (cleared.length === 0) throw new RootsError('failed', `${printable(name)} is not removed: ${messageOf(error)}`, { cause: error });
    renameSync(toBytes(from), toBytes(to));
    return [`cleared the ${nameFlags(cleared)} flag of ${printable(name)}`, ...(await destroy(exit, to))];
  }
  return destroy(exit, to);
}

/** Deletes what killed runs left. */
export async function finishRemovals(exit: Exit): Promise<void> {
  for (const name of unfinishedRemovals(exit.archive)) await destroy(exit, joinPath(removingFolder(exit.archive), name));
}

/** Names in the folder of trees on their way out. */
export function unfinishedRemovals(archive: BytePath): BytePath[] {
  const folder = removingFolder(archive);
  // A link in either place leads to what is none of ours.
  const real = [joinPath(archive, STATE_FOLDER), folder].every(
    (path) => lstatSync(toBytes(path), { throwIfNoEntry: false })?.isDirectory() === true,
  );
  if (!real) return [];
  return (readdirSync(toBytes(folder), { encoding: 'latin1' }) as BytePath[]).filter((name) => OUT_NAME.test(name));
}

function removingFolder(archive: BytePath): BytePath {
  return joinPath(archive, STATE_FOLDER, REMOVING);
}

function makeRemovingFolder(archive: BytePath): BytePath {
  makeFolder(joinPath(archive, STATE_FOLDER));
  return makeFolder(removingFolder(archive));
}

/** Errors: `failed` if there is something else of that name, a link to a directory too. */
export function makeFolder(path: BytePath): BytePath {
  const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
  if (stats === undefined) mkdirSync(toBytes(path), { mode: 0o700 });
  else if (!stats.isDirectory())
    throw new RootsError('failed', `${printable(path)} is no directory`, { hint: 'move it away: roots keeps its state there' });
  return path;
}

/** A name for it on its way out, which a killed run may have used as well; never longer than a name can be. */
function freePlace(folder: BytePath, name: BytePath): BytePath {
  for (let number = 0; ; number += 1) {
    const place = joinPath(folder, `${name.slice(0, 200)}.${String(process.pid)}.${String(number)}` as BytePath);
    if (lstatSync(toBytes(place), { throwIfNoEntry: false }) === undefined) return place;
  }
}

/**
 * What is out of the archive already. `rm` follows no link, and `--one-file-system` keeps it off other filesystems, but not off a part
 * of this one that is bound there meanwhile.
 */
async function destroy(exit: Exit, path: BytePath): Promise<string[]> {
  const { mounts } = await readAllMountTables(exit.run);
  const used = exit.mountPoints(path, mounts)[0];
  if (used !== undefined)
    throw new RootsError('failed', `${printable(path)} is not removed: it is mounted, or something in it is, at ${printable(used)}`);
  const rm = ['-rf', '--one-file-system', '--', { path }];
  const first = await exit.run('rm', rm);
  if (first.status === 0) return [];
  const cleared = first.stderr.includes('Operation not permitted');
  if (cleared) await clearBlockingFlagsBelow(exit.run, path);
  const second = await exit.run('rm', rm);
  if (second.status !== 0)
    throw new RootsError('failed', `${printable(path)} cannot be removed completely: ${printableText(second.stderr.split('\n')[0] ?? '')}`);
  return cleared ? ['cleared immutable flags in it'] : [];
}
