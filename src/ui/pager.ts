/** A pager for long output, as git(1) has it: $ROOTS_PAGER, $PAGER or less(1), on a terminal only. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

export type { Writable };

/** Quit if it is one screen, colours, no clearing (less(1)). */
const LESS = 'FRX';

export interface Pager {
  readonly stream: Writable;
  /** Nobody reads any more. */
  readonly isLeft: boolean;
  /** Waits until it was left. */
  close(): Promise<void>;
}

/** Null where there is none to be had: what is written goes to standard output as it is. */
export function startPager(env: NodeJS.ProcessEnv, output: { readonly isTTY?: boolean }): Pager | null {
  const command = env['ROOTS_PAGER'] ?? env['PAGER'] ?? 'if command -v less >/dev/null; then exec less; else exec cat; fi';
  if (output.isTTY !== true || command === '' || command === 'cat') return null;
  // less(1) starts programs and writes files when asked to, which whoever has sudo for this alone must not get.
  const secure = process.geteuid?.() === 0 ? { LESSSECURE: '1' } : {};
  const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'], env: { LESS, ...env, ...secure } });
  let isLeft = false;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      isLeft = true;
      resolve();
    };
    child.once('close', end).once('error', end);
    child.stdin.once('error', () => (isLeft = true));
  });
  return {
    stream: child.stdin,
    get isLeft() {
      return isLeft;
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** Shows all of a text, by a pager or as it is, and waits until it was left. */
export async function page(text: string, env: NodeJS.ProcessEnv, output: Writable & { readonly isTTY?: boolean }): Promise<void> {
  const pager = startPager(env, output);
  (pager?.stream ?? output).write(text);
  await pager?.close();
}

/** Waits until there is room again for what is written, so that not all of it is held; not for one that nobody reads. */
export async function roomIn(stream: Writable): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, go);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.once(event, go);
  });
}
