/**
 * The names that boot snippets give to old roots, read as times. Every form that is known from the field is here;
 * what is not understood is no time, and its root is never removed.
 */
import { TZDate } from '@date-fns/tz';

export interface NameTime {
  readonly time: Date;
  /** The n of a trailing `_n`, which snippets add when the name was taken; 0 without one. */
  readonly copy: number;
}

/** `root.bak-`, `@root.bak-`: what some snippets put before the time. */
const PREFIX = /^@?(?:root|rootfs|home)\.bak-/;
const COPY = /_(\d{1,4})$/;

// `%-d` in the best-known snippet leaves the day unpadded, so 1 or 2 digits are a day (and a month) there.
const EXTENDED = /^(\d{4})-(\d{1,2})-(\d{1,2})[T_ ](\d{1,2})[:-](\d{2})[:-](\d{2})(Z|[+-]\d{2}:?\d{2})?$/;
const BASIC = /^(\d{4})(\d{2})(\d{2})[T_](\d{2})(\d{2})(\d{2})(Z|[+-]\d{2}:?\d{2})?$/;
// Ten digits are the seconds of 2001 to 2286.
const EPOCH = /^[1-9]\d{9}$/;

/** The time that a name says, or null. `zone` is how to read a name that carries none. */
export function parseName(name: string, zone: string): NameTime | null {
  const text = name.replace(PREFIX, '');
  const whole = parseTime(text, zone);
  if (whole !== null) return { time: whole, copy: 0 };
  const copy = COPY.exec(text)?.[1];
  if (copy === undefined) return null;
  const time = parseTime(text.replace(COPY, ''), zone);
  return time === null ? null : { time, copy: Number(copy) };
}

function parseTime(text: string, zone: string): Date | null {
  if (EPOCH.test(text)) return new Date(Number(text) * 1000);
  const match = EXTENDED.exec(text) ?? BASIC.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const offset = match[7];
  if (year === undefined || month === undefined || day === undefined || hour === undefined || minute === undefined || second === undefined)
    return null;
  // Read as UTC first: only a date and time that exist come out as they went in (no 30 February, no hour 24).
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const same =
    utc.getUTCMonth() === month - 1 &&
    utc.getUTCDate() === day &&
    utc.getUTCHours() === hour &&
    utc.getUTCMinutes() === minute &&
    utc.getUTCSeconds() === second;
  if (!same || year < 1970) return null;
  if (offset !== undefined) return shifted(utc, offset);
  return zone === 'UTC' ? utc : inZone(utc, zone);
}

function shifted(utc: Date, offset: string): Date | null {
  if (offset === 'Z') return utc;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(offset) ?? [];
  const distance = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) > 59 || distance > 14 * 60) return null;
  return new Date(utc.getTime() + (sign === '+' ? -distance : distance) * 60_000);
}

/**
 * The same wall clock in a zone. An hour that an autumn night has twice is read as the later one: that keeps a root
 * longer, never shorter.
 */
function inZone(wallClock: Date, zone: string): Date {
  const offsets = [-1, 1].map((days) => new TZDate(wallClock.getTime() + days * 86_400_000, zone).getTimezoneOffset());
  const readings = offsets.map((offset) => new Date(wallClock.getTime() + offset * 60_000));
  const fitting = readings.filter((reading) => wallClockOf(reading, zone) === wallClock.getTime());
  // None fits an hour that a spring night leaves out: the clock that named it was not in this zone, and either reading is near.
  return new Date(Math.max(...(fitting.length > 0 ? fitting : readings).map((reading) => reading.getTime())));
}

function wallClockOf(time: Date, zone: string): number {
  return time.getTime() - new TZDate(time.getTime(), zone).getTimezoneOffset() * 60_000;
}
