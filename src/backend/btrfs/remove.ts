/**
 * Removing one subvolume and what is nested in it: by number, not by name. `btrfs subvolume delete --subvolid` (progs 5.7, Linux 5.7) cannot hit
 * another one, whatever happens to names and links meanwhile, since ids are never used twice.
 */
import { joinPath, parentOf, printable, printableText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { blockingFlags, clearBlockingFlags, nameFlags } from '../../system/attributes.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Run } from '../../system/run.ts';
import type { RemoveReport } from '../backend.ts';
import { nestedIn, requireAt, type NestedSubvolume } from './subvolumes.ts';

/** What the kernel says of a subvolume that only has others in it: ENOTEMPTY, after it has looked for all other reasons to refuse. */
const NOT_EMPTY = 'Directory not empty';

/**
 * `check` is told the paths of all that will go, right before the first of them goes; it throws if one must not.
 *
 * The outer one is tried first. If it cannot go for a reason of its own (it is the default subvolume, is being sent, holds a swap
 * file) that is told before anything nested in it is lost.
 */
export async function removeSubvolume(
  run: Run,
  top: PrivateMount,
  root: { readonly id: number; readonly path: BytePath },
  check: (nested: readonly BytePath[]) => Promise<void>,
): Promise<RemoveReport> {
  await requireAt(top, root);
  const nested = await nestedIn(top, root);
  await check(nested.map((each) => each.path));
  const outer = { ...root, around: null };
  const first = await deleteOrMend(run, top, outer);
  if (first.refusal === null) return { nested: [], notes: first.notes };
  const notes = [...first.notes];
  if (nested.length === 0 || !first.refusal.includes(NOT_EMPTY)) throw refused(root.path, first.refusal);
  for (const each of [...nested, outer]) {
    const { refusal, notes: more } = await deleteOrMend(run, top, each);
    notes.push(...more);
    if (refusal !== null) throw refused(each.path, refusal);
  }
  return { nested: nested.map((each) => each.path.slice(root.path.length + 1) as BytePath), notes };
}

function refused(path: BytePath, refusal: string): RootsError {
  return new RootsError('failed', `${printable(path)} cannot be removed: ${printableText(refusal)}`);
}

async function deleteOrMend(
  run: Run,
  top: PrivateMount,
  subvolume: NestedSubvolume,
): Promise<{ refusal: string | null; notes: readonly string[] }> {
  const refusal = await tryDelete(top, subvolume.id);
  if (refusal === null || refusal.includes(NOT_EMPTY)) return { refusal, notes: [] };
  const notes = await clearWhatBlocks(run, top, subvolume);
  return { refusal: notes.length === 0 ? refusal : await tryDelete(top, subvolume.id), notes };
}

/** Null when it is gone, else what the program said. It prints "Delete subvolume" even when it fails: only the status counts. */
async function tryDelete(top: PrivateMount, id: number): Promise<string | null> {
  const result = await top.runInside('btrfs', ['subvolume', 'delete', '--subvolid', String(id), { path: top.pathInside }]);
  if (result.status === 0) return null;
  const errors = result.stderr.split('\n').filter((line) => line.startsWith('ERROR: '));
  const words = (errors[0] ?? result.stderr).replace(/^ERROR: /, '');
  return words === '' ? `btrfs ended with status ${String(result.status)}` : words;
}

/**
 * A refusal has many causes with one text (EPERM: flags, a swap file in use, a running send), so what may be mended is looked for: read-only and
 * immutable flags of the subvolume itself and, for a nested one, of its directory and of the subvolume around it. All of them are inside the old root.
 */
async function clearWhatBlocks(run: Run, top: PrivateMount, refused: NestedSubvolume): Promise<string[]> {
  const notes: string[] = [];
  if (refused.around !== null) {
    notes.push(...(await makeWritable(top, refused.around)));
    notes.push(...(await clearFlags(run, top, parentOf(refused.path))));
  }
  // A flag inside a read-only subvolume cannot be cleared: it must be writable first.
  if ((await blockingFlags(run, joinPath(top.path, refused.path))).length > 0) {
    notes.push(...(await makeWritable(top, refused.path)));
    notes.push(...(await clearFlags(run, top, refused.path)));
  }
  return notes;
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
