import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { setPin } from '../operations/pin.ts';
import { pinContract } from '../ui/contract.ts';

export default class Pin extends BaseCommand {
  static override readonly summary = 'Protect one old root: no policy removes it.';
  static override readonly examples = ['<%= config.bin %> pin latest --note "before the upgrade"'];
  static override readonly args = {
    root: Args.string({ ignoreStdin: true, description: 'Its name, the start of it, its number, a date, or `latest`.', required: true }),
  };
  static override readonly flags = { note: Flags.string({ char: 'n', summary: 'Why; shown by `ls`.', default: '' }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Pin);
    const result = await setPin(await this.context(flags), args.root, flags.note);
    this.show(
      () =>
        `${result.judged.target.name}:${result.judged.name} ${result.changed ? 'is pinned: it stays until you unpin it' : 'was pinned already'}.`,
    );
    return pinContract(result, true);
  }
}
