import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { planRotations, rotate, type Rotations } from '../operations/rotate.ts';
import type { TargetRotation } from '../operations/rotate-plan.ts';
import { rotationsContract } from '../ui/contract.ts';
import { confirm, refuseToAsk } from '../ui/prompts.ts';
import { renderRotated, renderRotations, rotationQuestion } from '../ui/rotate-view.ts';

export default class Rotate extends BaseCommand {
  static override readonly summary = 'Take a snapshot of today and roll the slots: today, yesterday, 2daysago and so on.';
  static override readonly description =
    'Once a day it takes a read-only snapshot of the live root; further runs of the day take none. What a snapshot is called follows from when it was taken, so runs that were left out or cut short do no harm. The snapshots of the newest days stay, as many as there are slots.';
  static override readonly examples = [
    '<%= config.bin %> rotate --dry-run',
    '<%= config.bin %> rotate home --slots 7',
    '<%= config.bin %> rotate --yes',
  ];
  static override readonly args = { target: Args.string({ ignoreStdin: true, description: 'Only this target.' }) };
  static override readonly flags = {
    'dry-run': Flags.boolean({ char: 'n', summary: 'Show the plan and change nothing.' }),
    slots: Flags.integer({
      summary: 'How many days keep their snapshot, instead of what is configured.',
      helpValue: 'COUNT',
      min: 1,
      max: 1000,
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask.', exclusive: ['dry-run'] }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Rotate);
    const context = await this.context(flags);
    const options = { target: args.target, slots: flags.slots };
    if (flags['dry-run']) {
      const planned = await planRotations(context, options);
      this.show(() => `${renderRotations(this.screen, planned.rotations)}\n\nNothing was changed.`);
      return this.#end(planned);
    }
    if (!flags.yes) refuseToAsk('--yes, or look first with --dry-run', { json: this.jsonEnabled() });
    const agree = async (rotations: readonly TargetRotation[]): Promise<boolean> => {
      this.show(() => `${renderRotations(this.screen, rotations)}\n`);
      const question = rotationQuestion(rotations);
      return flags.yes || question === null || confirm(question, '--yes');
    };
    const done = await rotate(context, options, agree);
    this.showLines(() => renderRotated(this.screen, done));
    return this.#end(done);
  }

  #end(done: Rotations): object {
    const failed = done.outcomes.some(
      ({ stopped, removals, leftovers }) => stopped !== null || [...removals, ...leftovers].some(({ result }) => result === 'failed'),
    );
    if (failed || done.problems.length > 0) this.end('partly');
    this.endIfStopped();
    return rotationsContract(done);
  }
}
