import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { planOnly, prune, type PruneOptions, type PruneOutcome, type PrunePlan } from '../operations/prune.ts';
import { simulatePrune } from '../operations/simulate.ts';
import { POLICY_FLAGS, policyOfFlags } from '../policy-flags.ts';
import { planContract, pruneContract, simulationContract } from '../ui/contract.ts';
import { confirm, refuseToAsk } from '../ui/prompts.ts';
import { questionOf, renderPlan, renderPruned, renderRemoval, renderSimulations } from '../ui/prune-view.ts';

export default class Prune extends BaseCommand {
  static override readonly summary = 'Remove the old roots that the policy does not keep.';
  static override readonly description =
    'Shows the plan with a reason for each old root, and asks. What is live, mounted, pinned or not understood is never removed, nor does anything go below the floor. A root that cannot be removed does not stop the others (exit status 3). With `grace` in the configuration they go into the trash first, see `roots undelete`.';
  static override readonly examples = [
    '<%= config.bin %> prune --dry-run',
    '<%= config.bin %> prune --at 2027-01-01',
    '<%= config.bin %> prune --simulate 90d --keep-daily 7 --keep-monthly 6',
    '<%= config.bin %> prune --yes',
  ];
  static override readonly args = { target: Args.string({ ignoreStdin: true, description: 'Only this target.' }) };
  static override readonly flags = {
    'dry-run': Flags.boolean({ char: 'n', summary: 'Show the plan and change nothing.' }),
    at: Flags.string({
      summary: 'Show the plan for another moment, as a date or a time. Changes nothing.',
      helpValue: 'TIME',
      exclusive: ['yes', 'simulate'],
    }),
    simulate: Flags.string({
      summary: 'Show day by day what there would be for that long. Changes nothing.',
      helpValue: 'DURATION',
      exclusive: ['yes'],
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask.', exclusive: ['at', 'dry-run', 'simulate'] }),
    ...POLICY_FLAGS,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Prune);
    const policy = policyOfFlags(flags);
    const context = await this.context(flags);
    const options: PruneOptions = { target: args.target, policy };
    const zone = context.config.timezone;
    if (flags.simulate !== undefined) {
      const simulations = await simulatePrune(context, { ...options, length: flags.simulate });
      this.show(() => renderSimulations(this.screen, simulations, zone));
      if (simulations.problems.length > 0) this.end('partly');
      return simulationContract(simulations);
    }
    if (flags['dry-run'] || flags.at !== undefined) {
      const plan = await planOnly(context, { ...options, at: flags.at });
      this.show(() => `${renderPlan(this.screen, plan, zone)}\n\nNothing was changed.`);
      if (plan.problems.length > 0) this.end('partly');
      return planContract(plan);
    }
    if (!flags.yes) refuseToAsk('--yes, or look first with --dry-run', { json: this.jsonEnabled() });
    const agree = async (plan: PrunePlan): Promise<boolean> => {
      this.show(() => `${renderPlan(this.screen, plan, zone)}\n`);
      const question = questionOf(plan);
      return flags.yes || question === null || confirm(question, '--yes');
    };
    const outcome = await prune(context, options, agree, (removal) => {
      this.show(() => renderRemoval(this.screen, removal), removal.result === 'failed' ? 'error' : 'notice');
    });
    this.showLines(() => renderPruned(this.screen, outcome));
    this.#end(outcome);
    return pruneContract(outcome);
  }

  #end({ removals, problems, outcomes }: PruneOutcome): void {
    const failed = removals.some(({ result }) => result === 'failed');
    const left = [...outcomes.values()].some(({ leftovers }) => leftovers.some(({ result }) => result === 'failed'));
    const short = [...outcomes.values()].some(({ space }) =>
      ['nothing more may go', 'there is never so much'].includes(space?.short ?? ''),
    );
    if (problems.length > 0 || failed || left || short) this.end('partly');
    this.endIfStopped();
  }
}
