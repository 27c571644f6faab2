/** Runs the program on a pseudo-terminal, and answers its questions. */
import { randomUUID } from 'node:crypto';
import { onPseudoTerminal, type Answer, type TerminalResult } from '../support/pseudo-terminal.ts';
import { KEEP_ONE_BTRFS, PROGRAM, environment, processesWith, type RunOptions } from './roots.ts';

export { KEYS } from '../support/pseudo-terminal.ts';

export interface TerminalOptions extends Pick<RunOptions, 'cwd' | 'env' | 'onlyBtrfs'> {
  readonly columns?: number;
  readonly rows?: number;
  readonly answers?: readonly Answer[];
}

const PATIENCE_MS = 30_000;

export async function onTerminal(args: readonly string[], options: TerminalOptions = {}): Promise<TerminalResult> {
  const mark = randomUUID();
  const { columns = 100, rows = 50, cwd = '/', answers = [], onlyBtrfs } = options;
  const namespace = onlyBtrfs === undefined ? [] : ['unshare', '--mount', '--', 'sh', '-c', KEEP_ONE_BTRFS, 'sh', onlyBtrfs];
  const result = await onPseudoTerminal([...namespace, process.execPath, PROGRAM, ...args], {
    columns,
    rows,
    cwd,
    env: environment(mark, options.env),
    answers,
    patience: PATIENCE_MS,
  });
  for (const pid of processesWith(mark)) throw new Error(`process ${pid} was left behind`);
  return result;
}
