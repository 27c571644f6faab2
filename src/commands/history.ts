import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { printableText } from '../byte-path.ts';
import { contentsBetween, history, type History as Found } from '../operations/history.ts';
import { absolutePath } from '../ui/arguments.ts';
import { historyContract } from '../ui/contract.ts';
import { formatVersion, renderHistory } from '../ui/history-view.ts';
import { roomIn, startPager } from '../ui/pager.ts';

export default class History extends BaseCommand {
  static override readonly summary = 'Show the versions of one path in all old roots.';
  static override readonly description =
    'What is the same in many old roots is one version, with where it was first and last. A version differs in content, type, mode, owner or extended attributes, never in its time alone. PATH is as it was on the live system; a directory differs by the names in it.';
  static override readonly examples = ['<%= config.bin %> history ~/.config/app/settings.json', '<%= config.bin %> history -p /etc/fstab'];
  static override readonly args = {
    path: Args.string({ ignoreStdin: true, description: 'A file, a directory or anything else.', required: true }),
  };
  static override readonly flags = {
    target: Flags.string({ summary: 'The target that it is of, if that is not clear.', helpValue: 'TARGET' }),
    patch: Flags.boolean({ char: 'p', summary: 'What has changed from version to version, line by line.', exclusive: ['json'] }),
    'no-pager': Flags.boolean({ summary: 'With --patch, do not start a pager.', dependsOn: ['patch'] }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(History);
    const context = await this.context(flags);
    let result: object = {};
    await history(context, { path: absolutePath(args.path, process.cwd()), target: flags.target }, async (found) => {
      if (flags.patch && !this.jsonEnabled()) await this.#patches(found, { pager: !flags['no-pager'], now: context.now });
      else this.show(() => renderHistory(this.screen, found, context.now));
      for (const warning of found.warnings) this.logToStderr(`warning: ${printableText(warning)}`);
      for (const problem of found.problems) this.logToStderr(`not compared: ${printableText(problem)}`);
      if (found.problems.length > 0) this.end('partly');
      result = historyContract(found);
    });
    return result;
  }

  async #patches(found: Found, { pager: wanted, now }: { readonly pager: boolean; readonly now: Date }): Promise<void> {
    const pager = wanted ? startPager(process.env, process.stdout) : null;
    const output = pager?.stream ?? process.stdout;
    try {
      output.write(`${renderHistory(this.screen, found, now)}\n\n`);
      for (const version of found.versions) {
        if (pager?.isLeft === true) break;
        const what = { version, path: found.path, contents: contentsBetween(version) };
        output.write(await formatVersion(what, this.screen, !process.stdout.isTTY));
        await roomIn(output);
      }
    } finally {
      await pager?.close();
    }
  }
}
