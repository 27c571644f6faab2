/**
 * Why one entry of a tree could not be read, in words.
 */
import type { BigIntStats } from 'node:fs';
import { Unreadable, type Entry, type Located } from '../diff/tree.ts';
import { errnoOf } from '../errors.ts';

export const CHANGED = 'changed while it was read';
export const VANISHED = 'vanished while it was read';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: VANISHED,
  ENOTDIR: CHANGED,
  ELOOP: CHANGED,
  EINVAL: CHANGED,
  EACCES: 'permission denied',
  EPERM: 'permission denied',
};

/** Only what the kernel says about one entry; anything else is thrown on as it is. */
export function asUnreadable(error: unknown, located?: Located): Unreadable {
  const about = located === undefined ? {} : { located };
  if (error instanceof Unreadable) return located === undefined ? error : new Unreadable(error.why, about);
  const errno = errnoOf(error);
  if (errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) throw error;
  return new Unreadable(REASONS[errno] ?? `cannot be read (${errno})`, { ...about, cause: error });
}

/** Errors: `Unreadable` if it is no longer what was listed. */
export function requireSame(stats: BigIntStats, entry: Entry): void {
  if (stats.ino !== entry.ino || stats.dev !== entry.dev) throw new Unreadable(CHANGED);
}
