/**
 * `roots prune`: a plan with a reason for each old root, and its application one removal at a time.
 */
import type { Archive } from '../backend/old-root.ts';
import { printable } from '../byte-path.ts';
import { RootsError, messageOf } from '../errors.ts';
import { parseMoment } from '../retention/moment.ts';
import { isEmpty } from '../retention/policy.ts';
import type { Context } from './context.ts';
import { judgeArchive, judgeArchives, type JudgedArchive, type JudgedRoot } from './judge.ts';
import { withTargets, type Target, type TargetProblem } from './targets.ts';

export interface TargetPlan {
  readonly target: Target;
  readonly keep: readonly JudgedRoot[];
  /** Oldest first: the order in which they go. */
  readonly remove: readonly JudgedRoot[];
  /** What is not understood. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
  readonly warnings: readonly string[];
  /** Bytes; null if the filesystem cannot tell for all of them. */
  readonly freedBytes: number | null;
  readonly policyIsEmpty: boolean;
}

export interface PrunePlan {
  /** The moment that was planned for. */
  readonly at: Date;
  readonly targets: readonly TargetPlan[];
  /** Targets that could not be looked at. */
  readonly problems: readonly TargetProblem[];
}

export interface Removal {
  readonly judged: JudgedRoot;
  readonly result: 'removed' | 'failed';
  /** Why it failed, safe to print. */
  readonly error: string | null;
  /** What had to be changed to remove it. */
  readonly notes: readonly string[];
}

export interface PruneOutcome {
  readonly plan: PrunePlan;
  /** In the order in which they were tried. */
  readonly removals: readonly Removal[];
  /** Those of the plan that were not tried, because it was stopped or their target could not be worked on. */
  readonly notTried: readonly JudgedRoot[];
  /** Targets that could not be worked on, or not to the end. */
  readonly problems: readonly TargetProblem[];
}

/** Told of each removal as it happens. */
export type OnRemoval = (removal: Removal) => void;

export interface PruneOptions {
  readonly target?: string | undefined;
}

/** Plans, has the plan agreed to, applies it. Nothing is changed unless `agree` says so. */
export async function prune(
  context: Context,
  options: PruneOptions,
  agree: (plan: PrunePlan) => Promise<boolean>,
  onRemoval: OnRemoval,
): Promise<PruneOutcome> {
  return withTargets(context, { access: 'write', only: options.target }, async (targets, aside) => {
    const plan = await planPrune(context, targets, context.now, aside.problems);
    if (!(await agree(plan))) return { plan, removals: [], problems: plan.problems, notTried: plan.targets.flatMap((each) => each.remove) };
    const removals: Removal[] = [];
    const problems = [...plan.problems];
    const record: OnRemoval = (removal) => {
      removals.push(removal);
      onRemoval(removal);
    };
    for (const each of plan.targets) {
      if (each.policyIsEmpty) continue;
      try {
        await applyToTarget(context, each, record);
      } catch (error) {
        // One target that is locked or broken does not stop the others; alone, its error is that of the command.
        if (!(error instanceof RootsError) || (plan.targets.length === 1 && removals.length === 0)) throw error;
        problems.push({ target: each.target.name, error });
      }
    }
    const tried = new Set(removals.map((removal) => removal.judged));
    return { plan, removals, problems, notTried: plan.targets.flatMap((each) => each.remove.filter((judged) => !tried.has(judged))) };
  });
}

/** The plan alone, for `at` as it was written (a date or a time), or for now. Reads only. Errors: `usage` if `at` is neither. */
export async function planOnly(context: Context, options: PruneOptions & { readonly at: string | undefined }): Promise<PrunePlan> {
  const at = options.at === undefined ? context.now : momentOf(options.at, context.config.timezone);
  return withTargets(context, { access: 'read', only: options.target }, (targets, { problems }) =>
    planPrune(context, targets, at, problems),
  );
}

function momentOf(text: string, zone: string | undefined): Date {
  const moment = parseMoment(text, zone);
  if (moment !== undefined) return moment.start;
  throw new RootsError('usage', `${text} is no date or time`, {
    hint: 'write it like 2027-01-01, 2027-01-01T06:00 or 2027-01-01T06:00:00Z',
  });
}

async function planPrune(context: Context, targets: readonly Target[], at: Date, problems: readonly TargetProblem[]): Promise<PrunePlan> {
  const judged = await judgeArchives(context, targets, at);
  return { at, targets: judged.archives.map(planOfTarget), problems: [...problems, ...judged.problems] };
}

function planOfTarget(archive: JudgedArchive): TargetPlan {
  const { target, roots, unrecognised, warnings } = archive;
  const remove = roots.filter((each) => !each.keep).toReversed();
  return {
    target,
    keep: roots.filter((each) => each.keep),
    remove,
    skipped: unrecognised.map(skipped),
    warnings,
    freedBytes: freed(target, remove),
    policyIsEmpty: isEmpty(target.policy),
  };
}

function skipped({ name, why }: Archive['unrecognised'][number]): { name: string; why: string } {
  return { name: printable(name), why };
}

function freed(target: Target, remove: readonly JudgedRoot[]): number | null {
  const sizes = target.backend.knownSizes(remove.map(({ root }) => root));
  return remove.reduce<number | null>((sum, { root }) => {
    const bytes = sizes.get(root.id)?.exclusiveBytes ?? null;
    return sum === null || bytes === null ? null : sum + bytes;
  }, 0);
}

async function applyToTarget(context: Context, plan: TargetPlan, onRemoval: OnRemoval): Promise<void> {
  const { backend } = plan.target;
  const lock = await backend.lock('exclusive');
  try {
    await backend.sweep();
    // The same plan must come out now that nobody else is at work: with fewer roots than before, the floor lies elsewhere.
    const now = planOfTarget(await judgeArchive(context, plan.target));
    const stillGoing = new Map(now.remove.map((judged) => [judged.root.id, judged]));
    for (const planned of plan.remove) {
      if (context.signal.aborted) break;
      onRemoval(await removeOne(planned, stillGoing.get(planned.root.id)));
    }
    if (plan.remove.length > 0) await backend.flush();
  } finally {
    await lock.release();
  }
}

/** A failure is a result: the others are still to be removed. */
async function removeOne(planned: JudgedRoot, current: JudgedRoot | undefined): Promise<Removal> {
  try {
    if (current?.name !== planned.name)
      throw new RootsError('failed', `${planned.name} is not removed: the archive has changed since the plan was made`);
    const { notes } = await planned.target.backend.remove(current.root);
    return { judged: planned, result: 'removed', error: null, notes };
  } catch (error) {
    return { judged: planned, result: 'failed', error: messageOf(error), notes: [] };
  }
}
