/**
 * The last runs as the archives know them: the live root forgets, and systemd with it.
 */
import { printableText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Context } from './context.ts';
import { isRun, readLog, type LogEntry, type RunEntry } from './removal-log.ts';
import { withTargets, type Target } from './targets.ts';

export interface LoggedRun {
  readonly target: string;
  readonly command: RunEntry['event'];
  /** When it began. */
  readonly at: Date;
  readonly removed: number;
  readonly trashed: number;
  readonly failures: readonly { readonly name: string; readonly error: string }[];
  /** Why it ended early, safe to print; null if it did not. */
  readonly error: string | null;
}

/** Of each target the last of each command. Reads only; an archive that cannot be read is a reason in `notRead`, not an error. */
export async function lastLoggedRuns(
  context: Context,
): Promise<{ readonly logged: readonly LoggedRun[]; readonly notRead: readonly string[] }> {
  try {
    return await withTargets(context, { access: 'read' }, async (targets, { problems }) => ({
      logged: (await Promise.all(targets.map(lastRunsOf))).flat(),
      notRead: problems.map(({ target, error }) => `${target}: ${error.message}`),
    }));
  } catch (error) {
    if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
    return { logged: [], notRead: [error.message] };
  }
}

async function lastRunsOf({ name, backend }: Target): Promise<LoggedRun[]> {
  const entries = await readLog(backend);
  return (['prune', 'rotate'] as const).flatMap((command) => {
    const run = entries.filter(isRun).findLast(({ event }) => event === command);
    if (run === undefined) return [];
    const failed = lastOfEach(entries.filter((entry): entry is LogEntry => !isRun(entry) && entry.run === run.run)).filter(
      ({ event }) => event === 'failed',
    );
    return [
      {
        target: name,
        command,
        at: new Date(run.at),
        removed: run.removed,
        trashed: run.trashed,
        failures: failed.map((entry) => ({ name: printableText(entry.name), error: printableText(entry.error ?? '') })),
        error: run.error === undefined ? null : printableText(run.error),
      },
    ];
  });
}

/** What an earlier run had announced and not done is told of as failed, and may be done by this one. */
function lastOfEach(entries: readonly LogEntry[]): LogEntry[] {
  return [...new Map(entries.map((entry) => [JSON.stringify([entry.id, entry.fromTrash === true]), entry])).values()];
}
