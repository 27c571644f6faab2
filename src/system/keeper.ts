/**
 * A keeper is a process that holds something of the kernel's for us (a mount namespace, a lock) and reads its standard input
 * until that ends. The other end of that pipe is ours alone, so the keeper goes when we go, kill -9 included, and the kernel lets go of what it held.
 */
import { spawn } from 'node:child_process';
import { RootsError } from '../errors.ts';

export interface Keeper {
  readonly pid: number;
  /** Ends the keeper and waits until it is gone. Idempotent. */
  close(): Promise<void>;
}

export interface KeeperFailure {
  readonly status: number;
  /** As the program wrote it; not safe to print. */
  readonly stderr: string;
}

/**
 * What a keeper runs once it holds the thing: says so, then waits for the end of its standard input. The signals that end a whole service or
 * session reach us as well, and we decide when it is over; ignored ones stay ignored over exec.
 */
export const HOLD = "{ trap '' HUP INT TERM && echo held && exec cat >/dev/null; }";

/**
 * Starts `program`, which must end up in `HOLD`. Resolves when the thing is held; `refused` makes the error when it is not.
 * It gets a session of its own: Ctrl-C on the terminal must not take a mount away from under a step that is being finished.
 */
export async function startKeeper(
  program: string,
  args: readonly string[],
  refused: (failure: KeeperFailure) => RootsError,
): Promise<Keeper> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { ...process.env, LC_ALL: 'C' } });
  const gone = new Promise<number>((resolve) => {
    child.once('close', (status) => {
      resolve(status ?? 128);
    });
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        new RootsError('unsupported', `\`${program}\` could not be started: ${error.message}`, {
          hint: `install the package that has \`${program}\``,
          cause: error,
        }),
      );
    });
    child.stdout.once('data', () => {
      resolve();
    });
    void gone.then((status) => {
      reject(refused({ status, stderr: stderr.trimEnd() }));
    });
  });
  child.unref();
  let closing: Promise<void> | undefined;
  return {
    pid: child.pid ?? 0,
    close: () => {
      closing ??= (async () => {
        child.ref();
        child.stdin.end();
        await gone;
      })();
      return closing;
    },
  };
}
