/**
 * `roots restore`: bring files and trees back from an old root.
 */
import { baseName, isWithin, joinPath, printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { isTrustedDirectory } from '../system/beneath.ts';
import { readEntry } from '../system/entry.ts';
import { readMountTable } from '../system/mounts.ts';
import type { Lock } from '../backend/backend.ts';
import type { Context } from './context.ts';

import { pathInside } from './live-path.ts';
import { oldRootsOf, resolveRoot, type ResolvedRoot } from './resolve-root.ts';
import { Applying, type RestoreItem, type Restored } from './restore-apply.ts';
import { planRestore, sourcePlace, type Conflict } from './restore-plan.ts';
import { withTargets, type Target } from './targets.ts';

export interface RestoreOptions {
  /** As they were on the live system: absolute. */
  readonly paths: readonly BytePath[];
  /** Undefined: the newest old root that has the path and differs from what is there. */
  readonly from?: string | undefined;
  /** Absolute: a directory to put them in, or, for one path, a new name. Undefined: where they were. */
  readonly to?: BytePath | undefined;
  readonly conflict: Conflict;
  /** With `overwrite`: keep what was there beside it, under its name with this suffix; `''` for a number. Null: do not keep it. */
  readonly backup: string | null;
}

export interface RestorePlan {
  readonly items: readonly RestoreItem[];
  /** Paths for which there is nothing to be done, of several. */
  readonly problems: readonly { readonly path: BytePath; readonly error: RootsError }[];
}

export interface RestoreOutcome {
  readonly plan: RestorePlan;
  readonly results: readonly Restored[];
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
    const applying = new Applying(context, { inPlace: options.to === undefined, backup: options.backup });
    try {
      await applying.learn(plan.items);
      for (const item of plan.items) {
        if (context.signal.aborted)
          throw new RootsError('interrupted', 'stopped; what is listed above was restored, the rest was not begun');
        const restored = await applying.apply(item);
        results.push(restored);
        onRestored(restored);
      }
    } finally {
      await applying.finish();
    }
    return results;
  } finally {
    await Promise.all(locks.map((lock) => lock.release()));
  }
}

async function planPaths(context: Context, targets: readonly Target[], options: RestoreOptions): Promise<RestorePlan> {
  if (options.backup?.includes('/') === true)
    throw new RootsError('usage', 'the suffix of a backup is a part of its name', { hint: 'it cannot hold a slash' });
  if (options.to !== undefined && options.paths.length > 1 && !isTrustedDirectory(options.to)) {
    throw new RootsError('usage', `${printable(options.to)} is no directory`, {
      hint: 'several paths can only be restored into a directory that exists',
    });
  }
  const mountPoints = new Set(readMountTable().map((mount) => mount.mountPoint));
  const items: RestoreItem[] = [];
  const problems: RestorePlan['problems'][number][] = [];
  for (const path of options.paths) {
    try {
      items.push(...(await planPath(context, targets, path, options, mountPoints)));
    } catch (error) {
      // One path that is not to be had does not stop the others.
      if (!(error instanceof RootsError) || options.paths.length === 1) throw error;
      problems.push({ path, error });
    }
  }
  const [first] = problems;
  if (items.length === 0 && first !== undefined) throw first.error;
  return { items, problems };
}

async function planPath(
  context: Context,
  targets: readonly Target[],
  path: BytePath,
  options: RestoreOptions,
  mountPoints: ReadonlySet<BytePath>,
): Promise<RestoreItem[]> {
  for (const from of await candidates(context, targets, path, options.from)) {
    const source = sourceIn(from.target, path);
    const root = await from.target.backend.pathOf(from.tree);
    if (!isInside(root, source)) continue;
    const destination = destinationOf(from.target, source, options);
    const steps = await planRestore(context.run, {
      root,
      source,
      destination,
      mountPoints,
      conflict: options.conflict,
      keptAs: nameBeside(from),
      signal: context.signal,
    });
    // Without --from, a root that holds just what is there already is not the one that is looked for.
    if (options.from === undefined && steps.every((step) => step.action === 'same')) continue;
    return steps.map((step) => ({ ...step, from, root }));
  }
  const where = options.from === undefined ? 'no old root has it in another state than it is in now' : `it is not in ${options.from}`;
  throw new RootsError('not-found', `${printable(path)}: ${where}`, {
    hint: 'paths are as they were on the live system; `roots ls` lists the old roots, `roots diff ROOT` what is in one',
  });
}

/** As a snapshot of ZFS is called, without the `@`. */
function nameBeside({ tree }: ResolvedRoot): BytePath {
  return `.from-${(typeof tree === 'string' ? tree : tree.name).replace(/^@/, '')}` as BytePath;
}

/** Newest first, where they are not named. */
async function candidates(
  context: Context,
  targets: readonly Target[],
  path: BytePath,
  ref: string | undefined,
): Promise<readonly ResolvedRoot[]> {
  return ref === undefined ? oldRootsOf(context, targetOf(targets, path)) : [await resolveRoot(context, targets, ref)];
}

/** The target whose live root the path is on. */
function targetOf(targets: readonly Target[], path: BytePath): Target {
  const mounted = targets
    .filter(({ backend }) => backend.liveMountPoint !== null && isWithin(path, backend.liveMountPoint))
    .sort((a, b) => (b.backend.liveMountPoint?.length ?? 0) - (a.backend.liveMountPoint?.length ?? 0));
  const target = mounted[0] ?? (targets.length === 1 ? targets[0] : undefined);
  if (target !== undefined) return target;
  throw new RootsError('usage', `${printable(path)} is on no live root of a target`, { hint: 'say with --from which old root it is in' });
}

function sourceIn(target: Target, path: BytePath): BytePath {
  const inside = pathInside(target, path);
  if (inside === '') throw new RootsError('usage', 'the root itself cannot be restored as a whole', { hint: 'name what is in it' });
  return inside;
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
