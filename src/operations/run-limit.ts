/**
 * How many old roots one run deletes, where a filesystem suffers from many deletions at once. What goes into the trash is only renamed.
 */
import type { Going } from './removal-step.ts';
import type { Target } from './targets.ts';

export interface RunLimit {
  /** What of all that is due is left to the next run, oldest first. */
  readonly later: readonly Going[];
  /** How many more may be deleted in this one. */
  readonly left: number;
}

/** The oldest of what would be deleted go first. */
export function limitRun({ backend }: Target, deleted: readonly Going[]): RunLimit {
  const limit = backend.capabilities.limitPerRun ?? Infinity;
  const oldestFirst = deleted.toSorted((a, b) => a.root.archivedAt.getTime() - b.root.archivedAt.getTime());
  return { later: oldestFirst.slice(limit), left: Math.max(limit - deleted.length, 0) };
}

export function whyLater({ backend }: Target): string {
  return `at most ${String(backend.capabilities.limitPerRun)} a run on ${backend.name}; the next run goes on`;
}
