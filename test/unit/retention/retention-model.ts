/**
 * Retention once more, slowly and straight from the words of the design: every question is asked of one root at a time, and the
 * calendar is read from Intl. Shares only `before` with the real one.
 */
import { getISOWeek } from 'date-fns/getISOWeek';
import { getISOWeekYear } from 'date-fns/getISOWeekYear';
import { before } from '../../../src/retention/duration.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import { PERIODS } from '../../../src/retention/policy.ts';
import type { Period, Policy } from '../../../src/retention/policy.ts';

/** Names are `root` or `root_N`. */
export function modelVerdict(root: Candidate, all: readonly Candidate[], policy: Policy, now: Date, zone: string) {
  const unreadable = Number.isNaN(+root.time);
  const future = +root.time > +now;
  const past = all.filter((other) => +other.time <= +now);
  const newer = past.filter((other) => isNewer(other, root));
  const older = past.filter((other) => isNewer(root, other));

  const anyPeriod = PERIODS.some((period) => policy[period]);
  const keepRules = anyPeriod || policy.within !== undefined || (policy.last !== undefined && policy.maxAge === undefined);
  const noPolicy = !keepRules && !policy.maxAge;
  const inFloor = !unreadable && !future && newer.length < (policy.last ?? 3);
  const tooOld = policy.maxAge !== undefined && +root.time < +before(now, policy.maxAge, zone);

  const rules: string[] = [];
  if (!unreadable && !future) {
    for (const period of PERIODS) {
      const count = policy[period] ?? 0;
      if (count === 0) continue;
      const slots = (roots: readonly Candidate[]) => new Set(roots.map((other) => modelSlot(period, other.time, zone).key));
      const slot = modelSlot(period, root.time, zone);
      const lastOfItsPeriod = !slots(newer).has(slot.key);
      const inNewestPeriods = slots(newer).size < count;
      const notFull = slots(past).size < count;
      if ((lastOfItsPeriod && inNewestPeriods) || (older.length === 0 && notFull)) rules.push(slot.reason);
    }
    const newest = past.find((other) => past.every((another) => !isNewer(another, other)));
    if (policy.within && newest && +root.time > +before(newest.time, policy.within, zone)) rules.push(`within ${policy.within.text}`);
    if (policy.maxAge && !keepRules) rules.push(`younger than ${policy.maxAge.text}`);
  }

  const reasons = [...root.protections];
  if (unreadable) reasons.push('unreadable time');
  if (future) reasons.push('future');
  if (noPolicy) reasons.push('no policy');
  if (inFloor && policy.last !== undefined) reasons.push(`last ${policy.last}`);
  if (!tooOld) reasons.push(...rules);
  if (inFloor && !noPolicy && reasons.length === 0) reasons.push('floor 3');
  if (reasons.length > 0) return { name: root.name, keep: true, reasons };

  if (tooOld) reasons.push(`older than ${policy.maxAge.text}`);
  if (keepRules && rules.length === 0) reasons.push('not kept by any rule');
  return { name: root.name, keep: false, reasons };
}

function isNewer(a: Candidate, b: Candidate): boolean {
  if (+a.time !== +b.time) return +a.time > +b.time;
  return numberOf(a) > numberOf(b);
}

function numberOf(root: Candidate): number {
  return Number(root.name.split('_')[1] ?? -1);
}

const zoned = new Map<string, Record<string, string>>();
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
  const key = `${zone} ${+time}`;
  const parts = zoned.get(key) ?? Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
  zoned.set(key, parts);
  return parts;
}

function modelSlot(period: Period, time: Date, zone: string) {
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
