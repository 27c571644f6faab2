import { getISOWeek } from 'date-fns/getISOWeek';
import { getISOWeekYear } from 'date-fns/getISOWeekYear';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PERIODS } from '../../../src/retention/policy.ts';
import { slotOf } from '../../../src/retention/slots.ts';

describe('slotOf', () => {
  it.each([
    ['hourly', 'hourly 2026-11-20T18'],
    ['daily', 'daily 2026-11-20'],
    ['weekly', 'weekly 2026-W47'],
    ['monthly', 'monthly 2026-11'],
    ['yearly', 'yearly 2026'],
  ] as const)('says %s as the user reads it', (period, reason) => {
    expect(slotOf(period, new Date('2026-11-20T18:05:00Z'), 'UTC').reason).toBe(reason);
  });

  it.each([
    ['UTC', ['hourly 2026-12-31T23', 'daily 2026-12-31', 'weekly 2026-W53', 'monthly 2026-12', 'yearly 2026']],
    ['Europe/Berlin', ['hourly 2027-01-01T00', 'daily 2027-01-01', 'weekly 2026-W53', 'monthly 2027-01', 'yearly 2027']],
    ['Asia/Kathmandu', ['hourly 2027-01-01T05', 'daily 2027-01-01', 'weekly 2026-W53', 'monthly 2027-01', 'yearly 2027']],
    ['America/New_York', ['hourly 2026-12-31T18', 'daily 2026-12-31', 'weekly 2026-W53', 'monthly 2026-12', 'yearly 2026']],
  ])('reads the calendar of %s', (zone, reasons) => {
    const time = new Date('2026-12-31T23:30:00Z');
    expect(PERIODS.map((period) => slotOf(period, time, zone).reason)).toEqual(reasons);
  });

  it.each([
    ['Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', 'hourly 2026-10-25T02'],
    ['America/New_York', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z', 'hourly 2026-11-01T01'],
    ['Australia/Lord_Howe', '2026-04-04T14:45:00Z', '2026-04-04T15:15:00Z', 'hourly 2026-04-05T01'],
  ])('keeps the two hours of an autumn night apart in %s', (zone, first, second, reason) => {
    const [a, b] = [slotOf('hourly', new Date(first), zone), slotOf('hourly', new Date(second), zone)];
    expect([a.reason, b.reason]).toEqual([reason, reason]);
    expect(a.key).not.toBe(b.key);
    expect(slotOf('daily', new Date(first), zone).key).toBe(slotOf('daily', new Date(second), zone).key);
  });

  it.each([
    ['Europe/Berlin', '2026-03-29T00:59:59Z', '2026-03-29T01:00:00Z', ['hourly 2026-03-29T01', 'hourly 2026-03-29T03']],
    ['America/New_York', '2026-03-08T06:59:59Z', '2026-03-08T07:00:00Z', ['hourly 2026-03-08T01', 'hourly 2026-03-08T03']],
  ])('skips the missing hour of a spring night in %s', (zone, last, first, reasons) => {
    expect([last, first].map((time) => slotOf('hourly', new Date(time), zone).reason)).toEqual(reasons);
  });

  it.each([
    ['2026-12-27T12:00:00Z', '2026-W52'],
    ['2026-12-28T00:00:00Z', '2026-W53'],
    ['2027-01-03T23:59:59Z', '2026-W53'],
    ['2027-01-04T00:00:00Z', '2027-W01'],
    ['2024-12-29T12:00:00Z', '2024-W52'],
    ['2024-12-30T12:00:00Z', '2025-W01'],
    ['2023-01-01T12:00:00Z', '2022-W52'],
    ['2026-01-01T12:00:00Z', '2026-W01'],
  ])('%s is in week %s', (time, week) => {
    expect(slotOf('weekly', new Date(time), 'UTC').reason).toBe(`weekly ${week}`);
  });

  it('numbers weeks as date-fns does', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('1970-01-02'), max: new Date('2399-12-30'), noInvalidDate: true }), (time) => {
        const week = `${getISOWeekYear(time)}-W${String(getISOWeek(time)).padStart(2, '0')}`;
        expect(slotOf('weekly', time, undefined).key).toBe(`weekly ${week}`);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a zone that does not exist, which would put all roots into one slot', () => {
    expect(() => slotOf('daily', new Date(0), 'Mars/Olympus')).toThrow('Unknown time zone: Mars/Olympus');
  });

  describe('without a zone', () => {
    afterEach(() => {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    });

    it.each(['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'])("is the system's calendar (%s), without Intl", (zone) => {
      const nights = ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01', '2026-12-31', '2027-01-04'];
      const steps = Array.from({ length: 2 * 72 }, (_, index) => (index - 72) * 1_800_000);
      const times = nights.flatMap((night) => steps.map((step) => new Date(Date.parse(night) + step)));
      const expected = times.map((time) => PERIODS.map((period) => slotOf(period, time, zone)));
      vi.stubEnv('TZ', zone);
      const winter = new Date('2026-01-01T00:00:00Z');
      expect(winter.getTimezoneOffset()).toBe({ 'Europe/Berlin': -60, 'America/New_York': 300, 'Asia/Kathmandu': -345 }[zone]);
      const intl = vi.spyOn(Intl, 'DateTimeFormat');
      expect(times.map((time) => PERIODS.map((period) => slotOf(period, time, undefined)))).toEqual(expected);
      expect(intl).not.toHaveBeenCalled();
    });
  });
});
