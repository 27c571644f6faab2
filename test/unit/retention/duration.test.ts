import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { before, parseDuration } from '../../../src/retention/duration.ts';
import type { Duration } from '../../../src/retention/duration.ts';

const NONE = { years: 0, months: 0, weeks: 0, days: 0, hours: 0 };

describe('parseDuration', () => {
  it.each([
    ['14d', { days: 14 }],
    ['2w', { weeks: 2 }],
    ['6m', { months: 6 }],
    ['36h', { hours: 36 }],
    ['1y6m', { years: 1, months: 6 }],
    ['1y2m3w4d5h', { years: 1, months: 2, weeks: 3, days: 4, hours: 5 }],
    ['5h1d', { hours: 5, days: 1 }],
    ['007d', { days: 7 }],
    ['1d0h', { days: 1 }],
    ['9999y', { years: 9999 }],
  ])('reads %s', (text, parts) => {
    expect(parseDuration(text)).toEqual({ ...NONE, ...parts, text });
  });

  it.each([
    ['nothing', ''],
    ['zero', '0'],
    ['zero days', '0d'],
    ['zero of several units', '0y0h'],
    ['no unit', '14'],
    ['no number', 'd'],
    ['an upper-case unit', '14D'],
    ['a unit that is not one', '14s'],
    ['a word', '14days'],
    ['a unit twice', '1d2d'],
    ['a space', '1d 2h'],
    ['a space in front', ' 1d'],
    ['a newline', '1d\n'],
    ['a minus', '-1d'],
    ['a plus', '+1d'],
    ['a fraction', '1.5d'],
    ['an exponent', '1e3d'],
    ['hexadecimal', '0x10d'],
    ['a digit that is not ASCII', '१d'],
    ['more years than a date can reach', '300000y'],
    ['more hours than a number can hold', '9007199254740993h'],
    ['an infinity', `${'9'.repeat(400)}d`],
  ])('refuses %s', (_what, text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('reads back whatever amounts are written, in any order', () => {
    const unit = fc.constantFrom('y', 'm', 'w', 'd', 'h');
    const amounts = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 5000 }), unit), { selector: ([, u]) => u, minLength: 1 });
    fc.assert(
      fc.property(amounts, (parts) => {
        const amountOf = (wanted: string) => parts.find(([, u]) => u === wanted)?.[0] ?? 0;
        const text = parts.map(([n, u]) => `${n}${u}`).join('');
        const expected = { years: amountOf('y'), months: amountOf('m'), weeks: amountOf('w'), days: amountOf('d'), hours: amountOf('h') };
        expect(parseDuration(text)).toEqual({ ...expected, text });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('before', () => {
  it.each([
    ['a spring day has 23 hours in Berlin', '2026-03-29T10:00:00Z', '1d', 'Europe/Berlin', '2026-03-28T11:00:00Z'],
    ['an autumn day has 25 hours in Berlin', '2026-10-25T10:00:00Z', '1d', 'Europe/Berlin', '2026-10-24T09:00:00Z'],
    ['a spring day has 23 hours in New York', '2026-03-08T16:00:00Z', '1d', 'America/New_York', '2026-03-07T17:00:00Z'],
    ['an autumn day has 25 hours in New York', '2026-11-01T16:00:00Z', '1d', 'America/New_York', '2026-10-31T15:00:00Z'],
    ['of an hour that is there twice, it is in the first', '2026-10-26T01:59:59.999Z', '1d', 'Europe/Berlin', '2026-10-25T00:59:59.999Z'],
    ['and also where that is half an hour', '2026-04-05T15:15:00Z', '1d', 'Australia/Lord_Howe', '2026-04-04T14:45:00Z'],
    ['but hours after that are hours', '2026-10-26T01:30:00Z', '1d1h', 'Europe/Berlin', '2026-10-24T23:30:00Z'],
    ['hours are hours, whatever the clocks do', '2026-10-25T10:00:00Z', '24h', 'Europe/Berlin', '2026-10-24T10:00:00Z'],
    ['a week is seven days of the calendar', '2026-03-30T10:00:00Z', '1w', 'Europe/Berlin', '2026-03-23T11:00:00Z'],
    ['a month back from the 31st is the last day', '2026-03-31T10:00:00Z', '1m', 'UTC', '2026-02-28T10:00:00Z'],
    ['a year back from 29 February is the 28th', '2028-02-29T10:00:00Z', '1y', 'UTC', '2027-02-28T10:00:00Z'],
    ['the day is that of the zone', '2026-02-28T23:30:00Z', '1m', 'Europe/Berlin', '2026-01-31T23:30:00Z'],
    ['months before days before hours', '2026-03-31T10:00:00Z', '1m1d1h', 'UTC', '2026-02-27T09:00:00Z'],
  ])('%s', (_name, time, text, zone, expected) => {
    expect(before(new Date(time), durationOf(text), zone)).toEqual(new Date(expected));
  });

  it.each(['UTC', 'America/New_York', undefined])('is the beginning of time if no date reaches so far (zone %s)', (zone) => {
    const early = new Date('-200000-01-01T00:00:00Z');
    for (const text of ['100000y', '1000000m', '30000000d', '700000000h']) {
      expect(before(early, durationOf(text), zone)).toEqual(new Date(-8.64e15));
    }
    expect(before(new Date('2026-11-20T12:00:00Z'), { ...NONE, years: Number.MAX_VALUE, text: '' }, zone)).toEqual(new Date(-8.64e15));
  });

  it('refuses a zone that does not exist', () => {
    expect(() => before(new Date(0), durationOf('1d'), 'Mars/Olympus')).toThrow('Unknown time zone: Mars/Olympus');
  });

  it('does not change what it was given', () => {
    const time = new Date('2026-03-29T10:00:00Z');
    before(time, durationOf('1y1m1d1h'), undefined);
    expect(time).toEqual(new Date('2026-03-29T10:00:00Z'));
  });

  it('always lies in the past, and the further the longer the duration is', () => {
    const time = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) });
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu');
    fc.assert(
      fc.property(time, zone, fc.integer({ min: 1, max: 800 }), (ms, inZone, days) => {
        const [shorter, longer] = [durationOf(`${days}d`), durationOf(`${days + 1}d`)];
        const earlier = before(new Date(ms), shorter, inZone).getTime();
        expect(earlier).toBeLessThan(ms);
        expect(before(new Date(ms), longer, inZone).getTime()).toBeLessThan(earlier);
        expect(Math.abs(ms - days * 86_400_000 - earlier)).toBeLessThanOrEqual(3_600_000);
      }),
      { numRuns: 1000 },
    );
  });

  describe('without a zone', () => {
    afterEach(() => {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    });

    it.each(['Europe/Berlin', 'America/New_York'])("is on the system's calendar (%s), without Intl", (zone) => {
      const times = ['2026-03-29T10:00:00Z', '2026-10-25T10:00:00Z', '2026-11-01T16:00:00Z', '2026-03-08T16:00:00Z'].map(
        (text) => new Date(text),
      );
      const expected = times.map((time) => before(time, durationOf('1d'), zone));
      vi.stubEnv('TZ', zone);
      expect(new Date('2026-07-01T00:00:00Z').getTimezoneOffset()).toBe(zone === 'Europe/Berlin' ? -120 : 240);
      const intl = vi.spyOn(Intl, 'DateTimeFormat');
      expect(times.map((time) => before(time, durationOf('1d'), undefined))).toEqual(expected);
      expect(intl).not.toHaveBeenCalled();
    });
  });
});

function durationOf(text: string): Duration {
  const duration = parseDuration(text);
  if (duration === undefined) throw new Error(`not a duration: ${text}`);
  return duration;
}
