/**
 * `roots prune`: a plan with a reason for each old root, and its application one step at a time.
 */
import { RootsError } from '../errors.ts';
import { parseMoment } from '../retention/moment.ts';
import type { Policy } from '../retention/policy.ts';
import type { Context } from './context.ts';
import { judgeArchives, type JudgedRoot, type JudgedTrash } from './judge.ts';
import { planTarget, type TargetPlan } from './prune-plan.ts';
import { pruneTarget, type TargetOutcome } from './prune-target.ts';
import type { OnRemoval, Removal } from './removal-step.ts';
import { withTargets, type Aside, type Target, type TargetProblem } from './targets.ts';

export interface PrunePlan {
  /** The moment that was planned for. */
  readonly at: Date;
  readonly targets: readonly TargetPlan[];
  /** Targets that could not be looked at. */
  readonly problems: readonly TargetProblem[];
}

export interface PruneOutcome {
  readonly plan: PrunePlan;
  /** In the order in which they were tried. */
  readonly removals: readonly Removal[];
  /** What was to go for certain and was not tried, because it was stopped or its target could not be worked on. */
  readonly notTried: readonly (JudgedRoot | JudgedTrash)[];
  readonly outcomes: ReadonlyMap<TargetPlan, TargetOutcome>;
  /** Targets that could not be worked on, or not to the end. */
  readonly problems: readonly TargetProblem[];
}

export interface PruneOptions {
  readonly target?: string | undefined;
  /** Instead of what is configured. */
  readonly policy?: Policy | undefined;
}

/** Plans, has the plan agreed to, applies it. Nothing is changed unless `agree` says so. */
export async function prune(
  context: Context,
  options: PruneOptions,
  agree: (plan: PrunePlan) => Promise<boolean>,
  onRemoval: OnRemoval,
): Promise<PruneOutcome> {
  return withTargets(context, { access: 'write', only: options.target }, async (opened, aside) => {
    const plan = await planPrune(context, withPolicy(opened, aside, options), context.now, aside.problems);
    const outcomes = new Map<TargetPlan, TargetOutcome>();
    const removals: Removal[] = [];
    const problems = [...plan.problems];
    const agreed = (await agree(plan)) ? plan.targets.filter(({ policyIsEmpty, purge }) => !policyIsEmpty || purge.length > 0) : [];
    for (const each of agreed) {
      try {
        outcomes.set(
          each,
          await pruneTarget(context, each, (removal) => {
            removals.push(removal);
            onRemoval(removal);
          }),
        );
      } catch (error) {
        // One target that is locked or broken does not stop the others; alone, its error is that of the command.
        if (!(error instanceof RootsError) || (plan.targets.length === 1 && removals.length === 0)) throw error;
        problems.push({ target: each.target.name, error });
      }
    }
    const tried = new Set(removals.map((removal) => removal.judged));
    const certain = plan.targets.flatMap(({ remove, purge }) => [...remove, ...purge]);
    return { plan, outcomes, removals, problems, notTried: certain.filter((judged) => !tried.has(judged)) };
  });
}

/** The plan alone, for `at` as it was written (a date or a time), or for now. Reads only. Errors: `usage` if `at` is neither. */
export async function planOnly(context: Context, options: PruneOptions & { readonly at: string | undefined }): Promise<PrunePlan> {
  const at = options.at === undefined ? context.now : momentOf(options.at, context.config.timezone);
  return withTargets(context, { access: 'read', only: options.target }, (targets, aside) =>
    planPrune(context, withPolicy(targets, aside, options), at, aside.problems),
  );
}

/** One policy for several targets is seldom what was meant, and what it removes is gone. Those count that cannot be opened too. */
export function withPolicy(targets: readonly Target[], { problems }: Aside, { policy }: PruneOptions): readonly Target[] {
  if (policy === undefined) return targets;
  const names = [...targets.map(({ name }) => name), ...problems.map(({ target }) => target)];
  if (names.length > 1) {
    throw new RootsError('usage', 'the policy on the command line would be for every target', {
      hint: `name the one that it is for: ${names.join(', ')}`,
    });
  }
  return targets.map((target) => ({ ...target, policy }));
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
  const now = at.getTime() === context.now.getTime();
  return {
    at,
    targets: judged.archives.map((archive) => planTarget(archive, { now })),
    problems: [...problems, ...judged.problems],
  };
}
