import { TZDateMini } from '@date-fns/tz/date/mini';
import { RootsError } from '../errors.ts';

/**
 * The same moment, with local getters that answer for `zone`. Without a zone it is `time` itself: the system's calendar needs no
 * Intl, which would cost start-up time.
 */
export function inZone(time: Date, zone: string | undefined): Date {
  if (zone === undefined) return time;
  const local = new TZDateMini(time, zone);
  // An unknown zone makes an invalid date instead of an error. All roots would then fall into one slot, and all but one would go.
  if (Number.isNaN(local.getTime()) && !Number.isNaN(time.getTime())) throw new RootsError('usage', `Unknown time zone: ${zone}`);
  return local;
}

/** The day of the calendar of `zone` that `time` is in, as days since 1970-01-01. NaN for an invalid date. */
export function dayNumber(time: Date, zone: string | undefined): number {
  const local = inZone(time, zone);
  // Reckoned in UTC from the local date: a local midnight may not exist, and a local day is not always 24 hours.
  return new Date(0).setUTCFullYear(local.getFullYear(), local.getMonth(), local.getDate()) / 86_400_000;
}

/** The date that `dayNumber` counts: `2026-11-20`. */
export function dateOfDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, -14);
}
