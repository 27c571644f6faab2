/**
 * Removing subvolumes for good, and what is nested in them. All that lie ready under names of ours go by one program. What that leaves goes one by
 * one and by number: `btrfs subvolume delete --subvolid` (progs 5.7, Linux 5.7) cannot hit another one, whatever happens to names and links
 * meanwhile, since ids are never used twice.
 */
import { joinPath, parentOf, printable, printableText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { blockingFlags, clearBlockingFlags, nameFlags, setFlags } from '../../system/attributes.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Run } from '../../system/run.ts';
import type { Mended } from '../set-aside.ts';
import { nestedIn, requireAt, type NestedSubvolume } from './subvolumes.ts';

/** What the kernel says of a subvolume that only has others in it: ENOTEMPTY, after it has looked for all other reasons to refuse. */
const NOT_EMPTY = 'Directory not empty';

export interface Removed {
  /** Paths of nested ones that are gone, inside the outer one. */
  readonly nested: readonly BytePath[];
  readonly notes: readonly string[];
  /** Null if the outer one is gone. */
  readonly error: RootsError | null;
}

/**
 * Tries all of them with one program. Whether one is gone is to be looked for afterwards: a refusal of one does not stop the others. Paths are
 * relative to the top level, and no part of them may be in the hands of others: the program follows links.
 */
export async function deleteTogether(top: PrivateMount, paths: readonly BytePath[]): Promise<void> {
  if (paths.length === 0) return;
  await top.runInside('btrfs', ['subvolume', 'delete', '--', ...paths.map((path) => ({ path: joinPath(top.pathInside, path) }))]);
}

export interface Stages {
  /** Asked right before anything goes; throws if that must not be. */
  readonly check: () => Promise<void>;
  /** Told right before the first of the nested ones goes: after that it is not whole. Returns where it is then. */
  readonly begin: () => Promise<BytePath>;
}

/**
 * The outer one is tried first. If it cannot go for a reason of its own (it is the default subvolume, is being sent, holds a swap
 * file) that is told before anything nested in it is lost.
 */
export async function removeSubvolume(
  run: Run,
  top: PrivateMount,
  root: { readonly id: number; readonly path: BytePath },
  { check, begin }: Stages,
): Promise<Removed> {
  const gone: BytePath[] = [];
  const notes: string[] = [];
  try {
    await requireAt(top, root);
    await check();
    const outer = { ...root, around: null };
    const refusal = await deleteOrMend(run, top, outer, notes);
    if (refusal === null) return { nested: [], notes, error: null };
    if (!refusal.includes(NOT_EMPTY)) throw refused(root.path, refusal);
    const path = await begin();
    const nested = await nestedIn(top, { ...root, path });
    if (nested.length === 0) throw refused(path, refusal);
    await check();
    for (const each of [...nested, { ...outer, path }]) {
      const why = await deleteOrMend(run, top, each, notes);
      if (why !== null) throw refused(each.path, why);
      if (each.around !== null) gone.push(each.path.slice(path.length + 1) as BytePath);
    }
    return { nested: gone, notes, error: null };
  } catch (error) {
    if (error instanceof RootsError && error.kind !== 'interrupted') return { nested: gone, notes, error };
    throw error;
  }
}

function refused(path: BytePath, refusal: string): RootsError {
  return new RootsError('failed', `${printable(path)} cannot be removed: ${printableText(refusal)}`);
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
