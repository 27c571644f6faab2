import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { printableText, type BytePath } from '../byte-path.ts';
import { EXIT_STATUS, RootsError } from '../errors.ts';
import type { Change } from '../diff/change.ts';
import { ENGINES, diffRoots, type DiffOutcome } from '../operations/diff.ts';
import { contentsOf } from '../operations/patch.ts';
import { absolutePath } from '../ui/arguments.ts';
import { changeContract, diffContract } from '../ui/contract.ts';
import { nameStatus, snapperStatus } from '../ui/diff-names.ts';
import { StatView } from '../ui/diff-stat.ts';
import { SummaryView, type ChangeView } from '../ui/diff-summary.ts';
import { TreeView } from '../ui/diff-tree.ts';
import { DiffView } from '../ui/diff-view.ts';
import { formatNumber, formatSides } from '../ui/format.ts';
import { renderJson } from '../ui/json.ts';
import { roomIn, startPager, type Pager, type Writable } from '../ui/pager.ts';
import { PatchView } from '../ui/patch-view.ts';
import { Progress } from '../ui/progress.ts';
import { screenOf } from '../ui/terminal.ts';

/** What is for people, or for other programs in another way. */
const FOR_PEOPLE = ['json', 'ndjson', 'stat', 'summary', 'tree', 'patch'];

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
    tree: Flags.boolean({ summary: 'As a tree of directories.', exclusive: ['json', 'ndjson', 'stat', 'summary'] }),
    patch: Flags.boolean({
      char: 'p',
      summary: 'What has changed in files, line by line.',
      exclusive: ['json', 'ndjson', 'stat', 'summary', 'tree', 'recursive'],
    }),
    'name-status': Flags.boolean({ summary: 'A letter and a path for each.', exclusive: FOR_PEOPLE }),
    status: Flags.boolean({ summary: 'As `snapper status` has it.', exclusive: [...FOR_PEOPLE, 'name-status'] }),
    null: Flags.boolean({ char: 'z', summary: 'With --name-status, end each part with a NUL.', dependsOn: ['name-status'] }),
    all: Flags.boolean({ char: 'a', summary: 'Show what is hidden, too.' }),
    engine: Flags.option({ options: ENGINES, summary: 'How differences are found; without it, the fastest way.' })(),
    verbose: Flags.boolean({ char: 'v', summary: 'Say which engine found them, and why that one.' }),
    'no-pager': Flags.boolean({ summary: 'With --patch, do not start a pager.', dependsOn: ['patch'] }),
    'exit-code': Flags.boolean({ summary: 'Exit with 1 if there are differences, as diff(1) does.' }),
  };

  async run(): Promise<unknown> {
    const { path, roots } = this.#splitPath();
    const { args, flags } = await this.parse(Diff, roots);
    const context = await this.context(flags);
    const changes: Change[] = [];
    // oclif looks at the environment each time, which for each change would take as long as all else.
    const isJson = this.jsonEnabled();
    const paging: { pager: Pager | null } = { pager: null };
    const output = (): Writable => paging.pager?.stream ?? process.stdout;
    const progress = new Progress(process.stderr, screenOf(process.stderr, process.env), comparing);
    const write = (text: Buffer): void => {
      progress.clear();
      output().write(text);
    };
    const say = (text: string): void => {
      if (!isJson) write(Buffer.from(`${text}\n`));
    };
    const view = this.#viewFor(flags, say);
    const patches = flags.patch ? new PatchView(this.screen, { raw: !process.stdout.isTTY, write }) : null;
    const isForPrograms = flags.ndjson || flags['name-status'] || flags.status;
    let count = 0;
    const diffing = diffRoots(
      context,
      {
        ...(args.to === undefined ? { to: args.from } : { from: args.from, to: args.to }),
        within: path,
        engine: flags.engine,
        all: flags.all,
      },
      {
        begin: (header) => {
          // Not before: nobody is to look at a pager that an error keeps waiting.
          if (flags.patch && !isJson && !flags['no-pager']) paging.pager = startPager(process.env, process.stdout);
          if (flags.verbose) this.logToStderr(`engine: ${header.engine}, as ${printableText(header.why)}`);
          if (!isForPrograms) say(`${this.screen.style('bold', formatSides(header))}\n`);
        },
        progress: (compared) => {
          if (paging.pager === null) progress.update(compared);
        },
        change: (change, trees) => {
          count += 1;
          if (paging.pager?.isLeft === true) return undefined;
          if (isJson) changes.push(change);
          else if (patches !== null) return patches.add(change, contentsOf(change, trees)).then(() => roomIn(output()));
          else if (flags.ndjson) say(renderJson(changeContract(change)));
          else if (flags['name-status']) write(nameStatus(change, { zero: flags.null }));
          else if (flags.status) write(snapperStatus(change));
          else view.add(change);
          return output().writableNeedDrain ? roomIn(output()) : undefined;
        },
      },
    );
    let outcome: DiffOutcome;
    try {
      outcome = await diffing;
      if (!isForPrograms) say((patches ?? view).end(outcome.hidden));
    } finally {
      progress.clear();
      await paging.pager?.close();
    }
    for (const warning of outcome.warnings) this.logToStderr(`warning: ${printableText(warning)}`);
    for (const problem of outcome.problems) this.logToStderr(`not compared: ${printableText(problem)}`);
    if (outcome.problems.length > 0) this.end('partly');
    if (flags['exit-code'] && count > 0) process.exitCode = EXIT_STATUS.failed.status;
    return diffContract(outcome, changes);
  }

  #viewFor(
    { stat, summary, tree, recursive }: Readonly<Record<'stat' | 'summary' | 'tree' | 'recursive', boolean>>,
    write: (line: string) => void,
  ): ChangeView {
    if (summary) return new SummaryView(this.screen);
    if (stat) return new StatView(this.screen, write);
    return tree ? new TreeView(this.screen, { recursive, write }) : new DiffView(this.screen, { recursive, write });
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

function comparing(count: number, perSecond: number): string {
  return `comparing: ${formatNumber(count)} paths, ${formatNumber(perSecond)} a second`;
}
