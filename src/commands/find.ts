import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { printableText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { TYPE_LETTERS, find, type FindOutcome } from '../operations/find.ts';
import { absolutePath } from '../ui/arguments.ts';
import { findContract, foundContract } from '../ui/contract.ts';
import { foundName, renderFindEnd, renderFound } from '../ui/find-view.ts';
import { formatNumber } from '../ui/format.ts';
import { renderJson } from '../ui/json.ts';
import { roomIn } from '../ui/pager.ts';
import { Progress } from '../ui/progress.ts';
import { screenOf } from '../ui/terminal.ts';

export default class Find extends BaseCommand {
  static override readonly summary = 'Find paths in all old roots.';
  static override readonly description =
    'A name without a slash is looked for anywhere. A path is as it was on the live system, and looked up without a search. In a pattern `*` and `?` do not cross a slash, `**` does; quote it from the shell.';
  static override readonly strict = false;
  static override readonly usage = 'find GLOB...';
  static override readonly examples = [
    '<%= config.bin %> find thesis.odt',
    "<%= config.bin %> find '/home/*/.ssh/**' --type f",
    "<%= config.bin %> find '*.conf' --newer 14d --content 'password *='",
  ];
  static override readonly args = {
    glob: Args.string({ ignoreStdin: true, description: 'A name, a path, or a pattern of either.', required: true }),
  };
  static override readonly flags = {
    target: Flags.string({ summary: 'Only the old roots of this target.', helpValue: 'TARGET' }),
    type: Flags.option({
      options: TYPE_LETTERS,
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Only what is of this type: the letters of find(1).',
    })(),
    newer: Flags.string({ summary: 'Only what was modified after this time, or within this long, such as 14d.', helpValue: 'TIME' }),
    size: Flags.string({ summary: 'Only files of this size as in find(1): +10M is more, -2k is less.', helpValue: '[+-]N[ckMG]' }),
    content: Flags.string({ summary: 'Only files with a line that matches, as grep -E does.', helpValue: 'REGEX' }),
    null: Flags.boolean({ char: 'z', summary: 'Only the paths as they are, each with a NUL after it.', exclusive: ['json', 'ndjson'] }),
    ndjson: Flags.boolean({ summary: 'One path a line, as JSON.', exclusive: ['json'] }),
  };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Find);
    const context = await this.context(flags);
    const progress = new Progress(process.stderr, screenOf(process.stderr, process.env), searching);
    let outcome: FindOutcome;
    try {
      outcome = await find(
        context,
        { ...flags, globs: argv as string[], types: flags.type ?? [], absolute: (text) => absolutePath(text, process.cwd()) },
        (count) => progress.update(count),
      );
    } finally {
      progress.clear();
    }
    const left = [...outcome.unread, ...outcome.problems.map(({ target, error }) => `${target}: ${error.message}`)];
    for (const warning of [...outcome.warnings, ...outcome.notLookedAt]) this.logToStderr(`warning: ${printableText(warning)}`);
    for (const each of left) this.logToStderr(`not searched: ${printableText(each)}`);
    if (left.length > 0) this.end('partly');
    else if (outcome.found.length === 0) throw nothingFound(outcome);
    for (const path of outcome.found) {
      if (this.jsonEnabled()) break;
      if (flags.null) process.stdout.write(foundName(path));
      else this.show(() => (flags.ndjson ? renderJson(foundContract(path)) : renderFound(this.screen, path, context.now)));
      await roomIn(process.stdout);
    }
    if (!flags.null && !flags.ndjson) this.show(() => `\n${renderFindEnd(this.screen, outcome)}`);
    return findContract(outcome);
  }
}

function nothingFound({ searched, warnings }: FindOutcome): RootsError {
  const where = searched === 0 ? 'there are no old roots yet' : `no such path in any old root, of ${String(searched)}`;
  const hint = "a name alone is looked for anywhere; quote patterns from the shell: roots find '*thesis*'";
  return new RootsError('not-found', where, { hint: warnings[0] === undefined ? hint : `see the warning above; ${hint}` });
}

function searching(count: number, perSecond: number): string {
  return `searching: ${formatNumber(count)} paths, ${formatNumber(perSecond)} a second`;
}
