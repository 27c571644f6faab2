/**
 * Retention once more, slowly and straight from the words of the design: every question is asked of one root at a time, and the
 * calendar is read from Intl. Shares nothing with the real one but its types.
 */
import { getISOWeek } from 'date-fns/getISOWeek';
import { getISOWeekYear } from 'date-fns/getISOWeekYear';
import type { Duration } from '../../../src/retention/duration.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import type { Policy } from '../../../src/retention/policy.ts';

const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
type Period = (typeof PERIODS)[number];

export interface ModelVerdict {
  readonly root: Candidate;
  readonly keep: boolean;
  readonly firm: boolean;
  readonly reasons: readonly string[];
}

/** In the order of `all`. Names are `root` or `root_N`. */
export function modelVerdicts(all: readonly Candidate[], policy: Policy, now: Date, zone: string): ModelVerdict[] {
  const past = all.filter((other) => +other.time <= +now).toSorted((a, b) => (isNewer(a, b) ? -1 : 1));
  const periods = new Map(PERIODS.map((period) => [period, new Set(past.map(({ time }) => modelSlot(period, time, zone).key)).size]));
  return all.map((root) => modelVerdict(root, past, periods, policy, now, zone));
}

/** `past` is newest first, `periods` how many there are in it. */
function modelVerdict(
  root: Candidate,
  past: readonly Candidate[],
  periods: ReadonlyMap<Period, number>,
  policy: Policy,
  now: Date,
  zone: string,
): ModelVerdict {
  const unreadable = Number.isNaN(+root.time);
  const future = +root.time > +now;
  const newer = past.slice(0, past.indexOf(root));
  const [newest] = past;

  const anyPeriod = PERIODS.some((period) => policy[period]);
  const onlyKeepsLast = policy.last !== undefined && policy.maxAge === undefined && policy.minFree === undefined;
  const keepRules = anyPeriod || policy.within !== undefined || onlyKeepsLast;
  const noPolicy = !keepRules && !policy.maxAge && !policy.minFree;
  const inFloor = !unreadable && !future && newer.length < (policy.last ?? 3);
  const tooOld = policy.maxAge !== undefined && +root.time < modelBefore(now, policy.maxAge, zone);
  const firm = noPolicy || inFloor || unreadable || future || root.protections.length > 0;

  const rules: string[] = [];
  if (!unreadable && !future) {
    for (const period of PERIODS) {
      const count = policy[period] ?? 0;
      if (count === 0) continue;
      const slot = modelSlot(period, root.time, zone);
      const newerSlots = new Set(newer.map(({ time }) => modelSlot(period, time, zone).key));
      const isOldest = root === past.at(-1);
      const notFull = (periods.get(period) ?? 0) < count;
      if ((!newerSlots.has(slot.key) && newerSlots.size < count) || (isOldest && notFull)) rules.push(slot.reason);
    }
    if (policy.within && newest && +root.time > modelBefore(newest.time, policy.within, zone)) rules.push(`within ${policy.within.text}`);
    if (policy.maxAge && !keepRules) rules.push(`younger than ${policy.maxAge.text}`);
  }

  const reasons = [...root.protections];
  if (unreadable) reasons.push('unreadable time');
  if (future) reasons.push('future');
  if (noPolicy) reasons.push('no policy');
  if (inFloor && policy.last !== undefined) reasons.push(`last ${policy.last}`);
  if (!tooOld) reasons.push(...rules);
  if (inFloor && !noPolicy && reasons.length === 0) reasons.push('floor 3');
  if (!keepRules && !policy.maxAge && policy.minFree && reasons.length === 0)
    reasons.push(`until less than ${policy.minFree.text} is free`);
  if (reasons.length > 0) return { root, keep: true, firm, reasons };

  if (tooOld) reasons.push(`older than ${policy.maxAge.text}`);
  if (keepRules && rules.length === 0) reasons.push('not kept by any rule');
  return { root, keep: false, firm: false, reasons };
}

/**
 * That much earlier on the calendar, in milliseconds: first the months, then the days, then the hours, each step ending at a time that
 * exists: a wall clock that was left out is that much later, one that is there twice is meant the first time.
 */
function modelBefore(time: Date, { years, months, weeks, days, hours }: Duration, zone: string): number {
  const monthsBack = years * 12 + months;
  const daysBack = weeks * 7 + days;
  let at = +time;
  if (monthsBack > 0) {
    const wall = wallClock(at, zone);
    const total = wall.getUTCFullYear() * 12 + wall.getUTCMonth() - monthsBack;
    const [year, month] = [Math.floor(total / 12), ((total % 12) + 12) % 12];
    const day = Math.min(wall.getUTCDate(), lengthOfMonth(year, month));
    at = fromWallClock(new Date(wall).setUTCFullYear(year, month, day), zone);
  }
  if (daysBack > 0) at = fromWallClock(+wallClock(at, zone) - daysBack * 86_400_000, zone);
  at -= hours * 3_600_000;
  return Number.isNaN(+new Date(at)) ? -Infinity : at;
}

function lengthOfMonth(year: number, month: number): number {
  return new Date(new Date(0).setUTCFullYear(year, month + 1, 0)).getUTCDate();
}

/** A date whose UTC fields are what the wall clock shows. */
function wallClock(at: number, zone: string): Date {
  return new Date(at + offsetAt(at, zone));
}

function fromWallClock(wall: number, zone: string): number {
  if (Number.isNaN(+new Date(wall))) return Number.NaN;
  // What the clock could be ahead by around then: before a change and after it.
  const [earlier, later] = [offsetAt(wall - 86_400_000, zone), offsetAt(wall + 86_400_000, zone)];
  const fitting = [earlier, later].map((offset) => wall - offset).filter((at) => at + offsetAt(at, zone) === wall);
  return fitting.length > 0 ? Math.min(...fitting) : wall - earlier;
}

const offsets = new Map<string, Map<number, number>>();

function offsetAt(at: number, zone: string): number {
  const known = offsets.get(zone) ?? new Map<number, number>();
  offsets.set(zone, known);
  const offset = known.get(at) ?? readOffset(at, zone);
  if (known.size > 10_000) known.clear();
  known.set(at, offset);
  return offset;
}

function readOffset(at: number, zone: string): number {
  const written = readCalendar(new Date(at), zone)['timeZoneName'] ?? '';
  const [, sign, hour = '0', minute = '0', second = '0'] = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(written) ?? [];
  return (sign === '-' ? -1000 : 1000) * (Number(hour) * 3600 + Number(minute) * 60 + Number(second));
}

function isNewer(a: Candidate, b: Candidate): boolean {
  if (+a.time !== +b.time) return +a.time > +b.time;
  return numberOf(a) > numberOf(b);
}

function numberOf(root: Candidate): number {
  return Number(root.name.slice('root_'.length) || -1);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function readCalendar(time: Date, zone: string): Record<string, string> {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      timeZoneName: 'longOffset',
    });
  formats.set(zone, format);
  return Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
}

interface ModelSlot {
  readonly key: string;
  readonly reason: string;
}

/** By zone and period, then by time: the model asks for each again and again. */
const slots = new Map<string, Map<number, ModelSlot>>();

function modelSlot(period: Period, time: Date, zone: string): ModelSlot {
  const known = slots.get(`${zone} ${period}`) ?? new Map<number, ModelSlot>();
  slots.set(`${zone} ${period}`, known);
  const slot = known.get(+time) ?? readSlot(period, time, zone);
  if (known.size > 10_000) known.clear();
  known.set(+time, slot);
  return slot;
}

function readSlot(period: Period, time: Date, zone: string): ModelSlot {
  const { year, month, day, hour, timeZoneName } = readCalendar(time, zone);
  const noon = new Date(Number(year), Number(month) - 1, Number(day), 12);
  const reason = `${period} ${
    {
      hourly: `${year}-${month}-${day}T${hour}`,
      daily: `${year}-${month}-${day}`,
      weekly: `${getISOWeekYear(noon)}-W${String(getISOWeek(noon)).padStart(2, '0')}`,
      monthly: `${year}-${month}`,
      yearly: `${year}`,
    }[period]
  }`;
  return { reason, key: period === 'hourly' ? `${reason} ${timeZoneName}` : reason };
}
