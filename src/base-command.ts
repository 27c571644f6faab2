/**
 * What all commands share: the common flags, the JSON envelope, signals, and the way from an error to an exit status.
 */
import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import { closest, distance } from 'fastest-levenshtein';
import { printableText } from './byte-path.ts';
import { readConfig } from './config.ts';
import { EXIT_STATUS, RootsError, messageOf, type Outcome } from './errors.ts';
import { createContext, type Context } from './operations/context.ts';
import { renderJson } from './ui/json.ts';
import { isAsking } from './ui/prompts.ts';
import { isJournal, withPriority, type Level, type Line } from './system/journal.ts';
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
      if (this.#abort.signal.aborted || isAsking()) process.exit(EXIT_STATUS.interrupted.status);
      this.#abort.abort();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    outliveOutput();
    const config = await readConfig({ ...(flags.config === undefined ? {} : { path: flags.config }), env: process.env });
    return createContext({ config, signal: this.#abort.signal, now: new Date(), privileged: process.geteuid?.() === 0 });
  }

  /** Text for people; with --json it is not even made. `level`: how much it matters to whoever reads the journal. */
  protected show(text: () => string, level: Level = 'info'): void {
    if (!this.jsonEnabled()) process.stdout.write(`${forJournal(text(), level)}\n`);
  }

  /** Several lines that do not all matter alike. */
  protected showLines(lines: () => readonly Line[]): void {
    if (!this.jsonEnabled()) for (const { text, level } of lines()) this.show(() => text, level);
  }

  /** For results that are not quite what was asked for. */
  protected end(outcome: Outcome): void {
    process.exitCode = EXIT_STATUS[outcome].status;
  }

  protected endIfStopped(): void {
    if (this.#abort.signal.aborted) this.end('interrupted');
  }

  override logJson(json: unknown): void {
    process.stdout.write(`${renderJson(json, 2)}\n`);
  }

  protected override async catch(error: unknown): Promise<void> {
    reportError(error, { json: this.jsonEnabled() });
    return Promise.resolve();
  }
}

/**
 * What is said can be lost (a log on a disk that is full, which is why something is removed; a pager that was left): what is done goes on, and
 * the exit status tells. oclif would end the process between two steps.
 */
function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error').on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exitCode ??= EXIT_STATUS.failed.status;
    });
  }
}

/** The journal takes a priority from the beginning of each line (sd-daemon(3)). */
function forJournal(text: string, level: Level): string {
  return isJournal(process.stdout.fd) ? withPriority(text, level) : text;
}

/** The way from an error to what is shown of it and to the exit status. */
export function reportError(error: unknown, { json }: { readonly json: boolean }): void {
  const { kind, message, hint } = understand(error);
  process.exitCode = EXIT_STATUS[kind].status;
  if (json) {
    process.stdout.write(`${renderJson({ error: { kind, message, hint: hint ?? null } }, 2)}\n`);
    return;
  }
  const screen = screenOf(process.stderr, process.env);
  const text = wrapText(screen, `roots: ${printableText(message, { newlines: true })}`);
  const next = hint === undefined ? '' : `${wrapText(screen, printableText(hint, { newlines: true }))}\n`;
  const shown = `${screen.style('red', text.slice(0, 6))}${text.slice(6)}\n${next}`;
  process.stderr.write(isJournal(process.stderr.fd) ? withPriority(shown, 'error') : shown);
  if (process.env['ROOTS_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
}

function understand(error: unknown): Pick<RootsError, 'kind' | 'message' | 'hint'> {
  if (error instanceof RootsError) return error;
  // oclif's parser: what was typed is wrong. Its messages end in a hint of their own.
  if (error instanceof Error && 'oclif' in error) {
    const [message = '', ...rest] = error.message.split('\n');
    return {
      kind: 'usage',
      message: [message, ...rest.filter((line) => line !== 'See more help with --help')].join('\n').trim(),
      hint: meantFlag(error) ?? 'see --help',
    };
  }
  return { kind: 'failed', message: messageOf(error), hint: undefined };
}

/** For an error of oclif about flags that do not exist: the one that was probably meant. */
function meantFlag(error: object): string | undefined {
  const { flags: [wrong] = [], parse } = error as {
    readonly flags?: readonly string[];
    readonly parse?: { readonly input?: { readonly flags?: object } };
  };
  const known = Object.keys(parse?.input?.flags ?? {}).map((name) => `--${name}`);
  if (wrong === undefined || known.length === 0) return undefined;
  const best = closest(wrong, known);
  return distance(wrong, best) <= 2 ? `did you mean ${best}? See --help` : undefined;
}
