import { sub } from 'date-fns/sub';
import { inZone } from './calendar.ts';

/** A length of calendar time as the configuration writes it (`14d`, `1y6m`, `36h`). */
export interface Duration {
  readonly years: number;
  /** Calendar months. */
  readonly months: number;
  readonly weeks: number;
  /** Calendar days in the configured zone, which are not always 24 hours. */
  readonly days: number;
  readonly hours: number;
  /** As it was written; reasons quote it. */
  readonly text: string;
}

/** A `Date` reaches this far on either side of 1970. */
const DATE_REACH_MS = 8.64e15;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Only for telling sensible sizes from absurd ones: on the calendar a month or a day has no fixed length. */
const ROUGH_MS = { h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS, m: 31 * DAY_MS, y: 366 * DAY_MS } as const;
type Unit = keyof typeof ROUGH_MS;

/**
 * Whole numbers with a unit of `h d w m y` (m is a month), each unit at most once, in any order, nothing between them.
 * Undefined for anything else, for a length of zero, and for one longer than a date can reach.
 */
export function parseDuration(text: string): Duration | undefined {
  if (!/^(?:\d+[hdwmy])+$/.test(text)) return undefined;
  const amounts = new Map<Unit, number>();
  let roughly = 0;
  for (const [, digits, letter] of text.matchAll(/(\d+)([hdwmy])/g)) {
    const unit = letter as Unit;
    if (amounts.has(unit)) return undefined;
    amounts.set(unit, Number(digits));
    roughly += Number(digits) * ROUGH_MS[unit];
  }
  if (roughly === 0 || roughly > DATE_REACH_MS) return undefined;
  return {
    years: amounts.get('y') ?? 0,
    months: amounts.get('m') ?? 0,
    weeks: amounts.get('w') ?? 0,
    days: amounts.get('d') ?? 0,
    hours: amounts.get('h') ?? 0,
    text,
  };
}

/**
 * The moment that lies `duration` before `time` on the calendar of `zone` (undefined: the system's). A day of the month that
 * does not exist becomes its last one; of an hour that is there twice it is in the first, which keeps more. What no date can express is the beginning of time:
 * nothing is older than that.
 */
export function before(time: Date, duration: Duration, zone: string | undefined): Date {
  const { years, months, weeks, days, hours } = duration;
  const isOfCalendar = [years, months, weeks, days].some((amount) => amount > 0);
  const day = isOfCalendar ? firstAt(sub(inZone(time, zone), { years, months, weeks, days }), zone) : time.getTime();
  const earlier = sub(day, { hours }).getTime();
  return new Date(Number.isNaN(earlier) ? -DATE_REACH_MS : earlier);
}

/** By how much clocks are put back in autumn: half an hour on Lord Howe Island, an hour elsewhere. */
const PUT_BACK_MS = [HOUR_MS / 2, HOUR_MS];

/** The first moment at which the clock of the zone shows what it shows at this one. */
function firstAt(local: Date, zone: string | undefined): number {
  const shown = wallClock(local);
  const others = PUT_BACK_MS.map((gap) => inZone(new Date(local.getTime() - gap), zone));
  return (others.find((other) => wallClock(other) === shown) ?? local).getTime();
}

function wallClock(local: Date): string {
  return [local.getFullYear(), local.getMonth(), local.getDate(), local.getHours(), local.getMinutes(), local.getSeconds()].join(' ');
}
