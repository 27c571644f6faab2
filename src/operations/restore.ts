/**
 * `roots restore`: bring files and trees back from an old root.
 */
import { baseName, joinPath, printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { isTrustedDirectory } from '../system/beneath.ts';
import { readEntry } from '../system/entry.ts';
import { readMountTable, type Mount } from '../system/mounts.ts';
import type { Lock } from '../backend/backend.ts';
import type { Context } from './context.ts';
import { findLivePath, type LivePath } from './live-path.ts';
import { storages, storedAt } from './persisted-place.ts';
import { oldRootsOf, resolveRoot, type ResolvedRoot } from './resolve-root.ts';
import { Applying, type RestoreItem, type Restored } from './restore-apply.ts';
import { sourcePlace } from './restore-places.ts';
import { planRestore } from './restore-plan.ts';
import type { Conflict } from './restore-step.ts';
import { withTargets, type Target } from './targets.ts';

export interface RestoreOptions {
  /** As they were on the live system: absolute. */
  readonly paths: readonly BytePath[];
  /** Undefined: the newest old root that has the path and differs from what is there. */
  readonly from?: string | undefined;
  /** Absolute: a directory to put them in, or, for one path, a new name. Undefined: where they were. */
  readonly to?: BytePath | undefined;
  /** They go to where what is there persists (persisted-place.ts), and not back to where they were. */
  readonly persist?: boolean;
  readonly conflict: Conflict;
  /** With `overwrite`: keep what was there beside it, under its name with this suffix; `''` for a number. Null: do not keep it. */
  readonly backup: string | null;
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

/** Plans, has the plan agreed to, applies it. Returns null if it was not agreed to; then nothing has changed. */
export async function restore(
  context: Context,
  options: RestoreOptions,
  agree: (plan: RestorePlan) => Promise<boolean>,
  onRestored: (restored: Restored) => void,
): Promise<RestoreOutcome | null> {
  return withTargets(context, { access: 'read' }, async (targets) => {
    const plan = await planPaths(context, targets, options);
    if (context.signal.aborted) throw new RootsError('interrupted', 'stopped; nothing was changed');
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
  const mounts = readMountTable();
  const items: RestoreItem[] = [];
  const problems: RestorePlan['problems'][number][] = [];
  const warnings: string[] = [];
  for (const path of options.paths) {
    try {
      items.push(...(await planPath(context, targets, path, options, { mounts, warn: (text) => warnings.push(text) })));
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
  { mounts, warn }: { readonly mounts: readonly Mount[]; readonly warn: (text: string) => void },
): Promise<RestoreItem[]> {
  const lives = targets.flatMap(({ backend }) => (backend.liveMountPoint === null ? [] : [backend.liveMountPoint]));
  const { roots, live } = await candidates(context, targets, path, options.from);
  if (live.inside === '') throw new RootsError('usage', 'the root itself cannot be restored as a whole', { hint: 'name what is in it' });
  let isAnywhere = false;
  for (const from of roots) {
    const root = await from.target.backend.pathOf(from.tree);
    if (!isInside(root, live.inside)) continue;
    isAnywhere = true;
    const { destination, warning = live.warning } = destinationOf(from.target, live.inside, options, { mounts, lives });
    const steps = await planRestore(context.run, {
      root,
      source: live.inside,
      destination,
      mounts,
      lives,
      conflict: options.conflict,
      keptAs: nameBeside(from),
      signal: context.signal,
    });
    // Without --from, a root that holds just what is there already is not the one that is looked for.
    if (options.from === undefined && steps.every((step) => step.action === 'same' && !step.isBeside)) continue;
    if (warning !== null) warn(warning);
    return steps.map((step) => ({ ...step, from, root }));
  }
  const nowhere = isAnywhere ? 'no old root has it in another state than it is in now' : `it is in no old root, of ${String(roots.length)}`;
  const where = options.from === undefined ? nowhere : `it is not in ${options.from}`;
  throw new RootsError('not-found', `${printable(path)}: ${where}`, {
    hint:
      live.warning ??
      'paths are as they were on the live system; `roots find` looks for one in all old roots, `roots history` shows what became of it',
  });
}

/** As a snapshot of ZFS is called, without the `@`. */
function nameBeside({ tree }: ResolvedRoot): BytePath {
  return `.from-${(typeof tree === 'string' ? tree : tree.name).replace(/^@/, '')}` as BytePath;
}

interface Mounted {
  readonly mounts: readonly Mount[];
  /** Where live roots are mounted. */
  readonly lives: readonly BytePath[];
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

function destinationOf(
  { backend, name }: Target,
  source: BytePath,
  { to, persist = false }: RestoreOptions,
  where: Mounted,
): { readonly destination: BytePath; readonly warning?: string | null } {
  if (to !== undefined) return { destination: isTrustedDirectory(to) ? joinPath(to, baseName(source)) : to };
  if (backend.liveMountPoint === null)
    throw new RootsError('usage', `the live root of ${name} is not mounted, so there is no place where ${printable(source)} was`, {
      hint: 'say with --to where it should go',
    });
  const live = joinPath(backend.liveMountPoint, source);
  return persist ? persistedPlace(where, live) : { destination: live };
}

/** Of what is not persisted yet it is where other things are. Errors: `usage` if that is not known. */
function persistedPlace({ mounts, lives }: Mounted, live: BytePath): { readonly destination: BytePath; readonly warning: string | null } {
  const stored = storedAt(mounts, live, lives);
  if (stored !== null) {
    const isMountPoint = mounts.some(({ mountPoint }) => mountPoint === live);
    const warning = `${printable(live)} shows what it showed before until it is mounted again, at the next boot`;
    return { destination: stored, warning: isMountPoint ? warning : null };
  }
  const [storage, ...others] = storages(mounts, lives);
  if (storage === undefined || others.length > 0)
    throw new RootsError(
      'usage',
      storage === undefined
        ? 'nothing is mounted here out of a place that persists'
        : `what persists is in several places: ${[storage, ...others].map(printable).join(', ')}`,
      { hint: 'say with --to where it should go' },
    );
  const destination = joinPath(storage, live.slice(1) as BytePath);
  return {
    destination,
    warning: `${printable(live)} is not mounted from there yet: declare it persistent, or the next boot will not show it`,
  };
}
