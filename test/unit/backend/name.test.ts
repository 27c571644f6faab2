import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseName } from '../../../src/backend/name.ts';

const at = (name: string, zone = 'UTC'): string | null => parseName(name, zone)?.time.toISOString().replace('.000Z', 'Z') ?? null;

describe('the names of old roots in the field', () => {
  it.each([
    ['2024-11-4_16:22:50', '2024-11-04T16:22:50Z'],
    ['2024-11-04_16:22:50', '2024-11-04T16:22:50Z'],
    ['2024-1-4_06:22:50', '2024-01-04T06:22:50Z'],
    ['2024-11-04_16-22-50', '2024-11-04T16:22:50Z'],
    ['2024-11-04T16:22:50Z', '2024-11-04T16:22:50Z'],
    ['2024-11-4T16:22:50', '2024-11-04T16:22:50Z'],
    ['2024-11-04T16:22:50+01:00', '2024-11-04T15:22:50Z'],
    ['2024-11-04T16:22:50-0530', '2024-11-04T21:52:50Z'],
    ['2024-11-04 16:22:50', '2024-11-04T16:22:50Z'],
    ['20241104T162250', '2024-11-04T16:22:50Z'],
    ['20241104T162250Z', '2024-11-04T16:22:50Z'],
    ['20241104_162250', '2024-11-04T16:22:50Z'],
    ['1730737370', '2024-11-04T16:22:50Z'],
    ['root.bak-1730737370', '2024-11-04T16:22:50Z'],
    ['@root.bak-1730737370', '2024-11-04T16:22:50Z'],
    ['2024-02-29_23:59:59', '2024-02-29T23:59:59Z'],
  ])('%s', (name, time) => {
    expect(at(name)).toBe(time);
    expect(parseName(name, 'UTC')?.copy).toBe(0);
    for (const copy of [1, 2, 17, 9999]) expect(parseName(`${name}_${String(copy)}`, 'UTC')).toEqual({ time: new Date(time), copy });
  });

  it.each([
    ...[
      '',
      'root',
      'root-blank',
      '.roots',
      'today',
      '2daysago',
      'before-the-upgrade',
      '2024',
      '2024-11-04',
      '2024-11-04_16:22',
      '2024-11-04_16:22:5',
    ],
    ...[
      '2023-02-29_00:00:00',
      '2024-02-30_00:00:00',
      '2024-13-01_00:00:00',
      '2024-00-10_00:00:00',
      '2024-11-00_00:00:00',
      '2024-11-31_00:00:00',
    ],
    ...[
      '2024-11-04_24:00:00',
      '2024-11-04_23:60:00',
      '2024-11-04_23:59:60',
      '1969-12-31_23:59:59',
      '0000-01-01_00:00:00',
      '20241304T000000',
    ],
    ...['2024-11-04T16:22:50+15:00', '2024-11-04T16:22:50+01:60', '2024-11-04T16:22:50z', '2024-11-04T16:22:50 UTC'],
    ...['173073737', '17307373700', '0730737370', '-1730737370', '1730737370.5', '1e9', '１７３０７３７３７０', '٢٠٢٤-11-04_16:22:50'],
    ...[
      '2024-11-04_16:22:50_',
      '2024-11-04_16:22:50_x',
      '2024-11-04_16:22:50_1_2',
      '2024-11-04_16:22:50-1',
      '2024-11-04_16:22:50_12345',
      '_1',
    ],
    ...[
      '2024-11-04_16:22:50\n',
      '\n2024-11-04_16:22:50',
      ' 2024-11-04_16:22:50',
      '2024-11-04_16:22:50 ',
      'x2024-11-04_16:22:50',
      'my 1730737370',
    ],
    ...[
      'root.bak-',
      'root.bak-x',
      '@@root.bak-1730737370',
      'root.bak-root.bak-1730737370',
      '2024-11-04__16:22:50',
      '2024-11-04_16:22:50.5',
    ],
  ])('%j is no time', (name) => {
    expect(parseName(name, 'UTC')).toBeNull();
  });
});

describe('a name without a zone', () => {
  it.each([
    ['2024-11-04_16:22:50', 'Europe/Berlin', '2024-11-04T15:22:50Z'],
    ['2024-07-04_16:22:50', 'Europe/Berlin', '2024-07-04T14:22:50Z'],
    ['2024-07-04_16:22:50', 'America/New_York', '2024-07-04T20:22:50Z'],
    ['2024-07-04_16:22:50', 'Asia/Kathmandu', '2024-07-04T10:37:50Z'],
    ['2024-07-04_00:22:50', 'Pacific/Kiritimati', '2024-07-03T10:22:50Z'],
    ['2024-07-04_23:22:50', 'Pacific/Pago_Pago', '2024-07-05T10:22:50Z'],
  ])('%s in %s is %s', (name, zone, time) => {
    expect(at(name, zone)).toBe(time);
  });

  it('in an hour that an autumn night has twice is the later one', () => {
    expect(at('2024-10-27_02:30:00', 'Europe/Berlin')).toBe('2024-10-27T01:30:00Z');
    expect(at('2024-10-27_01:59:59', 'Europe/Berlin')).toBe('2024-10-26T23:59:59Z');
    expect(at('2024-10-27_03:00:00', 'Europe/Berlin')).toBe('2024-10-27T02:00:00Z');
    expect(at('2024-11-03_01:30:00', 'America/New_York')).toBe('2024-11-03T06:30:00Z');
    expect(at('2024-04-07_01:45:00', 'Australia/Lord_Howe')).toBe('2024-04-06T15:15:00Z');
  });

  it('in an hour that a spring night leaves out is within the hour', () => {
    const found = Date.parse(at('2024-03-31_02:30:00', 'Europe/Berlin') ?? '');
    expect([Date.parse('2024-03-31T00:30:00Z'), Date.parse('2024-03-31T01:30:00Z')]).toContain(found);
    expect(at('2024-03-31_01:59:59', 'Europe/Berlin')).toBe('2024-03-31T00:59:59Z');
    expect(at('2024-03-31_03:00:00', 'Europe/Berlin')).toBe('2024-03-31T01:00:00Z');
    expect(at('2011-12-30_12:00:00', 'Pacific/Apia')).not.toBeNull();
  });

  it('does not matter to one that has it, and to seconds', () => {
    for (const name of ['2024-11-04T16:22:50Z', '2024-11-04T17:22:50+01:00', '1730737370'])
      expect(at(name, 'Asia/Tokyo')).toBe('2024-11-04T16:22:50Z');
  });
});

const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca'];
// Two days after the first: in no zone it is 1969 then.
const seconds = fc.integer({ min: 172_800, max: 4_102_444_799 });
const two = (value: number): string => String(value).padStart(2, '0');

describe('for any', () => {
  it('text it never throws, and what it finds is a time', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[0-9_:TZ@.+ a-k-]{0,30}$/),
      fc.stringMatching(/^\d{4}-\d{1,2}-\d{1,2}[T_ ]\d\d[:-]\d\d[:-]\d\d(Z|[+-]\d\d:?\d\d)?(_\d+)?$/),
    );
    fc.assert(
      fc.property(text, fc.constantFrom(...ZONES), (name, zone) => {
        const found = parseName(name, zone);
        return found === null || (Number.isFinite(found.time.getTime()) && Number.isInteger(found.copy));
      }),
      { numRuns: 2000 },
    );
  });

  it('time in UTC, in every form and with any copy, what was written is read', () => {
    fc.assert(
      fc.property(seconds, fc.nat({ max: 9999 }), (second, copy) => {
        const time = new Date(second * 1000);
        const iso = time.toISOString();
        const [date, clock] = [iso.slice(0, 10), iso.slice(11, 19)];
        const unpadded = `${iso.slice(0, 8)}${String(time.getUTCDate())}`;
        const forms = [
          `${date}_${clock}`,
          `${unpadded}_${clock}`,
          `${date}_${clock.replaceAll(':', '-')}`,
          `${date}T${clock}Z`,
          `${date}${clock}`.replaceAll(/[-:]/g, '').replace(/^(.{8})/, '$1T'),
        ];
        if (second >= 1e9) forms.push(String(second), `@root.bak-${String(second)}`);
        for (const form of forms) {
          expect(parseName(form, 'UTC')).toEqual({ time, copy: 0 });
          if (copy > 0) expect(parseName(`${form}_${String(copy)}`, 'UTC')).toEqual({ time, copy });
        }
      }),
    );
  });

  it('time in any zone, the clock on the wall is the one in the name, and no later time has it', () => {
    fc.assert(
      fc.property(seconds, fc.constantFrom(...ZONES), (second, zone) => {
        const time = new Date(second * 1000);
        const found = parseName(wallClock(time, zone), zone)?.time ?? new Date(Number.NaN);
        expect(wallClock(found, zone)).toBe(wallClock(time, zone));
        expect(found.getTime()).toBeGreaterThanOrEqual(time.getTime());
      }),
    );
  });
});

const formats = new Map(
  ZONES.map((zone) => [
    zone,
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }),
  ]),
);

function wallClock(time: Date, zone: string): string {
  const parts = Object.fromEntries((formats.get(zone)?.formatToParts(time) ?? []).map(({ type, value }) => [type, Number(value)]));
  const part = (name: string): number => parts[name] ?? 0;
  return `${String(part('year'))}-${two(part('month'))}-${two(part('day'))}_${two(part('hour'))}:${two(part('minute'))}:${two(part('second'))}`;
}
