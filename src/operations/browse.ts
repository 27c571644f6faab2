/**
 * `roots browse`: the old roots and what is in them, for somebody who looks for what was lost. What writes is the `restore` of `roots restore`.
 */
import type { Size, TreeRef } from '../backend/backend.ts';
import { isWithin, joinPath, printable, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import type { Contents } from '../diff/unified.ts';
import { RootsError } from '../errors.ts';
import { FILESYSTEM } from '../system/beneath.ts';
import type { Context } from './context.ts';
import { diffRoots, type DiffOutcome } from './diff.ts';
import { history, type History } from './history.ts';
import { UNKNOWN_SIZE } from './list.ts';
import { livePathOf, openRoot, type OpenRoot } from './open-root.ts';
import { contentsOf } from './patch.ts';
import { readableRootsOf, resolveRoot, type ResolvedRoot } from './resolve-root.ts';
import { restore, type RestoreOptions, type RestoreOutcome, type RestorePlan } from './restore.ts';
import type { Restored } from './restore-apply.ts';
import { withTargets, type Target, type TargetProblem } from './targets.ts';

/** Valid while `browse` runs. */
export interface BrowseSession {
  /** Read fresh. Errors: `not-found` if there are none. */
  roots(): Promise<{ readonly roots: readonly BrowsedRoot[]; readonly problems: readonly TargetProblem[] }>;
  /** Errors: `not-found`, also if it is there no more. */
  open(root: ResolvedRoot): Promise<OpenRoot>;
  /** From the old root to live, at and below a path. Errors: those of `diffRoots`; `not-found` if the root is there no more. */
  compareWithLive(
    root: ResolvedRoot,
    path: BytePath,
    take: (change: Change, contents: Contents | null) => Promise<void>,
  ): Promise<DiffOutcome>;
  /** The versions of a path in all old roots and in live. Errors: those of `history`. */
  versions(root: ResolvedRoot, path: BytePath): Promise<History>;
  /** As `restore` of one path. Errors: as there; `not-found` if the root is there no more. */
  restore(
    root: ResolvedRoot,
    path: BytePath,
    options: Pick<RestoreOptions, 'to' | 'conflict' | 'backup'>,
    agree: (plan: RestorePlan) => Promise<boolean>,
    onRestored: (restored: Restored) => void,
  ): Promise<RestoreOutcome | null>;
}

export interface BrowsedRoot {
  readonly root: ResolvedRoot;
  readonly size: Size;
}

/** `ref`: where to begin. Errors: as `withTargets` and `resolveRoot`; what `use` throws. */
export async function browse<T>(
  context: Context,
  ref: string | undefined,
  use: (session: BrowseSession, start: ResolvedRoot | null) => Promise<T>,
): Promise<T> {
  return withTargets(context, { access: 'read' }, async (targets, { problems }) => {
    const opened: OpenRoot[] = [];
    const session: BrowseSession = {
      roots: () => listAll(context, targets, problems),
      open: async (root) => {
        const open = await openRoot(context, root);
        opened.push(open);
        return open;
      },
      compareWithLive: (root, path, take) => compareWithLive(context, root, path, take),
      versions: (root, path) => versionsOf(context, root, path),
      restore: (root, path, options, agree, onRestored) =>
        restore(
          context,
          { ...options, paths: [pathForOthers(root.target, path)], from: root.label },
          (plan) => {
            for (const { from, source } of plan.items) {
              requireSame(root, from);
              requireInside(path, source);
            }
            return agree(plan);
          },
          onRestored,
        ),
    };
    try {
      return await use(session, ref === undefined ? null : await resolveRoot(context, targets, ref));
    } finally {
      await Promise.all(opened.map((each) => each.close()));
    }
  });
}

async function versionsOf(context: Context, { target }: ResolvedRoot, path: BytePath): Promise<History> {
  let found: History | undefined;
  await history(context, { path: pathForOthers(target, path), target: target.name }, (each) => {
    found = each;
    return Promise.resolve();
  });
  if (found === undefined) throw new RootsError('not-found', `/${printable(path)} is in no old root`);
  requireInside(path, found.path);
  return found;
}

/** As it is written for whatever takes paths of the live system. */
function pathForOthers(target: Target, path: BytePath): BytePath {
  return livePathOf(target, path) ?? joinPath(FILESYSTEM, path);
}

/** What is mounted on the live root can show another part of it there. */
function requireInside(chosen: BytePath, found: BytePath): void {
  if (!isWithin(found, chosen)) throw new RootsError('failed', `/${printable(chosen)} is another path now: /${printable(found)}`);
}

async function listAll(context: Context, targets: readonly Target[], before: readonly TargetProblem[]) {
  const found: BrowsedRoot[] = [];
  const problems = [...before];
  for (const target of targets) {
    try {
      const roots = await readableRootsOf(context, target);
      const sizes = target.backend.knownSizes(roots.flatMap(({ judged }) => judged?.root ?? []));
      found.push(...roots.map((root) => ({ root, size: sizes.get(root.judged?.root.id ?? '') ?? UNKNOWN_SIZE })));
    } catch (error) {
      // One archive that cannot be listed does not hide the others.
      if (!(error instanceof RootsError)) throw error;
      problems.push({ target: target.name, error });
    }
  }
  const [first] = problems;
  if (found.length === 0) throw first?.error ?? new RootsError('not-found', 'there are no old roots yet');
  return { roots: targets.length === 1 ? found : newestFirst(found, context.now), problems };
}

/** Those from the future after all others, as in the list of one target; last what has no time. */
function newestFirst(found: readonly BrowsedRoot[], now: Date): readonly BrowsedRoot[] {
  const timeOf = ({ root }: BrowsedRoot): number => root.judged?.root.archivedAt.getTime() ?? Number.NEGATIVE_INFINITY;
  const isPast = (each: BrowsedRoot): boolean => timeOf(each) <= now.getTime() && each.root.judged !== null;
  const rank = (each: BrowsedRoot): number => (isPast(each) ? 0 : each.root.judged === null ? 2 : 1);
  return [...found].sort((a, b) => rank(a) - rank(b) || (timeOf(a) === timeOf(b) ? 0 : timeOf(b) - timeOf(a)));
}

/** A name can be given to another tree meanwhile, or be one that means another root. */
function requireSame(chosen: ResolvedRoot, found: ResolvedRoot): void {
  if (chosen.target.name === found.target.name && idOf(chosen.tree) === idOf(found.tree)) return;
  throw new RootsError('not-found', `${chosen.label} is not what it was`);
}

function idOf(tree: TreeRef): string {
  return typeof tree === 'string' ? tree : `${tree.name}/${tree.id}`;
}

async function compareWithLive(
  context: Context,
  root: ResolvedRoot,
  path: BytePath,
  take: (change: Change, contents: Contents | null) => Promise<void>,
): Promise<DiffOutcome> {
  return diffRoots(
    context,
    {
      from: root.label,
      to: `${root.target.name}:live`,
      all: true,
      engine: 'walk',
      within: pathForOthers(root.target, path),
    },
    {
      begin: ({ from }) => {
        if (from !== root.label) throw new RootsError('not-found', `${root.label} is not what it was`);
      },
      change: (change, trees) => take(change, contentsOf(change, trees)),
    },
  );
}
