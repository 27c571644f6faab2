import * as Args from '@oclif/core/args';
import { BaseCommand } from '../base-command.ts';
import { setPin } from '../operations/pin.ts';
import { pinContract } from '../ui/contract.ts';

export default class Unpin extends BaseCommand {
  static override readonly summary = 'Take the protection of an old root away.';
  static override readonly examples = ['<%= config.bin %> unpin 2026-11-20_18:20:00'];
  static override readonly args = {
    root: Args.string({ ignoreStdin: true, description: 'Its name, the start of it, its number, a date, or `latest`.', required: true }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Unpin);
    const result = await setPin(await this.context(flags), args.root, null);
    this.show(
      () =>
        `${result.judged.target.name}:${result.judged.name} ${result.changed ? 'is no longer pinned: the policy applies to it' : 'was not pinned'}.`,
    );
    return pinContract(result, false);
  }
}
