/**
 * Which old roots there will be, day by day, if the machine boots on as it did and is pruned once a day.
 */
import { add } from 'date-fns/add';
import { dateOfDay, dayNumber, inZone } from './calendar.ts';
import type { Duration } from './duration.ts';
import { planRetention, type Candidate } from './plan.ts';
import type { Policy } from './policy.ts';
import { rememberedSlots } from './slots.ts';

export interface SimulatedRoot {
  readonly name: string;
  readonly time: Date;
  readonly reasons: readonly string[];
}

export interface SimulatedDay {
  /** The local date, `2026-11-20`. */
  readonly date: string;
  /** When that day's prune runs: at the time of day of the beginning. */
  readonly at: Date;
  /** How many boots there were since the prune of the day before. */
  readonly boots: number;
  /** Newest first, as `kept`. */
  readonly removed: readonly SimulatedRoot[];
  /** What is there after the prune. */
  readonly kept: readonly (SimulatedRoot & { readonly simulated: boolean })[];
}

export interface SimulationOptions {
  readonly now: Date;
  /** How many days, the first of them tomorrow. */
  readonly days: number;
  readonly zone: string | undefined;
  /** Boots whose old roots are gone, as far as they are known: else the rhythm is only that of what earlier prunes have left. */
  readonly alsoSeen?: readonly Date[];
}

/**
 * Every day the policy is applied as prune would, and what it does not keep is gone. Protections last: what is pinned or mounted now stays so.
 * How much space there will be nobody knows, so nothing goes for lack of it.
 *
 * The boots to come repeat those seen, at their local times: the last seven days over and over, so that each weekday is like the last
 * one. If all that has been seen is younger than a week, all of it; if the newest root is alone in its week, its distance from the one
 * before. With fewer than two of the last year it is one boot a day.
 */
export function simulate(candidates: readonly Candidate[], policy: Policy, options: SimulationOptions): SimulatedDay[] {
  const { now, days, zone, alsoSeen = [] } = options;
  const ends = Array.from({ length: days }, (_, day) => daysAfter(now, day + 1, zone));
  const boots = bootsToCome([...candidates.map(({ time }) => time), ...alsoSeen], now, ends.at(-1) ?? now, zone);
  const simulated = new Set<Candidate>(boots);
  const slot = rememberedSlots(zone);
  let roots = candidates;
  let booted = 0;
  return ends.map((at) => {
    const first = booted;
    while ((boots[booted]?.time ?? Number.NaN) <= at) booted += 1;
    // In the order of the last plan already, which makes sorting cheap.
    const verdicts = planRetention([...boots.slice(first, booted).reverse(), ...roots], policy, at, zone, slot);
    const kept = verdicts.filter(({ keep }) => keep);
    roots = kept.map(({ root }) => root);
    return {
      date: dateOfDay(dayNumber(at, zone)),
      at,
      boots: booted - first,
      removed: verdicts.filter(({ keep }) => !keep).map(({ root: { name, time }, reasons }) => ({ name, time, reasons })),
      kept: kept.map(({ root, reasons }) => ({ name: root.name, time: root.time, reasons, simulated: simulated.has(root) })),
    };
  });
}

/** How many days of the calendar `length` is from `now` on: `1m` is 28 to 31. Undefined for less than one day and more than ten years. */
export function simulatedDays(length: Duration, now: Date, zone: string | undefined): number | undefined {
  const { years, months, weeks, days, hours } = length;
  const end = new Date(add(inZone(now, zone), { years, months, weeks, days, hours }).getTime());
  const count = dayNumber(end, zone) - dayNumber(now, zone);
  return count >= 1 && count <= MOST_DAYS ? count : undefined;
}

const MOST_DAYS = 3700;
const WEEK = 7;
const DAY_MS = 86_400_000;

/** Oldest first, each after `now` and not after `end`. */
function bootsToCome(past: readonly Date[], now: Date, end: Date, zone: string | undefined): Candidate[] {
  const { boots, period } = rhythmOf(past, now, zone);
  const times: number[] = [];
  for (const boot of boots) {
    for (let day = period; ; day += period) {
      const time = daysAfter(boot, day, zone);
      if (!(time <= end)) break;
      if (time > now) times.push(time.getTime());
    }
  }
  times.sort((a, b) => a - b);
  return times.map((ms, at) => {
    const time = new Date(ms);
    const twins = at - times.indexOf(ms);
    return { name: twins === 0 ? time.toISOString() : `${time.toISOString()}_${twins}`, time, protections: [] };
  });
}

/** Boots that come again every `period` days. */
interface Rhythm {
  readonly boots: readonly Date[];
  readonly period: number;
}

function rhythmOf(past: readonly Date[], now: Date, zone: string | undefined): Rhythm {
  // What is older is a wrong clock, or tells nothing of today's habits.
  const start = daysAfter(now, -366, zone);
  const seen = past.filter((time) => time > start && time <= now).sort((a, b) => b.getTime() - a.getTime());
  const [newest, second] = seen;
  if (newest === undefined || second === undefined) return { boots: [newest ?? now], period: 1 };

  const weekBefore = daysAfter(newest, -WEEK, zone);
  const boots = seen.filter((time) => time > weekBefore);
  const oldest = boots.at(-1) ?? newest;
  if (oldest === newest) return { boots, period: Math.max(WEEK, Math.round(distance(second, newest))) };
  if (boots.length < seen.length) return { boots, period: WEEK };
  let span = 1;
  while (oldest <= daysAfter(newest, -span, zone)) span += 1;
  // From the last of them to the first of the next round it is as far as between any two.
  return { boots, period: Math.max(span, Math.round((distance(oldest, newest) * boots.length) / (boots.length - 1))) };
}

/** The same time of day, that many days of the calendar later. */
function daysAfter(time: Date, days: number, zone: string | undefined): Date {
  return new Date(add(inZone(time, zone), { days }).getTime());
}

/** In days. */
function distance(earlier: Date, later: Date): number {
  return (later.getTime() - earlier.getTime()) / DAY_MS;
}
