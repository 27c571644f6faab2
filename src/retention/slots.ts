import { inZone } from './calendar.ts';
import type { Period } from './policy.ts';

/** What `slotOf` says, for one zone. */
export type SlotReader = (period: Period, time: Date) => Slot;

interface Slot {
  /** Equal for two times exactly if they are in the same calendar period. */
  readonly key: string;
  /** What the user reads. The two hours of an autumn night that share a name share this, but not the key. */
  readonly reason: string;
}

const DAY_MS = 86_400_000;

/** The calendar period of `zone` (undefined: the system's) that `time` is in. `time` must be a valid date. */
export function slotOf(period: Period, time: Date, zone: string | undefined): Slot {
  const local = inZone(time, zone);
  const reason = `${period} ${nameOf(period, local)}`;
  return { key: period === 'hourly' ? `${reason} ${local.getTimezoneOffset()}` : reason, reason };
}

/** For many plans of the same roots: each slot is reckoned once, since the calendar of a zone takes most of the time of a plan. */
export function rememberedSlots(zone: string | undefined): SlotReader {
  const known = new Map<Period, Map<number, Slot>>();
  return (period, time) => {
    const slots = known.get(period) ?? new Map<number, Slot>();
    known.set(period, slots);
    const slot = slots.get(time.getTime()) ?? slotOf(period, time, zone);
    slots.set(time.getTime(), slot);
    return slot;
  };
}

function nameOf(period: Period, local: Date): string {
  switch (period) {
    case 'hourly':
      return `${dayOf(local)}T${padded(local.getHours(), 2)}`;
    case 'daily':
      return dayOf(local);
    case 'weekly':
      return isoWeekOf(local);
    case 'monthly':
      return monthOf(local);
    case 'yearly':
      return padded(local.getFullYear(), 4);
  }
}

function dayOf(local: Date): string {
  return `${monthOf(local)}-${padded(local.getDate(), 2)}`;
}

function monthOf(local: Date): string {
  return `${padded(local.getFullYear(), 4)}-${padded(local.getMonth() + 1, 2)}`;
}

/**
 * An ISO week belongs to the year that its Thursday is in. Reckoned in UTC from the local date: a local midnight may not exist,
 * and a local week is not always 168 hours.
 */
function isoWeekOf(local: Date): string {
  const thursday = new Date(Date.UTC(local.getFullYear(), local.getMonth(), local.getDate()));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${padded(year, 4)}-W${padded(week, 2)}`;
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
