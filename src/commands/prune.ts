import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { planOnly, prune, type PruneOutcome, type PrunePlan } from '../operations/prune.ts';
import { planContract, pruneContract } from '../ui/contract.ts';
import { confirm, refuseToAsk } from '../ui/prompts.ts';
import { renderPlan, renderPruned, renderRemoval } from '../ui/prune-view.ts';
import { formatCount } from '../ui/format.ts';

export default class Prune extends BaseCommand {
  static override readonly summary = 'Remove the old roots that the policy does not keep.';
  static override readonly description =
    'Shows the plan with a reason for each old root, and asks. What is live, mounted, pinned or not understood is never removed, nor does anything go below the floor. A root that cannot be removed does not stop the others (exit status 3).';
  static override readonly examples = [
    '<%= config.bin %> prune --dry-run',
    '<%= config.bin %> prune --at 2027-01-01',
    '<%= config.bin %> prune --yes',
  ];
  static override readonly args = { target: Args.string({ ignoreStdin: true, description: 'Only this target.' }) };
  static override readonly flags = {
    'dry-run': Flags.boolean({ char: 'n', summary: 'Show the plan and change nothing.' }),
    at: Flags.string({
      summary: 'Show the plan for another moment, as a date or a time. Changes nothing.',
      helpValue: 'TIME',
      exclusive: ['yes'],
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask.', exclusive: ['at', 'dry-run'] }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Prune);
    const context = await this.context(flags);
    const zone = context.config.timezone;
    if (flags['dry-run'] || flags.at !== undefined) {
      const plan = await planOnly(context, { target: args.target, at: flags.at });
      this.show(() => `${renderPlan(this.screen, plan, zone)}\n\nNothing was changed.`);
      if (plan.problems.length > 0) this.end('partly');
      return planContract(plan);
    }
    if (!flags.yes) refuseToAsk('--yes, or look first with --dry-run', { json: this.jsonEnabled() });
    const agree = async (plan: PrunePlan): Promise<boolean> => {
      this.show(() => `${renderPlan(this.screen, plan, zone)}\n`);
      const count = plan.targets.reduce((sum, target) => sum + target.remove.length, 0);
      return flags.yes || count === 0 || confirm(`Remove ${formatCount(count, 'old root')}?`, '--yes');
    };
    const outcome = await prune(context, { target: args.target }, agree, (removal) => {
      this.show(() => renderRemoval(this.screen, removal));
    });
    this.show(() => renderPruned(this.screen, outcome));
    this.#end(outcome);
    return pruneContract(outcome);
  }

  #end({ removals, problems }: PruneOutcome): void {
    if (problems.length > 0 || removals.some(({ result }) => result === 'failed')) this.end('partly');
    this.endIfStopped();
  }
}
