/**
 * `roots prune --simulate`: what the policy would leave, day by day.
 */
import { parseName } from '../backend/name.ts';
import { RootsError } from '../errors.ts';
import { parseDuration } from '../retention/duration.ts';
import { isEmpty } from '../retention/policy.ts';
import { simulate, simulatedDays, type SimulatedDay } from '../retention/simulate.ts';
import type { Context } from './context.ts';
import { candidateOf, isOfBoot, judgeArchives } from './judge.ts';
import { withPolicy, type PruneOptions } from './prune.ts';
import { isRun, readLog } from './removal-log.ts';
import { withTargets, type Target, type TargetProblem } from './targets.ts';

export interface TargetSimulation {
  readonly target: Target;
  readonly policyIsEmpty: boolean;
  readonly days: readonly SimulatedDay[];
}

export interface Simulations {
  readonly simulations: readonly TargetSimulation[];
  readonly problems: readonly TargetProblem[];
}

/** Reads only. Errors: `usage` if `length` is no duration of 1 day to 10 years. */
export async function simulatePrune(context: Context, options: PruneOptions & { readonly length: string }): Promise<Simulations> {
  const zone = context.config.timezone;
  const length = parseDuration(options.length);
  const days = length === undefined ? undefined : simulatedDays(length, context.now, zone);
  if (days === undefined) {
    throw new RootsError('usage', `${options.length} is no duration of one day to ten years`, { hint: 'write it like 90d, 12w or 1y' });
  }
  return withTargets(context, { access: 'read', only: options.target }, async (opened, aside) => {
    const { archives, problems } = await judgeArchives(context, withPolicy(opened, aside, options), context.now);
    const simulations: TargetSimulation[] = [];
    for (const { target, roots } of archives) {
      const candidates = roots.filter(({ root }) => isOfBoot(root)).map(({ root }) => candidateOf(root));
      const options = { now: context.now, days, zone, alsoSeen: await removedBefore(context, target) };
      simulations.push({ target, policyIsEmpty: isEmpty(target.policy), days: simulate(candidates, target.policy, options) });
    }
    return { simulations, problems: [...aside.problems, ...problems] };
  });
}

/** When those were archived that the log says are gone: what earlier prunes have removed belongs to the rhythm all the same. */
async function removedBefore({ config }: Context, { backend }: Target): Promise<Date[]> {
  const names = (await readLog(backend)).flatMap((entry) =>
    !isRun(entry) && ['removed', 'trashed'].includes(entry.event) ? [entry.name] : [],
  );
  return [...new Set(names)].flatMap((name) => parseName(name, config.nameTimezone)?.time ?? []);
}
