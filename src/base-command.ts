/**
 * What all commands share: the common flags, the JSON envelope, signals, and the way from an error to an exit status.
 */
import { readFileSync } from 'node:fs';
import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import { fromBytes, printableText, textOfArgument } from './byte-path.ts';
import { readConfig } from './config.ts';
import { EXIT_STATUS, RootsError, messageOf, type Outcome } from './errors.ts';
import { createContext, type Context } from './operations/context.ts';
import { renderJson } from './ui/json.ts';
import { screenOf, wrapText, type Screen } from './ui/terminal.ts';

export abstract class BaseCommand extends Command {
  static override readonly enableJsonFlag = true;
  static override readonly baseFlags = {
    config: Flags.string({ summary: 'Read this configuration instead of /etc/roots.toml.', helpValue: 'FILE', helpGroup: 'GLOBAL' }),
  };

  /** For standard output. */
  protected readonly screen: Screen = screenOf(process.stdout, process.env);
  readonly #abort = new AbortController();

  /** With the configuration and this moment. From here on a signal stops the operation between two steps, and a second one at once. */
  protected async context(flags: { readonly config?: string | undefined }): Promise<Context> {
    const stop = (): void => {
      if (this.#abort.signal.aborted) process.exit(EXIT_STATUS.interrupted.status);
      this.#abort.abort();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    const config = await readConfig({ ...(flags.config === undefined ? {} : { path: flags.config }), env: process.env });
    return createContext({ config, signal: this.#abort.signal, now: new Date(), privileged: process.geteuid?.() === 0 });
  }

  /** Text for people; with --json it is not even made. */
  protected show(text: () => string): void {
    if (!this.jsonEnabled()) process.stdout.write(`${text()}\n`);
  }

  /** For results that are not quite what was asked for. */
  protected end(outcome: Outcome): void {
    process.exitCode = EXIT_STATUS[outcome].status;
  }

  protected endIfStopped(): void {
    if (this.#abort.signal.aborted) this.end('interrupted');
  }

  /** Arguments as they were written, byte for byte: what is not UTF-8 reaches `fromText` as lone surrogates. */
  override async init(): Promise<void> {
    await super.init();
    if (!this.argv.some((argument) => argument.includes('\ufffd'))) return;
    const raw = fromBytes(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1);
    this.argv = raw.slice(raw.length - this.argv.length).map((argument) => textOfArgument(argument as never));
  }

  override logJson(json: unknown): void {
    process.stdout.write(`${renderJson(json, 2)}\n`);
  }

  protected override async catch(error: unknown): Promise<void> {
    const { kind, message, hint } = understand(error);
    process.exitCode = EXIT_STATUS[kind].status;
    if (this.jsonEnabled()) {
      this.logJson({ error: { kind, message, hint: hint ?? null } });
      return Promise.resolve();
    }
    const screen = screenOf(process.stderr, process.env);
    const text = wrapText(screen, `roots: ${printableText(message, { newlines: true })}`);
    const next = hint === undefined ? '' : `${wrapText(screen, printableText(hint, { newlines: true }))}\n`;
    process.stderr.write(`${screen.style('red', text.slice(0, 6))}${text.slice(6)}\n${next}`);
    if (process.env['ROOTS_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return Promise.resolve();
  }
}

function understand(error: unknown): Pick<RootsError, 'kind' | 'message' | 'hint'> {
  if (error instanceof RootsError) return error;
  // oclif's parser: what was typed is wrong. Its messages end in a hint of their own.
  if (error instanceof Error && 'oclif' in error) {
    const [message = '', ...rest] = error.message.split('\n');
    return {
      kind: 'usage',
      message: [message, ...rest.filter((line) => line !== 'See more help with --help')].join('\n').trim(),
      hint: 'see --help',
    };
  }
  return { kind: 'failed', message: messageOf(error), hint: undefined };
}
