/** What `roots browse` is given besides its questions. */
import type { BrowseSession } from '../operations/browse.ts';
import type { Context } from '../operations/context.ts';
import { rowsOf, screenOf, type Screen } from './terminal.ts';

export interface Surroundings {
  readonly session: BrowseSession;
  /** As it is now: a window can be given another size. */
  readonly screen: () => Screen;
  /** Lines of the terminal. */
  readonly rows: () => number;
  /** Whole lines. */
  readonly say: (text: string) => void;
  /** Shows what may be long. */
  readonly page: (text: string) => Promise<void>;
  readonly now: Date;
  readonly zone: string | undefined;
  /** Relative paths that are typed are from here. */
  readonly cwd: string;
  readonly signal: AbortSignal;
}

export function surroundingsOf({ now, config, signal }: Context, session: BrowseSession, page: Surroundings['page']): Surroundings {
  return {
    session,
    screen: () => screenOf(process.stdout, process.env),
    rows: () => rowsOf(process.stdout),
    say: (text) => void process.stdout.write(`${text}\n`),
    page,
    now,
    zone: config.timezone,
    cwd: process.cwd(),
    signal,
  };
}
