import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/retention/duration.ts';
import { parseFreeSpace } from '../../../src/retention/free-space.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import type { Policy } from '../../../src/retention/policy.ts';
import { simulate, simulatedDays } from '../../../src/retention/simulate.ts';
import { modelVerdicts } from './retention-model.ts';
import { policy as anyPolicy, situation } from './situations.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const NO_POLICY: Policy = {};

describe('the boots to come', () => {
  it('are one a day if next to nothing has been seen', () => {
    for (const seen of [
      [],
      ['2026-11-18T08:30:00Z'],
      ['2026-11-18T08:30:00Z', '1970-01-01T00:00:10Z'],
      ['nonsense', '2026-11-18T08:30:00Z'],
    ]) {
      expect(bootsOf(seen, 4)).toEqual([1, 1, 1, 1]);
    }
    expect(timesOf(['2026-11-18T08:30:00Z'], 2)).toEqual(['2026-11-21T08:30', '2026-11-22T08:30']);
  });

  it('are those of the last seven days again, each weekday like the last one', () => {
    // Ten on Monday, two on Wednesday, one on Thursday; what was before is another rhythm.
    const monday = Array.from({ length: 10 }, (_, boot) => `2026-11-16T${String(8 + boot).padStart(2, '0')}:00:00Z`);
    const seen = [
      ...monday,
      '2026-11-18T09:00:00Z',
      '2026-11-18T21:00:00Z',
      '2026-11-19T09:00:00Z',
      '2026-11-10T09:00:00Z',
      '2026-11-03T09:00:00Z',
    ];
    // From Saturday to Friday, twice. The prunes are at noon, so an evening counts for the next day.
    const week = [0, 0, 5, 5, 1, 2, 0];
    expect(bootsOf(seen, 14)).toEqual([...week, ...week]);
  });

  it('are those of the few days that have been seen', () => {
    expect(bootsOf(['2026-11-20T08:00:00Z', '2026-11-20T10:00:00Z', '2026-11-20T11:00:00Z'], 3)).toEqual([3, 3, 3]);
    const five = Array.from({ length: 5 }, (_, day) => `2026-11-${16 + day}T08:00:00Z`);
    expect(bootsOf(five, 6)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(timesOf(['2026-11-20T08:00:00Z', '2026-11-18T09:00:00Z'], 7)).toEqual([
      '2026-11-22T09:00',
      '2026-11-24T08:00',
      '2026-11-26T09:00',
    ]);
  });

  it('come as far apart as the last two if those are weeks apart', () => {
    expect(timesOf(['2026-11-20T08:00:00Z', '2026-10-21T07:00:00Z', '2026-10-20T07:00:00Z'], 61)).toEqual([
      '2026-12-20T08:00',
      '2027-01-19T08:00',
    ]);
  });

  it('go on after a pause as before it', () => {
    const seen = Array.from({ length: 7 }, (_, day) => `2026-10-${10 + day}T08:00:00Z`);
    expect(bootsOf(seen, 5)).toEqual([1, 1, 1, 1, 1]);
  });

  it('count those whose roots are gone, if they are known', () => {
    const alsoSeen = Array.from({ length: 7 }, (_, day) => new Date(`2026-11-${14 + day}T06:00:00Z`));
    const days = simulate(rootsAt(['2026-11-19T08:00:00Z', '2026-11-01T08:00:00Z']), NO_POLICY, {
      now: NOW,
      days: 7,
      zone: 'UTC',
      alsoSeen,
    });
    expect(days.map(({ boots }) => boots)).toEqual([1, 1, 1, 1, 1, 2, 1]);
    expect(days[0]!.kept).toHaveLength(3);
  });

  it('are not made of roots from the future', () => {
    expect(bootsOf(['2026-11-18T08:00:00Z', '2026-11-17T08:00:00Z', '2026-11-21T08:00:00Z'], 2)).toEqual(
      bootsOf(['2026-11-18T08:00:00Z', '2026-11-17T08:00:00Z'], 2),
    );
  });

  it('keep their local time of day over a change of the clock', () => {
    const roots = rootsAt(['2027-03-26T08:00:00+01:00', '2027-03-25T08:00:00+01:00']);
    const days = simulate(roots, NO_POLICY, { now: new Date('2027-03-26T12:00:00+01:00'), days: 4, zone: 'Europe/Berlin' });
    expect(days.map(({ at }) => at.toISOString().slice(0, 16))).toEqual([
      '2027-03-27T11:00',
      '2027-03-28T10:00',
      '2027-03-29T10:00',
      '2027-03-30T10:00',
    ]);
    expect(days.map(({ boots }) => boots)).toEqual([1, 1, 1, 1]);
    expect(days.at(-1)!.kept[0]!.time.toISOString().slice(0, 16)).toBe('2027-03-30T06:00');
  });
});

describe('a simulation', () => {
  it('says day by day what comes, goes and stays', () => {
    const roots = rootsAt(['2026-11-20T08:00:00Z', '2026-11-19T08:00:00Z', '2026-11-18T08:00:00Z']);
    const days = simulate(
      [...roots.slice(0, 2), { ...roots[2]!, protections: ['pinned'] }],
      { last: 1, daily: 2 },
      { now: NOW, days: 2, zone: 'UTC' },
    );
    expect(days[1]).toEqual({
      date: '2026-11-22',
      at: new Date('2026-11-22T12:00:00Z'),
      boots: 1,
      removed: [{ name: 'root', time: new Date('2026-11-20T08:00:00Z'), reasons: ['not kept by any rule'] }],
      kept: [
        {
          name: '2026-11-22T08:00:00.000Z',
          time: new Date('2026-11-22T08:00:00Z'),
          reasons: ['last 1', 'daily 2026-11-22'],
          simulated: true,
        },
        { name: '2026-11-21T08:00:00.000Z', time: new Date('2026-11-21T08:00:00Z'), reasons: ['daily 2026-11-21'], simulated: true },
        { name: 'root_2', time: new Date('2026-11-18T08:00:00Z'), reasons: ['pinned'], simulated: false },
      ],
    });
  });

  it('lets nothing go for lack of space, which nobody can foresee', () => {
    const days = simulate(rootsAt(['2026-11-20T08:00:00Z']), { minFree: parseFreeSpace('99%')! }, { now: NOW, days: 30, zone: 'UTC' });
    expect(days.at(-1)!.kept).toHaveLength(31);
  });

  it('gives two boots of one moment two names', () => {
    const twins = [...rootsAt(['2026-11-20T08:00:00Z']), { ...rootsAt(['2026-11-20T08:00:00Z'])[0]!, name: 'root_7' }];
    const [day] = simulate(twins, NO_POLICY, { now: NOW, days: 1, zone: 'UTC' });
    expect(day!.kept.filter(({ simulated }) => simulated).map(({ name }) => name)).toEqual([
      '2026-11-21T08:00:00.000Z_1',
      '2026-11-21T08:00:00.000Z',
    ]);
  });

  it('is what the model prunes each day', () => {
    fc.assert(
      fc.property(situation, anyPolicy, fc.integer({ min: 1, max: 30 }), ({ roots, now, zone }, policy, length) => {
        const days = simulate(roots, policy, { now, days: length, zone });
        expect(days).toHaveLength(length);
        let archive: readonly Candidate[] = roots;
        let before = now;
        for (const day of days) {
          const came = [...day.kept.filter(({ simulated }) => simulated), ...day.removed].filter(
            ({ time }) => time > before && time <= day.at,
          );
          const arrived = came.filter(({ name }) => !archive.some((root) => root.name === name));
          expect(arrived).toHaveLength(day.boots);
          archive = [...archive, ...arrived.map(({ name, time }) => ({ name, time, protections: [] }))];
          const verdicts = modelVerdicts(archive, policy, day.at, zone);
          expect(wordsOf(day.kept)).toEqual(
            wordsOf(verdicts.filter(({ keep }) => keep).map(({ root, reasons }) => ({ ...root, reasons }))),
          );
          expect(wordsOf(day.removed)).toEqual(
            wordsOf(verdicts.filter(({ keep }) => !keep).map(({ root, reasons }) => ({ ...root, reasons }))),
          );
          archive = verdicts.flatMap(({ root, keep }) => (keep ? [root] : []));
          before = day.at;
        }
      }),
      { numRuns: 150 },
    );
  });

  it('of a year with ten boots a day takes no long thought', () => {
    const roots = rootsAt(Array.from({ length: 70 }, (_, boot) => new Date(NOW.getTime() - boot * 8_640_000).toISOString()));
    const policy = { last: 3, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 3 };
    const start = process.cpuUsage();
    const days = simulate(roots, policy, { now: NOW, days: 365, zone: 'Europe/Berlin' });
    const { user, system } = process.cpuUsage(start);
    expect(days.reduce((sum, { boots }) => sum + boots, 0)).toBe(3650);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});

describe('the length of a simulation', () => {
  it.each([
    ['90d', 90],
    ['1m', 30],
    ['2m', 61],
    ['1y', 365],
    ['36h', 2],
    ['24h', 1],
    ['3700d', 3700],
  ])('%s from 20 November at noon is %d days', (text, days) => {
    expect(simulatedDays(parseDuration(text)!, NOW, 'UTC')).toBe(days);
  });

  it.each(['1h', '3701d', '11y', '200000y'])('%s is none', (text) => {
    expect(simulatedDays(parseDuration(text)!, NOW, 'UTC')).toBeUndefined();
  });

  it('counts days of the calendar', () => {
    expect(simulatedDays(parseDuration('1d')!, new Date('2026-10-25T00:30:00+02:00'), 'Europe/Berlin')).toBe(1);
    expect(simulatedDays(parseDuration('24h')!, new Date('2026-10-25T00:30:00+02:00'), 'Europe/Berlin')).toBeUndefined();
  });
});

function bootsOf(seen: readonly string[], days: number): number[] {
  return simulate(rootsAt(seen), NO_POLICY, { now: NOW, days, zone: 'UTC' }).map(({ boots }) => boots);
}

function timesOf(seen: readonly string[], days: number): string[] {
  const kept = simulate(rootsAt(seen), NO_POLICY, { now: NOW, days, zone: 'UTC' }).at(-1)!.kept;
  return kept
    .filter(({ simulated }) => simulated)
    .map(({ time }) => time.toISOString().slice(0, 16))
    .toReversed();
}

function rootsAt(times: readonly string[]): Candidate[] {
  return times.map((time, at) => ({ name: at === 0 ? 'root' : `root_${at}`, time: new Date(time), protections: [] }));
}

function wordsOf(roots: readonly { readonly name: string; readonly reasons: readonly string[] }[]): string[] {
  return roots.map(({ name, reasons }) => `${name} ${reasons.join(', ')}`).toSorted();
}
