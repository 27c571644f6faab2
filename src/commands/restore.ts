import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { RootsError } from '../errors.ts';
import { browse } from '../operations/browse.ts';
import type { Context } from '../operations/context.ts';
import { restore, type RestoreOptions, type RestoreOutcome, type RestorePlan } from '../operations/restore.ts';
import { absolutePath } from '../ui/arguments.ts';
import { runBrowser, type Picked } from '../ui/browser.ts';
import { restoreContract, restorePlanContract } from '../ui/contract.ts';
import { page } from '../ui/pager.ts';
import { confirm, refuseToAsk } from '../ui/prompts.ts';
import { renderRestoreEnd, renderRestorePlan, renderRestored } from '../ui/restore-view.ts';
import { surroundingsOf } from '../ui/surroundings.ts';
import { isInteractive } from '../ui/terminal.ts';

export default class Restore extends BaseCommand {
  static override readonly summary = 'Bring files or whole trees back from an old root.';
  static override readonly description =
    'PATH is as it was on the live system. Without --from it comes from the newest old root that has it in another state than it is in now; without --to it goes back to where it was. Nothing that exists is overwritten unless --overwrite or --backup says so. Owner, mode, times, extended attributes, ACLs and capabilities come back with it. Without a PATH it asks.';
  static override readonly strict = false;
  static override readonly usage = 'restore [PATH...]';
  static override readonly examples = [
    '<%= config.bin %> restore ~/.config/app/settings.json',
    '<%= config.bin %> restore /etc/nixos --from 2026-11-18 --to /persist/etc',
    '<%= config.bin %> restore /home/alice/notes --backup --yes',
  ];
  static override readonly args = { path: Args.string({ ignoreStdin: true, description: 'What to bring back.' }) };
  static override readonly flags = {
    from: Flags.string({ summary: 'The old root to take it from.', helpValue: 'ROOT' }),
    to: Flags.string({ summary: 'A directory to put it in, or a new name for it.', helpValue: 'DEST' }),
    persist: Flags.boolean({
      summary: 'Put it where it persists: where its path is mounted from, or in the storage that others are mounted from.',
      exclusive: ['to'],
    }),
    overwrite: Flags.boolean({ summary: 'Replace files that exist and differ.' }),
    backup: Flags.string({
      summary: 'As --overwrite, and keep each replaced file beside the new one, as NAME.~1~, or as NAMESUFFIX with --backup=SUFFIX.',
      helpValue: '[SUFFIX]',
    }),
    'keep-both': Flags.boolean({
      summary: 'Where a file exists and differs, put the old one beside it, as NAME.from-ROOT.',
      exclusive: ['overwrite', 'backup'],
    }),
    'dry-run': Flags.boolean({ char: 'n', summary: 'Show what would be done and change nothing.', exclusive: ['yes'] }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask.' }),
  };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Restore, withNumberedBackups(this.argv));
    if (argv.length === 0)
      refuseToAsk('PATH, and --from if it should not be the newest old root that has it', { json: this.jsonEnabled() });
    const context = await this.context(flags);
    const picked = argv.length === 0 ? await this.#pick(context, flags.from) : null;
    if (argv.length === 0 && picked === null) return this.#leave(NOTHING);
    const options: RestoreOptions = {
      paths: picked === null ? (argv as string[]).map((path) => absolutePath(path, process.cwd())) : [picked.path],
      from: picked === null ? flags.from : picked.root?.label,
      conflict: flags['keep-both'] ? 'keep both' : flags.overwrite || flags.backup !== undefined ? 'overwrite' : 'leave',
      backup: flags.backup ?? null,
      persist: flags.persist,
      ...(flags.to === undefined ? {} : { to: absolutePath(flags.to, process.cwd()) }),
    };
    let planned: RestorePlan | undefined;
    const agree = async (plan: RestorePlan): Promise<boolean> => {
      planned = plan;
      // A name can be that of another root meanwhile.
      const chosen = picked?.root ?? null;
      if (chosen !== null && plan.items.some(({ from }) => from.label !== chosen.label))
        throw new RootsError('not-found', `${chosen.label} is not what it was`);
      for (const warning of plan.warnings) this.logToStderr(`warning: ${warning}`);
      if (flags['dry-run']) return false;
      if (flags.yes || !changesAnything(plan)) return true;
      return this.#ask(plan, context.now);
    };
    const outcome = await restore(context, options, agree, (restored) => {
      this.show(() => renderRestored(this.screen, restored));
    });
    if (outcome === null) {
      const plan = planned ?? NOTHING;
      if (flags['dry-run']) this.show(() => renderRestorePlan(this.screen, plan, context.now));
      return this.#leave(plan);
    }
    this.show(() => renderRestoreEnd(this.screen, outcome));
    this.#end(outcome);
    return restoreContract(outcome);
  }

  /** Null: it was thought better of. */
  async #pick(context: Context, from: string | undefined): Promise<Picked | null> {
    return browse(context, from, async (session, start) => {
      const around = surroundingsOf(context, session, (text) => page(text, process.env, process.stdout));
      return (await runBrowser(around, { start, picks: true })).picked;
    });
  }

  #leave(plan: RestorePlan): unknown {
    this.show(() => 'Nothing was changed.');
    return restorePlanContract(plan);
  }

  /** Creating what is not there harms nobody, so only replacing is asked about, or what was chosen by answering. */
  async #ask(plan: RestorePlan, now: Date): Promise<boolean> {
    const replaces = plan.items.some((item) => item.action === 'replace');
    if (!replaces && (!isInteractive() || this.jsonEnabled())) return true;
    refuseToAsk('--yes', { json: this.jsonEnabled() });
    this.show(() => renderRestorePlan(this.screen, plan, now));
    return confirm(replaces ? 'Restore this, replacing what exists?' : 'Restore this?', '--yes');
  }

  #end({ plan, results }: RestoreOutcome): void {
    const undone =
      plan.problems.length +
      results.filter(({ result, missing }) => result === 'failed' || result === 'refused' || missing.length > 0).length;
    if (undone > 0) this.end(results.some(({ result }) => result === 'restored') ? 'partly' : 'failed');
    this.endIfStopped();
  }
}

const NOTHING: RestorePlan = { items: [], problems: [], warnings: [] };

/** oclif has no options that may have a value. `''`: numbered. */
function withNumberedBackups(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, at) => (word === '--backup' && (end === -1 || at < end) ? '--backup=' : word));
}

function changesAnything(plan: RestorePlan): boolean {
  return plan.items.some((item) => item.action === 'create' || item.action === 'replace');
}
