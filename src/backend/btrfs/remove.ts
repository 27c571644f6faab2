/**
 * Removing subvolumes for good, and what is nested in them. All that lie ready under names of ours go by one program. What that leaves goes one by
 * one and by number: `btrfs subvolume delete --subvolid` (progs 5.7, Linux 5.7) cannot hit another one, whatever happens to names and links
 * meanwhile, since ids are never used twice.
 */
import { joinPath, parentOf, printable, type BytePath } from '../../byte-path.ts';
import { blockingFlags, clearBlockingFlags, nameFlags, setFlags } from '../../system/attributes.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Run } from '../../system/run.ts';
import type { Mended } from '../set-aside.ts';
import { NOT_EMPTY, removeOuterFirst, type Removed, type Stages } from '../subvolume-removal.ts';
import { nestedIn, requireAt, type NestedSubvolume } from './subvolumes.ts';

/**
 * Tries all of them with one program. Whether one is gone is to be looked for afterwards: a refusal of one does not stop the others. Paths are
 * relative to the top level, and no part of them may be in the hands of others: the program follows links.
 */
export async function deleteTogether(top: PrivateMount, paths: readonly BytePath[]): Promise<void> {
  if (paths.length === 0) return;
  await top.runInside('btrfs', ['subvolume', 'delete', '--', ...paths.map((path) => ({ path: joinPath(top.pathInside, path) }))]);
}

/** `at`: the path of an entry. */
export async function removeSubvolume(
  run: Run,
  top: PrivateMount,
  root: { readonly id: number; readonly path: BytePath },
  { at, ...stages }: Stages & { readonly at: (entry: BytePath) => BytePath },
): Promise<Removed> {
  const steps = {
    requireSame: (outer: NestedSubvolume) => requireAt(top, outer),
    deleteOrMend: (each: NestedSubvolume, notes: string[]) => deleteOrMend(run, top, each, notes),
    at: (outer: NestedSubvolume, entry: BytePath) => ({ ...outer, path: at(entry) }),
    nestedIn: (outer: NestedSubvolume) => nestedIn(top, outer),
  };
  return removeOuterFirst({ ...root, around: null }, steps, stages);
}

/** Null when it is gone, else why not. Adds to `notes` what it had to change. */
async function deleteOrMend(run: Run, top: PrivateMount, subvolume: NestedSubvolume, notes: string[]): Promise<string | null> {
  const refusal = await tryDelete(top, subvolume.id);
  if (refusal === null || refusal.includes(NOT_EMPTY)) return refusal;
  const mended = [...(subvolume.around === null ? [] : await mendAround(run, top, subvolume.path, subvolume.around))];
  mended.push(...(await clearWhatBlocks(run, top, subvolume.path)));
  notes.push(...mended);
  return mended.length === 0 ? refusal : tryDelete(top, subvolume.id);
}

/** Null when it is gone, else what the program said. It prints "Delete subvolume" even when it fails: only the status counts. */
async function tryDelete(top: PrivateMount, id: number): Promise<string | null> {
  const result = await top.runInside('btrfs', ['subvolume', 'delete', '--subvolid', String(id), { path: top.pathInside }]);
  if (result.status === 0) return null;
  const errors = result.stderr.split('\n').filter((line) => line.startsWith('ERROR: '));
  const words = (errors[0] ?? result.stderr).replace(/^ERROR: /, '');
  return words === '' ? `btrfs ended with status ${String(result.status)}` : words;
}

/** For a nested one: its directory, and the subvolume around it. Both are inside the old root. */
async function mendAround(run: Run, top: PrivateMount, path: BytePath, around: BytePath): Promise<string[]> {
  return [...(await makeWritable(top, around)), ...(await clearFlags(run, top, parentOf(path)))];
}

/**
 * A refusal has many causes with one text (EPERM: flags, a swap file in use, a running send), so what may be mended is looked for: the flags of the
 * subvolume itself. A flag inside a read-only subvolume cannot be cleared: it must be writable first.
 */
async function clearWhatBlocks(run: Run, top: PrivateMount, path: BytePath): Promise<string[]> {
  return [...(await mendSubvolume(run, top, path)).notes];
}

/** The same, with the way back. `undo` is told where it is then, relative to the top level. */
export async function mendSubvolume(run: Run, top: PrivateMount, path: BytePath): Promise<Mended> {
  const flags = await blockingFlags(run, joinPath(top.path, path));
  if (flags.length === 0) return { notes: [], undo: async () => Promise.resolve() };
  const writable = await makeWritable(top, path);
  const cleared = await clearFlags(run, top, path);
  return {
    notes: [...writable, ...cleared],
    undo: async (now) => {
      if (cleared.length > 0) await setFlags(run, joinPath(top.path, now), flags);
      if (writable.length > 0)
        await top.runInside('btrfs', ['property', 'set', '-ts', { path: joinPath(top.pathInside, now) }, 'ro', 'true']);
    },
  };
}

async function makeWritable(top: PrivateMount, path: BytePath): Promise<string[]> {
  const inside = joinPath(top.pathInside, path);
  const property = await top.runInside('btrfs', ['property', 'get', '-ts', { path: inside }, 'ro']);
  if (property.status !== 0 || property.stdout.toString('latin1').trim() !== 'ro=true') return [];
  const result = await top.runInside('btrfs', ['property', 'set', '-ts', { path: inside }, 'ro', 'false']);
  return result.status === 0 ? [`made ${printable(path)} writable`] : [];
}

async function clearFlags(run: Run, top: PrivateMount, path: BytePath): Promise<string[]> {
  const flags = await clearBlockingFlags(run, joinPath(top.path, path));
  return flags.length === 0 ? [] : [`cleared the ${nameFlags(flags)} flag of ${printable(path)}`];
}
