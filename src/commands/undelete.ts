import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { undelete } from '../operations/undelete.ts';
import { undeleteContract } from '../ui/contract.ts';
import { renderUndeleted } from '../ui/undelete-view.ts';

export default class Undelete extends BaseCommand {
  static override readonly summary = 'Take an old root back out of the trash.';
  static override readonly description =
    'It gets its old name back. The policy that removed it may remove it again at the next prune: --pin protects it.';
  static override readonly examples = ['<%= config.bin %> undelete latest', '<%= config.bin %> undelete 2026-11-04_16:22:50 --pin'];
  static override readonly args = {
    root: Args.string({
      ignoreStdin: true,
      description: 'Its name, the start of it, or `latest` for the one last removed.',
      required: true,
    }),
  };
  static override readonly flags = { pin: Flags.boolean({ summary: 'Pin it as well, so that no policy removes it.' }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Undelete);
    const result = await undelete(await this.context(flags), args.root, { pin: flags.pin });
    this.show(() => renderUndeleted(this.screen, result));
    return undeleteContract(result);
  }
}
