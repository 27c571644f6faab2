/**
 * Running programs: the one door, and the one import of execa. Tests replace `Run` and nothing else.
 */
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { fromText, toBytes, toText, isUtf8, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';

/** An argument is text, or a path in bytes (which may not be UTF-8). */
export type Argument = string | { readonly path: BytePath };

export interface RunOptions {
  /** Ends the program (SIGTERM, then SIGKILL after 5 s) when aborted. */
  readonly signal?: AbortSignal;
  /** Bytes for standard input; without them it is empty. */
  readonly input?: Buffer;
  /** Takes standard output as it comes, which the result is without then. What it throws ends the program, and is thrown. */
  readonly output?: (piece: Buffer) => void;
  /** Milliseconds; a program that takes longer is ended and the call fails. */
  readonly timeout?: number;
}

export interface RunResult {
  /** 0 to 255; what a shell would show for a program that died of a signal (128 + its number). */
  readonly status: number;
  readonly stdout: Buffer;
  /** Decoded as UTF-8, without the final newline. Not safe to print as it is. */
  readonly stderr: string;
}

/**
 * Runs one program to its end with LC_ALL=C and without a shell. Any exit status is a result, not an error.
 * Errors: `unsupported` if the program is not installed, `interrupted` if the signal was raised, `failed` on a time-out.
 */
export type Run = (program: string, args: readonly Argument[], options?: RunOptions) => Promise<RunResult>;

/** What the `Run` of production and of most tests is. */
export const run: Run = async (program, args, options = {}) => {
  const call = byteSafe(program, args, options.input);
  const running = execa(call.program, call.args, {
    input: call.input ?? Buffer.alloc(0),
    env: { LC_ALL: 'C' },
    encoding: 'buffer',
    stripFinalNewline: false,
    reject: false,
    // Ctrl-C goes to the whole foreground group, but a step under way is to be finished: a program is only ended by our own signal.
    detached: true,
    maxBuffer: 1 << 30,
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.output === undefined ? {} : { buffer: { stdout: false } }),
  });
  const failure = options.output === undefined ? null : tellAsItComes(running, options.output);
  const result = await running;
  if (failure?.error !== undefined) throw failure.error instanceof Error ? failure.error : new TypeError('no error was thrown');
  if (result.isCanceled) throw new RootsError('interrupted', `${program} was interrupted`);
  if (result.timedOut) throw new RootsError('failed', `${program} took longer than ${String(options.timeout)} ms and was ended`);
  if (result.exitCode === undefined && result.signal === undefined) throw notStarted(program, result);
  if (call.program !== program && (result.exitCode === 126 || result.exitCode === 127)) {
    throw notStarted(program, { code: result.exitCode === 127 ? 'ENOENT' : 'EACCES' });
  }
  return {
    status: result.exitCode ?? 128 + (result.signal === undefined ? 0 : constants.signals[result.signal]),
    stdout: options.output === undefined ? Buffer.from(result.stdout) : Buffer.alloc(0),
    stderr: Buffer.from(result.stderr).toString('utf8').trimEnd(),
  };
};

function tellAsItComes(running: { readonly stdout: Readable; kill(): boolean }, output: (piece: Buffer) => void): { error?: unknown } {
  const failure: { error?: unknown } = {};
  running.stdout.on('data', (piece: Buffer) => {
    if ('error' in failure) return;
    try {
      output(piece);
    } catch (error) {
      failure.error = error;
      running.kill();
    }
  });
  return failure;
}

function notStarted(
  program: string,
  cause: { readonly code?: string | undefined; readonly shortMessage?: string | undefined },
): RootsError {
  if (cause.code === 'ENOENT')
    return new RootsError('unsupported', `the program \`${program}\` is not installed`, {
      hint: `install the package that has \`${program}\``,
    });
  if (cause.code === 'EACCES') return new RootsError('not-permitted', `the program \`${program}\` may not be started`, { cause });
  return new RootsError('failed', `\`${program}\` could not be started: ${cause.shortMessage ?? 'unknown reason'}`, { cause });
}

/**
 * Node passes arguments as UTF-8 only. Where one is not, xargs(1) builds the very same command line from bytes on its
 * standard input (`-0`: nothing is special; `-x`: never split). The program then has no standard input of its own, and xargs shows
 * any failing status as 123; 126 and 127 are its own, for a program that it cannot start.
 */
function byteSafe(
  program: string,
  args: readonly Argument[],
  input: Buffer | undefined,
): { program: string; args: string[]; input: Buffer | undefined } {
  const paths = args.map((argument) => (typeof argument === 'string' ? fromText(argument) : argument.path));
  if (paths.every(isUtf8)) return { program, args: paths.map(toText), input };
  if (input !== undefined) throw new TypeError(`${program}: bytes in arguments and on standard input cannot be had together`);
  const list = Buffer.concat(paths.flatMap((path) => [toBytes(path), Buffer.from([0])]));
  return { program: 'xargs', args: ['-0', '-x', '-s', '1048576', '--', program], input: list };
}
