import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { printableText, type BytePath } from '../byte-path.ts';
import { EXIT_STATUS, RootsError } from '../errors.ts';
import type { Change } from '../diff/change.ts';
import { ENGINES, diffRoots } from '../operations/diff.ts';
import { absolutePath } from '../ui/arguments.ts';
import { changeContract, diffContract } from '../ui/contract.ts';
import { nameStatus } from '../ui/diff-names.ts';
import { StatView } from '../ui/diff-stat.ts';
import { SummaryView, type ChangeView } from '../ui/diff-summary.ts';
import { DiffView } from '../ui/diff-view.ts';
import { formatSides } from '../ui/format.ts';
import { renderJson } from '../ui/json.ts';

export default class Diff extends BaseCommand {
  static override readonly summary = 'Show what changed between two trees.';
  static override readonly description =
    'Without an argument, from the blank to the live root: what the next boot will lose. With one, from the blank to that root: what that boot wrote. With two, from the first to the second. After `--`, only what is at or below that path.';
  static override readonly usage = 'diff [FROM] [TO] [-- PATH]';
  static override readonly examples = [
    '<%= config.bin %> diff',
    '<%= config.bin %> diff latest',
    '<%= config.bin %> diff latest~1 latest -- /etc',
    '<%= config.bin %> diff 2026-11-20 live --json',
  ];
  static override readonly args = {
    from: Args.string({ ignoreStdin: true, description: 'A root: its name, its number, a date, `latest`, `live` or `blank`.' }),
    to: Args.string({ ignoreStdin: true, description: 'Another.' }),
  };
  static override readonly flags = {
    recursive: Flags.boolean({ char: 'r', summary: 'List all that is in new and removed directories, too.' }),
    ndjson: Flags.boolean({ summary: 'One change a line, as it is found: for trees too large to hold.', exclusive: ['json'] }),
    stat: Flags.boolean({ summary: 'A bar for each directory.', exclusive: ['json', 'ndjson'] }),
    summary: Flags.boolean({ summary: 'Only how many there are.', exclusive: ['json', 'ndjson', 'stat'] }),
    'name-status': Flags.boolean({ summary: 'A letter and a path for each.', exclusive: ['json', 'ndjson', 'stat', 'summary'] }),
    null: Flags.boolean({ char: 'z', summary: 'With --name-status, end each part with a NUL.', dependsOn: ['name-status'] }),
    all: Flags.boolean({ char: 'a', summary: 'Show what is hidden, too.' }),
    engine: Flags.option({ options: ENGINES, summary: 'How differences are found; without it, the fastest way.' })(),
    verbose: Flags.boolean({ char: 'v', summary: 'Say which engine found them, and why that one.' }),
    'exit-code': Flags.boolean({ summary: 'Exit with 1 if there are differences, as diff(1) does.' }),
  };

  async run(): Promise<unknown> {
    const { path, roots } = this.#splitPath();
    const { args, flags } = await this.parse(Diff, roots);
    const context = await this.context(flags);
    const changes: Change[] = [];
    const view = this.#viewFor(flags);
    const isForPrograms = flags.ndjson || flags['name-status'];
    let count = 0;
    const outcome = await diffRoots(
      context,
      {
        ...(args.to === undefined ? { to: args.from } : { from: args.from, to: args.to }),
        within: path,
        engine: flags.engine,
        all: flags.all,
      },
      (header) => {
        if (flags.verbose) this.logToStderr(`engine: ${header.engine}, as ${printableText(header.why)}`);
        if (!isForPrograms) this.show(() => `${this.screen.style('bold', formatSides(header))}\n`);
      },
      (change) => {
        count += 1;
        if (flags.ndjson) this.show(() => renderJson(changeContract(change)));
        else if (this.jsonEnabled()) changes.push(change);
        else if (flags['name-status']) process.stdout.write(nameStatus(change, { zero: flags.null }));
        else view.add(change);
      },
    );
    if (!isForPrograms) this.show(() => view.end(outcome.hidden));
    for (const warning of outcome.warnings) this.logToStderr(`warning: ${printableText(warning)}`);
    for (const problem of outcome.problems) this.logToStderr(`not compared: ${printableText(problem)}`);
    if (outcome.problems.length > 0) this.end('partly');
    if (flags['exit-code'] && count > 0) process.exitCode = EXIT_STATUS.failed.status;
    return diffContract(outcome, changes);
  }

  #viewFor({ stat, summary, recursive }: { readonly stat: boolean; readonly summary: boolean; readonly recursive: boolean }): ChangeView {
    const write = (line: string): void => {
      this.show(() => line);
    };
    if (summary) return new SummaryView(this.screen);
    return stat ? new StatView(this.screen, write) : new DiffView(this.screen, { recursive, write });
  }

  /** What comes after `--` is a path; oclif would take it for one more argument. */
  #splitPath(): { path: BytePath | undefined; roots: string[] } {
    const at = this.argv.indexOf('--');
    if (at === -1) return { path: undefined, roots: this.argv };
    const [path, ...more] = this.argv.slice(at + 1);
    if (path === undefined || more.length > 0)
      throw new RootsError('usage', 'after `--` comes one path', { hint: 'for example: roots diff latest -- /etc' });
    return { path: absolutePath(path, process.cwd()), roots: this.argv.slice(0, at) };
  }
}
