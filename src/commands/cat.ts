import * as Args from '@oclif/core/args';
import { BaseCommand } from '../base-command.ts';
import { RootsError } from '../errors.ts';
import { readOldFile, type OpenFile } from '../operations/cat.ts';
import { absolutePath } from '../ui/arguments.ts';
import { roomIn } from '../ui/pager.ts';

/** All but tab, line feed and carriage return; those of C1 in UTF-8 too. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\u00c2[\u0080-\u009f]/;

export default class Cat extends BaseCommand {
  static override readonly summary = 'Write one file of an old root to standard output.';
  static override readonly description =
    'PATH is as it was on the live system. Symbolic links are followed inside the old root. What is no text is not written to a terminal. With --json only errors can be told.';
  static override readonly examples = [
    '<%= config.bin %> cat latest ~/.config/app/settings.json',
    '<%= config.bin %> cat 2026-11-18 /etc/hosts | diff - /etc/hosts',
  ];
  static override readonly args = {
    root: Args.string({
      ignoreStdin: true,
      description: 'A root: its name, its number, a date, `latest`, `live` or `blank`.',
      required: true,
    }),
    path: Args.string({ ignoreStdin: true, description: 'The file.', required: true }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Cat);
    if (this.jsonEnabled())
      throw new RootsError('usage', 'the bytes of a file are no JSON', {
        hint: 'leave --json out; `roots history PATH --json` tells what is known of it',
      });
    const context = await this.context(flags);
    await readOldFile(context, { root: args.root, path: absolutePath(args.path, process.cwd()) }, async (file) => {
      await this.#write(file, context.signal);
    });
    this.endIfStopped();
    return undefined;
  }

  async #write(file: OpenFile, signal: AbortSignal): Promise<void> {
    const output = { isLeft: false };
    process.stdout.once('error', () => (output.isLeft = true));
    for await (const piece of file.pieces()) {
      if (process.stdout.isTTY && CONTROLS.test(piece.toString('latin1'))) throw binary();
      process.stdout.write(piece);
      await roomIn(process.stdout);
      if (output.isLeft || signal.aborted) return;
    }
  }
}

function binary(): RootsError {
  return new RootsError('failed', 'it is no text, and could confuse the terminal', { hint: 'write it to a file: add `> FILE`' });
}
