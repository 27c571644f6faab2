/**
 * A plain mount where the mount namespace of this very process is private already. A hardened unit of systemd has one, and its RestrictNamespaces=
 * forbids to make another. The namespace goes with the last process of the unit, kill -9 included, and the mount with it.
 */
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { fromText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { mountArguments, mountError, remountOptions, type MountSource } from './mount-source.ts';
import { readMountTable, type Mount } from './mounts.ts';
import type { PrivateMount } from './private-mount.ts';
import type { Run } from './run.ts';

/**
 * A directory to mount below, or null if a mount there might be seen by others. ROOTS_PRIVATE_NAMESPACE, which our units set, says that it is wanted; that
 * nobody else sees it is asked of the kernel. `table`: mountinfo by process.
 */
export function placeForPlainMounts(env: NodeJS.ProcessEnv = process.env, table: (process: string) => string = readTable): string | null {
  const [folder = ''] = (env['RUNTIME_DIRECTORY'] ?? '').split(':');
  if (env['ROOTS_PRIVATE_NAMESPACE'] !== '1' || !folder.startsWith('/')) return null;
  try {
    return sharesNothing(table('self'), table('1')) ? folder : null;
  } catch {
    return null;
  }
}

/**
 * The mounts as whoever runs the machine made them. Those of a hardened unit are copies, `nosuid` all of them
 * (NoNewPrivileges=), which says nothing of where they come from.
 */
export function readMachineMountTable(): Mount[] {
  return readMountTable(placeForPlainMounts() === null ? 'self' : 1);
}

/**
 * Whether two mount namespaces have no mount in common, whose numbers are unique, and no group in which a mount in one appears in the other as well.
 * A namespace without any mount is one that could not be read.
 */
function sharesNothing(ours: string, others: string): boolean {
  const [own, foreign] = [marksOf(ours), marksOf(others)];
  return own.size > 0 && foreign.size > 0 && [...own].every((mark) => !foreign.has(mark));
}

/** Of each line of proc_pid_mountinfo(5): its first field, and `shared:N`. */
function marksOf(table: string): Set<string> {
  const lines = table.split('\n').filter((line) => line !== '');
  return new Set(
    lines.flatMap((line) => [
      line.split(' ', 1).join(''),
      ...(line
        .split(' - ', 1)
        .join('')
        .match(/ shared:\d+(?= |$)/g) ?? []),
    ]),
  );
}

function readTable(process: string): string {
  return readFileSync(`/proc/${process}/mountinfo`, 'latin1');
}

/** Below `place`, which `placeForPlainMounts` gave. Errors: as those of `mountPrivately`. */
export async function mountPlainly(run: Run, source: MountSource, place: string): Promise<PrivateMount> {
  const folder = mkdtempSync(`${place}/mount-`);
  const path = fromText(folder);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= unmount(run, folder));
  try {
    const result = await run('mount', [...mountArguments(source), folder]);
    if (result.status !== 0) throw mountError(source, result);
    const again = remountOptions(source);
    const changed = again === null ? result : await run('mount', ['-o', again, folder]);
    if (changed.status !== 0) throw mountError(source, changed);
    return { path, pathInside: path, device: deviceAt(path, source), runInside: run, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function deviceAt(path: BytePath, source: MountSource): string {
  const mount = readMountTable().findLast((each) => each.mountPoint === path);
  if (mount !== undefined) return mount.device;
  throw new RootsError('failed', `the private mount of ${source.device} is not in the mount table`);
}

/** What is still in use goes when it no longer is, at the latest with the namespace. */
async function unmount(run: Run, folder: string): Promise<void> {
  const path = fromText(folder);
  if (readMountTable().some((each) => each.mountPoint === path)) await run('umount', ['--lazy', '--', folder]);
  try {
    rmdirSync(folder);
  } catch {
    // Empty, and the runtime directory of a unit goes with it.
  }
}
