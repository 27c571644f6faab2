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
