/**
 * oclif's help, with the exit statuses.
 */
import { CommandHelp, Help } from '@oclif/core/help';
import { EXIT_STATUS } from './errors.ts';

const EXIT_STATUS_ROWS = Object.values(EXIT_STATUS).map(({ status, meaning }): [string, string] => [String(status), meaning]);

export class RootsHelp extends Help {
  protected override CommandHelpClass = CommandHelpWithStatus;

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(this.section('EXIT STATUS', EXIT_STATUS_ROWS));
  }
}

class CommandHelpWithStatus extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    return [...super.sections(), { header: 'EXIT STATUS', generate: (_, header) => [{ header, body: EXIT_STATUS_ROWS }] }];
  }
}
