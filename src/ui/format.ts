/**
 * Values as people read them.
 */
import { tz } from '@date-fns/tz';
import { format } from 'date-fns/format';
import type { DiffHeader } from '../operations/diff.ts';

/** Local time to the minute, in the configured zone. */
export function formatTime(time: Date, zone: string | undefined): string {
  return zone === undefined ? format(time, 'yyyy-MM-dd HH:mm') : format(time, 'yyyy-MM-dd HH:mm', { in: tz(zone) });
}

/** `3 days ago`, or `in 3 days`. */
export function formatAgo(seconds: number): string {
  const age = formatAge(seconds);
  return seconds < 0 ? age : `${age} ago`;
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['year', 365 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** `3 days`; one unit, rounded down, as nobody reads more of it. Of the future: `in 3 days`. */
export function formatAge(seconds: number): string {
  const distance = Math.abs(seconds);
  const [name, length] = UNITS.find(([, each]) => distance >= each) ?? ['minute', 60];
  const count = Math.floor(distance / length);
  const text = count === 0 ? 'moments' : `${String(count)} ${name}${count === 1 ? '' : 's'}`;
  return seconds < 0 ? `in ${text}` : text;
}

/** Binary units, three digits: `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : String(Math.round(value))} ${units[unit] ?? ''}`;
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** A whole number, in groups of three digits. Intl would take 10 ms to load its tables. */
export function formatNumber(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

export function formatSides({ from, to }: DiffHeader): string {
  return `${from} → ${to}`;
}
