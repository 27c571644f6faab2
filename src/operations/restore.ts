/**
 * `roots restore`: bring files and trees back from an old root.
 */
import { baseName, joinPath, parentOf, printable, type BytePath } from '../byte-path.ts';
import { RootsError, messageOf } from '../errors.ts';
import { isTrustedDirectory, type Place } from '../system/beneath.ts';
import { readEntry } from '../system/entry.ts';
import { readMountTable } from '../system/mounts.ts';
import { recreateMissingParents } from '../system/recreate-parents.ts';
import { copyInto, sweepStaging } from '../system/staged-copy.ts';
import type { Lock } from '../backend/backend.ts';
import type { Context } from './context.ts';
import { findLivePath, type LivePath } from './live-path.ts';
import { oldRootsOf, resolveRoot, type ResolvedRoot } from './resolve-root.ts';
import { destinationPlace, planRestore, sourcePlace, type RestoreStep } from './restore-plan.ts';
import { withTargets, type Target } from './targets.ts';

export interface RestoreOptions {
  /** As they were on the live system: absolute. */
  readonly paths: readonly BytePath[];
  /** Undefined: the newest old root that has the path and differs from what is there. */
  readonly from?: string | undefined;
  /** Absolute: a directory to put them in, or, for one path, a new name. Undefined: where they were. */
  readonly to?: BytePath | undefined;
  readonly overwrite: boolean;
  /** With `overwrite`: keep what was there beside it. */
  readonly backup: boolean;
}

export interface RestoreItem extends RestoreStep {
  readonly from: ResolvedRoot;
  readonly root: BytePath;
}

export interface RestorePlan {
  readonly items: readonly RestoreItem[];
  /** Paths for which there is nothing to be done, of several. */
  readonly problems: readonly { readonly path: BytePath; readonly error: RootsError }[];
  /** What to know of where the paths are, for people. */
  readonly warnings: readonly string[];
}

export interface RestoreOutcome {
  readonly plan: RestorePlan;
  readonly results: readonly Restored[];
}

export interface Restored {
  readonly item: RestoreItem;
  readonly result: 'restored' | 'same' | 'refused' | 'failed';
  /** Why it was refused or failed, for people. */
  readonly error: string | null;
  /** Attributes that the destination could not take on, for people. */
  readonly lost: readonly string[];
  /** Where the former file is now. */
  readonly backup: BytePath | null;
}

/** Plans, has the plan agreed to, applies it. Returns null if it was not agreed to; then nothing has changed. */
export async function restore(
  context: Context,
  options: RestoreOptions,
  agree: (plan: RestorePlan) => Promise<boolean>,
  onRestored: (restored: Restored) => void,
): Promise<RestoreOutcome | null> {
  return withTargets(context, { access: 'read' }, async (targets) => {
    const plan = await planPaths(context, targets, options);
    if (!(await agree(plan))) return null;
    return { plan, results: await applyPlan(context, plan, options, onRestored) };
  });
}

async function applyPlan(
  context: Context,
  plan: RestorePlan,
  options: RestoreOptions,
  onRestored: (restored: Restored) => void,
): Promise<Restored[]> {
  // No prune may take a root away that is being read.
  const locks: Lock[] = [];
  const results: Restored[] = [];
  try {
    for (const target of new Set(plan.items.map((item) => item.from.target))) locks.push(await target.backend.lock('shared'));
    for (const item of plan.items) {
      if (context.signal.aborted) throw new RootsError('interrupted', 'stopped; what is listed above was restored, the rest was not begun');
      const restored = await applyItem(context, item, options);
      results.push(restored);
      onRestored(restored);
    }
    return results;
  } finally {
    await Promise.all(locks.map((lock) => lock.release()));
  }
}

async function planPaths(context: Context, targets: readonly Target[], options: RestoreOptions): Promise<RestorePlan> {
  if (options.to !== undefined && options.paths.length > 1 && !isTrustedDirectory(options.to)) {
    throw new RootsError('usage', `${printable(options.to)} is no directory`, {
      hint: 'several paths can only be restored into a directory that exists',
    });
  }
  const mountPoints = new Set(readMountTable().map((mount) => mount.mountPoint));
  const items: RestoreItem[] = [];
  const problems: RestorePlan['problems'][number][] = [];
  const warnings: string[] = [];
  for (const path of options.paths) {
    try {
      items.push(...(await planPath(context, targets, path, options, { mountPoints, warn: (text) => warnings.push(text) })));
    } catch (error) {
      // One path that is not to be had does not stop the others.
      if (!(error instanceof RootsError) || options.paths.length === 1) throw error;
      problems.push({ path, error });
    }
  }
  const [first] = problems;
  if (items.length === 0 && first !== undefined) throw first.error;
  return { items, problems, warnings };
}

async function planPath(
  context: Context,
  targets: readonly Target[],
  path: BytePath,
  options: RestoreOptions,
  { mountPoints, warn }: { readonly mountPoints: ReadonlySet<BytePath>; readonly warn: (text: string) => void },
): Promise<RestoreItem[]> {
  const { roots, live } = await candidates(context, targets, path, options.from);
  if (live.inside === '') throw new RootsError('usage', 'the root itself cannot be restored as a whole', { hint: 'name what is in it' });
  for (const from of roots) {
    const root = await from.target.backend.pathOf(from.tree);
    if (!isInside(root, live.inside)) continue;
    const destination = destinationOf(from.target, live.inside, options);
    const steps = await planRestore(context.run, { root, source: live.inside, destination, mountPoints, overwrite: options.overwrite });
    // Without --from, a root that holds just what is there already is not the one that is looked for.
    if (options.from === undefined && steps.every((step) => step.action === 'same')) continue;
    if (live.warning !== null) warn(live.warning);
    return steps.map((step) => ({ ...step, from, root }));
  }
  const where = options.from === undefined ? 'no old root has it in another state than it is in now' : `it is not in ${options.from}`;
  throw new RootsError('not-found', `${printable(path)}: ${where}`, {
    hint:
      live.warning ??
      'paths are as they were on the live system; `roots find` looks for one in all old roots, `roots history` shows what became of it',
  });
}

/** Newest first, where they are not named. */
async function candidates(
  context: Context,
  targets: readonly Target[],
  path: BytePath,
  ref: string | undefined,
): Promise<{ readonly roots: readonly ResolvedRoot[]; readonly live: LivePath }> {
  if (ref === undefined) {
    const live = findLivePath(targets, path, 'say with --from which old root it is in');
    return { roots: await oldRootsOf(context, live.target), live };
  }
  const root = await resolveRoot(context, targets, ref);
  return { roots: [root], live: findLivePath([root.target], path) };
}

function isInside(root: BytePath, source: BytePath): boolean {
  try {
    const place = sourcePlace(root, source);
    try {
      return readEntry(place.path) !== null;
    } finally {
      place.directory.close();
    }
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'not-found') return false;
    throw error;
  }
}

function destinationOf({ backend, name }: Target, source: BytePath, { to }: RestoreOptions): BytePath {
  if (to !== undefined) return isTrustedDirectory(to) ? joinPath(to, baseName(source)) : to;
  if (backend.liveMountPoint !== null) return joinPath(backend.liveMountPoint, source);
  throw new RootsError('usage', `the live root of ${name} is not mounted, so there is no place where ${printable(source)} was`, {
    hint: 'say with --to where it should go',
  });
}

/** A failure is a result: the others are still to be restored. */
async function applyItem(context: Context, item: RestoreItem, options: RestoreOptions): Promise<Restored> {
  const result = { item, lost: [], error: null, backup: null };
  if (item.action === 'same') return { ...result, result: 'same' };
  if (item.action === 'refuse') return { ...result, result: 'refused', error: item.why };
  try {
    if (options.to === undefined) recreateMissingParents(item.root, item.source, item.destination);
    return { ...result, result: 'restored', ...(await copyItem(context, item, options)) };
  } catch (error) {
    if (error instanceof RootsError && error.kind === 'interrupted') throw error;
    return { ...result, result: 'failed', error: messageOf(error) };
  }
}

async function copyItem(context: Context, item: RestoreItem, options: RestoreOptions): Promise<Pick<Restored, 'lost' | 'backup'>> {
  const from = sourcePlace(item.root, item.source);
  try {
    const to = destinationPlace(item.destination);
    try {
      await sweepStaging(context.run, to.directory);
      const backup = item.before !== null && options.backup ? freeBackupName(to) : null;
      const replacing =
        item.before === null ? { replace: false } : { replace: true, expected: item.before, ...(backup === null ? {} : { backup }) };
      const { lost } = await copyInto(context.run, from, to, { signal: context.signal, ...replacing });
      return { lost, backup: backup === null ? null : joinPath(parentOf(item.destination), backup) };
    } finally {
      to.directory.close();
    }
  } finally {
    from.directory.close();
  }
}

/** As `cp --backup=numbered` names it, so that an older backup is never lost. */
function freeBackupName(place: Place): BytePath {
  for (let number = 1; ; number += 1) {
    const name = `${place.name}.~${String(number)}~` as BytePath;
    if (readEntry(joinPath(place.directory.path, name)) === null) return name;
  }
}
