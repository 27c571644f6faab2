/**
 * What an operation is given. It has no terminal, no process and no clock of its own.
 */
import type { Config } from '../config.ts';
import { run, type Run } from '../system/run.ts';

export interface Context {
  readonly run: Run;
  /** Raised when the user wants to stop. */
  readonly signal: AbortSignal;
  /** The moment that the whole command is of. */
  readonly now: Date;
  readonly config: Config;
  /** Whether this process may mount. */
  readonly privileged: boolean;
}

/** With the programs of this machine. */
export function createContext(parts: Omit<Context, 'run'>): Context {
  return { ...parts, run };
}
