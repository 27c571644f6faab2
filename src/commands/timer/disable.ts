import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { disableTimer } from '../../operations/timer.ts';
import { disabledContract, renderDisabled } from '../../ui/timer-view.ts';

export default class TimerDisable extends BaseCommand {
  static override readonly summary = 'Stop the timer and remove its units.';
  static override readonly description =
    'A run under way is stopped after its step. Only units that `roots timer enable` wrote are removed.';
  static override readonly examples = ['<%= config.bin %> timer disable'];
  static override readonly flags = {
    'dry-run': Flags.boolean({ char: 'n', summary: 'Say what would be removed and change nothing.' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(TimerDisable);
    const dryRun = flags['dry-run'];
    const outcome = await disableTimer(await this.context(flags), { dryRun });
    this.show(() => renderDisabled(outcome, { dryRun }));
    return disabledContract(outcome);
  }
}
