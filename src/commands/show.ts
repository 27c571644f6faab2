import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { showRoot } from '../operations/show.ts';
import { showContract } from '../ui/contract.ts';
import { renderShow } from '../ui/show-view.ts';

export default class Show extends BaseCommand {
  static override readonly summary = 'Show all that is known of one old root.';
  static override readonly examples = ['<%= config.bin %> show latest', '<%= config.bin %> show 2026-11-20 --size'];
  static override readonly args = {
    root: Args.string({ ignoreStdin: true, description: 'Its name, the start of it, its number, a date, or `latest`.', required: true }),
  };
  static override readonly flags = {
    size: Flags.boolean({ summary: 'Measure its size if the filesystem does not keep it. May take long.' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Show);
    const context = await this.context(flags);
    const shown = await showRoot(context, args.root, { measure: flags.size });
    this.show(() => renderShow(this.screen, shown, { now: context.now, zone: context.config.timezone }));
    return showContract(shown, context.now);
  }
}
