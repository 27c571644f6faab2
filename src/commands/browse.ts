import * as Args from '@oclif/core/args';
import { BaseCommand } from '../base-command.ts';
import { browse } from '../operations/browse.ts';
import { runBrowser } from '../ui/browser.ts';
import { page } from '../ui/pager.ts';
import { requireTerminal } from '../ui/prompts.ts';
import { surroundingsOf } from '../ui/surroundings.ts';

export default class Browse extends BaseCommand {
  static override readonly summary = 'Walk, search, preview and restore interactively.';
  static override readonly description =
    'Asks for an old root, shows what is in it and finds paths as they are typed. What was found can be looked at, compared with what is there now, and restored. Nothing is changed before the plan was shown and agreed to. Escape goes one step back, Ctrl-C ends it.';
  static override readonly examples = [
    '<%= config.bin %> browse',
    '<%= config.bin %> browse latest',
    '<%= config.bin %> browse 2026-11-18',
  ];
  static override readonly args = {
    root: Args.string({ ignoreStdin: true, description: 'The old root to begin in. Without it, it asks.' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Browse);
    requireTerminal('`roots find` finds paths in old roots, and `roots restore PATH --from ROOT --yes` brings one back', {
      json: this.jsonEnabled(),
    });
    const context = await this.context(flags);
    const { restored, failed } = await browse(context, args.root, (session, start) =>
      runBrowser(
        surroundingsOf(context, session, (text) => page(text, process.env, process.stdout)),
        { start, picks: false },
      ),
    );
    if (failed > 0) this.end(restored > 0 ? 'partly' : 'failed');
    return undefined;
  }
}
