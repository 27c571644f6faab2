import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { listRoots } from '../operations/list.ts';
import { listContract } from '../ui/contract.ts';
import { renderList } from '../ui/list-view.ts';

export default class Ls extends BaseCommand {
  static override readonly summary = 'List the old roots, newest first.';
  static override readonly description =
    'For each: its number, when it was archived, its age, its sizes where they are known, and which rules keep it or why the next prune removes it.';
  static override readonly examples = ['<%= config.bin %> ls', '<%= config.bin %> ls home --size', '<%= config.bin %> ls --json'];
  static override readonly args = { target: Args.string({ ignoreStdin: true, description: 'Only this target.' }) };
  static override readonly flags = { size: Flags.boolean({ summary: 'Measure sizes that the filesystem does not keep. May take long.' }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Ls);
    const context = await this.context(flags);
    const outcome = await listRoots(context, { target: args.target, measure: flags.size });
    this.show(() => renderList(this.screen, outcome, { now: context.now, zone: context.config.timezone }));
    if (outcome.problems.length > 0) this.end('partly');
    return listContract(outcome, context.now);
  }
}
