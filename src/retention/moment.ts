/**
 * A date or a time as people write it (`--at`, a ref): `2026-11-20`, `2026-11-20 18:20`, `2026-11-20T18:20:00Z`.
 */
import { TZDate } from '@date-fns/tz';
import { add } from 'date-fns/add';

/** What was written is a stretch of time: a day, a minute, a second. */
export interface Moment {
  readonly start: Date;
  /** The first instant after it. */
  readonly end: Date;
}

const WRITTEN = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T_ ](\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Undefined if it is no such date. `zone` is that of times which carry none; undefined is the system's. */
export function parseMoment(text: string, zone: string | undefined): Moment | undefined {
  const match = WRITTEN.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset] = match;
  const utc = new Date(
    Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
      Math.round(Number(`0${fraction}`) * 1000),
    ),
  );
  const exists =
    utc.getUTCMonth() === Number(month) - 1 &&
    utc.getUTCDate() === Number(day) &&
    utc.getUTCHours() === Number(hour) &&
    utc.getUTCMinutes() === Number(minute) &&
    utc.getUTCSeconds() === Number(second);
  if (!exists) return undefined;
  const start = offset === undefined ? inZone(utc, zone) : new Date(utc.getTime() - offsetMinutes(offset) * 60_000);
  return { start, end: new Date(add(zone === undefined ? start : new TZDate(start.getTime(), zone), lengthOf(match)).getTime()) };
}

function lengthOf(match: RegExpExecArray): { days?: number; minutes?: number; seconds?: number } {
  if (match[4] === undefined) return { days: 1 };
  return match[6] === undefined ? { minutes: 1 } : { seconds: 1 };
}

function offsetMinutes(offset: string): number {
  if (offset === 'Z') return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  return offset.startsWith('-') ? -minutes : minutes;
}

/** The wall clock that `utc` shows, in a zone. */
function inZone(utc: Date, zone: string | undefined): Date {
  const fields = [
    utc.getUTCFullYear(),
    utc.getUTCMonth(),
    utc.getUTCDate(),
    utc.getUTCHours(),
    utc.getUTCMinutes(),
    utc.getUTCSeconds(),
    utc.getUTCMilliseconds(),
  ] as const;
  return zone === undefined ? new Date(...fields) : new Date(new TZDate(...fields, zone).getTime());
}
