/**
 * Removing one subvolume and what is nested in it: by number, not by name. `btrfs subvolume delete --subvolid` (progs 5.7, Linux 5.7) cannot hit
 * another one, whatever happens to names and links meanwhile, since ids are never used twice.
 */
import { joinPath, parentOf, printable, printableText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { blockingFlags, clearBlockingFlags } from '../../system/attributes.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Run } from '../../system/run.ts';
import type { RemoveReport } from '../backend.ts';
import { nestedIn, type NestedSubvolume } from './subvolumes.ts';

/** `check` is told the paths of all that will go, right before the first of them goes; it throws if one must not. */
export async function removeSubvolume(
  run: Run,
  top: PrivateMount,
  root: { readonly id: number; readonly path: BytePath },
  check: (nested: readonly BytePath[]) => Promise<void>,
): Promise<RemoveReport> {
  const nested = await nestedIn(top, root);
  await check(nested.map((each) => each.path));
  const notes: string[] = [];
  for (const each of [...nested, { ...root, around: null }]) {
    const refusal = await tryDelete(top, each.id);
    if (refusal === null) continue;
    const cleared = await clearWhatBlocks(run, top, each);
    const again = cleared.length === 0 ? refusal : await tryDelete(top, each.id);
    if (again !== null) throw new RootsError('failed', `${printable(each.path)} cannot be removed: ${printableText(again)}`);
    notes.push(...cleared);
  }
  return { nested: nested.map((each) => each.path.slice(root.path.length + 1) as BytePath), notes };
}

/** Null when it is gone, else what the program said. It prints "Delete subvolume" even when it fails: only the status counts. */
async function tryDelete(top: PrivateMount, id: number): Promise<string | null> {
  const result = await top.runInside('btrfs', ['subvolume', 'delete', '--subvolid', String(id), { path: top.pathInside }]);
  if (result.status === 0) return null;
  const errors = result.stderr.split('\n').filter((line) => line.startsWith('ERROR: '));
  return (errors[0] ?? result.stderr).replace(/^ERROR: /, '');
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
  return flags.map((flag) => `cleared the ${flag === 'i' ? 'immutable' : 'append-only'} flag of ${printable(path)}`);
}
