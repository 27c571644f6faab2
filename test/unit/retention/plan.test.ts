import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseDuration } from '../../../src/retention/duration.ts';
import type { Duration } from '../../../src/retention/duration.ts';
import { parseFreeSpace } from '../../../src/retention/free-space.ts';
import { goForSpace, planRetention } from '../../../src/retention/plan.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import type { Policy } from '../../../src/retention/policy.ts';

const NOW = '2026-11-20T12:00:00Z';

describe('the reasons', () => {
  it('name every rule that keeps a root, in the order of the configuration', () => {
    const policy = { last: 1, hourly: 1, daily: 1, weekly: 1, monthly: 1, yearly: 1, within: durationOf('14d') };
    expect(planned(['2026-11-20T10:00:00Z'], policy)).toEqual({
      '2026-11-20T10:00:00Z': [
        'keep',
        'last 1',
        'hourly 2026-11-20T10',
        'daily 2026-11-20',
        'weekly 2026-W47',
        'monthly 2026-11',
        'yearly 2026',
        'within 14d',
      ],
    });
  });

  it('name the default floor only where nothing else keeps a root', () => {
    const names = ['2026-11-19T10:00:00Z', '2026-11-19T09:00:00Z', '2026-11-19T08:00:00Z', '2026-11-19T07:00:00Z'];
    expect(planned(names, { daily: 1 })).toEqual({
      '2026-11-19T10:00:00Z': ['keep', 'daily 2026-11-19'],
      '2026-11-19T09:00:00Z': ['keep', 'floor 3'],
      '2026-11-19T08:00:00Z': ['keep', 'floor 3'],
      '2026-11-19T07:00:00Z': ['remove', 'not kept by any rule'],
    });
  });

  it('name the last that was written down for every root of it', () => {
    expect(planned(['2026-11-19T10:00:00Z', '2026-11-18T10:00:00Z', '2026-11-17T10:00:00Z'], { last: 2, daily: 1 })).toEqual({
      '2026-11-19T10:00:00Z': ['keep', 'last 2', 'daily 2026-11-19'],
      '2026-11-18T10:00:00Z': ['keep', 'last 2'],
      '2026-11-17T10:00:00Z': ['remove', 'not kept by any rule'],
    });
  });

  it('say which side of an age limit a root is on if age is all there is', () => {
    const names = ['2026-11-19T12:00:00Z', '2026-10-21T12:00:00Z', '2026-10-21T11:59:59Z', '2026-09-01T12:00:00Z'];
    expect(planned(names, { maxAge: durationOf('30d') })).toEqual({
      '2026-11-19T12:00:00Z': ['keep', 'younger than 30d'],
      '2026-10-21T12:00:00Z': ['keep', 'younger than 30d'],
      '2026-10-21T11:59:59Z': ['keep', 'floor 3'],
      '2026-09-01T12:00:00Z': ['remove', 'older than 30d'],
    });
  });

  it('tell what is too old from what no rule keeps, and say both where both are so', () => {
    const names = ['2026-11-19T12:00:00Z', '2026-11-19T11:00:00Z', '2026-09-01T12:00:00Z', '2026-09-01T11:00:00Z', '2026-08-01T12:00:00Z'];
    expect(planned(names, { last: 1, daily: 2, maxAge: durationOf('30d') })).toEqual({
      '2026-11-19T12:00:00Z': ['keep', 'last 1', 'daily 2026-11-19'],
      '2026-11-19T11:00:00Z': ['remove', 'not kept by any rule'],
      '2026-09-01T12:00:00Z': ['remove', 'older than 30d'],
      '2026-09-01T11:00:00Z': ['remove', 'older than 30d', 'not kept by any rule'],
      '2026-08-01T12:00:00Z': ['remove', 'older than 30d', 'not kept by any rule'],
    });
  });

  it('leave out a rule that the age limit has overruled', () => {
    expect(planned(['2026-09-01T12:00:00Z'], { last: 1, daily: 7, maxAge: durationOf('30d') })).toEqual({
      '2026-09-01T12:00:00Z': ['keep', 'last 1'],
    });
  });

  it('are the same whether the default floor is written down beside an age limit or not', () => {
    const days = Array.from({ length: 20 }, (_, day) => new Date(Date.UTC(2026, 9, 28 + day)).toISOString());
    const kept = (policy: Policy) =>
      Object.entries(planned(days, policy))
        .filter(([, [verdict]]) => verdict === 'keep')
        .map(([name]) => name);
    const aged = kept({ maxAge: durationOf('30d') });
    expect(aged.length).toBeGreaterThan(3);
    expect(kept({ last: 3, maxAge: durationOf('30d') })).toEqual(aged);
  });

  it('say that space alone decides, and of the floor that it does not', () => {
    const names = ['2026-11-19T10:00:00Z', '2026-11-18T10:00:00Z', '2026-11-17T10:00:00Z'];
    const space = { minFree: parseFreeSpace('10%')! };
    const protections = { '2026-11-17T10:00:00Z': ['pinned'] };
    expect(planned(names, { last: 1, ...space }, { protections })).toEqual({
      '2026-11-19T10:00:00Z': ['keep', 'last 1'],
      '2026-11-18T10:00:00Z': ['keep', 'until less than 10% is free'],
      '2026-11-17T10:00:00Z': ['keep', 'pinned'],
    });
    expect(planned([...names, '2026-11-16T10:00:00Z'], space)).toEqual({
      '2026-11-19T10:00:00Z': ['keep', 'floor 3'],
      '2026-11-18T10:00:00Z': ['keep', 'floor 3'],
      '2026-11-17T10:00:00Z': ['keep', 'floor 3'],
      '2026-11-16T10:00:00Z': ['keep', 'until less than 10% is free'],
    });
  });

  it('begin with what protects a root', () => {
    const protections = { '2026-11-19T10:00:00Z': ['live', 'mounted'], '2026-01-01T10:00:00Z': ['pinned'] };
    expect(planned(['2026-11-19T10:00:00Z', '2026-01-01T10:00:00Z'], { last: 1, maxAge: durationOf('30d') }, { protections })).toEqual({
      '2026-11-19T10:00:00Z': ['keep', 'live', 'mounted', 'last 1', 'younger than 30d'],
      '2026-01-01T10:00:00Z': ['keep', 'pinned'],
    });
  });

  it('say that there is no policy, and still what is particular about a root', () => {
    const protections = { '2026-11-19T10:00:00Z': ['pinned'] };
    expect(planned(['2027-01-01T00:00:00Z', '2026-11-19T10:00:00Z', '2026-11-18T10:00:00Z', 'nonsense'], {}, { protections })).toEqual({
      '2027-01-01T00:00:00Z': ['keep', 'future', 'no policy'],
      '2026-11-19T10:00:00Z': ['keep', 'pinned', 'no policy'],
      '2026-11-18T10:00:00Z': ['keep', 'no policy'],
      nonsense: ['keep', 'unreadable time', 'no policy'],
    });
  });
});

describe('a root', () => {
  it('of the future, or of no readable time, is kept and counts for nothing', () => {
    const names = ['2026-11-20T12:00:00.001Z', '2026-11-20T12:00:00.000Z', '2026-11-18T12:00:00Z', '2026-11-17T12:00:00Z', 'nonsense'];
    expect(planned(names, { last: 1, daily: 1, within: durationOf('1d') })).toEqual({
      '2026-11-20T12:00:00.001Z': ['keep', 'future'],
      '2026-11-20T12:00:00.000Z': ['keep', 'last 1', 'daily 2026-11-20', 'within 1d'],
      '2026-11-18T12:00:00Z': ['remove', 'not kept by any rule'],
      '2026-11-17T12:00:00Z': ['remove', 'not kept by any rule'],
      nonsense: ['keep', 'unreadable time'],
    });
  });

  it('of no readable time is not the oldest one', () => {
    expect(planned(['2026-11-18T12:00:00Z', '2026-11-18T11:00:00Z', 'nonsense'], { last: 1, yearly: 2 })).toEqual({
      '2026-11-18T12:00:00Z': ['keep', 'last 1', 'yearly 2026'],
      '2026-11-18T11:00:00Z': ['keep', 'yearly 2026'],
      nonsense: ['keep', 'unreadable time'],
    });
  });

  it('that lies exactly the length of `within` before the newest is not within it', () => {
    expect(
      planned(['2026-11-19T12:00:00Z', '2026-11-18T12:00:00.001Z', '2026-11-18T12:00:00Z'], { last: 1, within: durationOf('1d') }),
    ).toEqual({
      '2026-11-19T12:00:00Z': ['keep', 'last 1', 'within 1d'],
      '2026-11-18T12:00:00.001Z': ['keep', 'within 1d'],
      '2026-11-18T12:00:00Z': ['remove', 'not kept by any rule'],
    });
  });

  it('that is pinned takes its place in the floor and in the rules', () => {
    const names = ['2026-11-19T10:00:00Z', '2026-11-18T10:00:00Z', '2026-11-17T10:00:00Z', '2026-11-16T10:00:00Z'];
    const protections = { '2026-11-19T10:00:00Z': ['pinned'], '2026-11-18T10:00:00Z': ['pinned'] };
    expect(planned(names, { last: 2, daily: 3 }, { protections })).toEqual({
      '2026-11-19T10:00:00Z': ['keep', 'pinned', 'last 2', 'daily 2026-11-19'],
      '2026-11-18T10:00:00Z': ['keep', 'pinned', 'last 2', 'daily 2026-11-18'],
      '2026-11-17T10:00:00Z': ['keep', 'daily 2026-11-17'],
      '2026-11-16T10:00:00Z': ['remove', 'not kept by any rule'],
    });
  });

  it('with the later of two names is the newer one of the same moment', () => {
    const time = new Date('2026-11-19T10:00:00Z');
    const roots = ['a_2', 'a', 'a_10', 'a_1'].map((name) => ({ name, time, protections: [] }));
    const plan = planRetention(roots, { last: 1, daily: 1 }, new Date(NOW), 'UTC');
    expect(plan.map(({ root, keep }) => [root.name, keep])).toEqual([
      ['a_10', true],
      ['a_2', false],
      ['a_1', false],
      ['a', false],
    ]);
  });

  it('comes back as the object that was given', () => {
    const root = { name: 'a', time: new Date(0), protections: [], note: 'mine' };
    expect(planRetention([root], { last: 1 }, new Date(NOW), 'UTC')[0]?.root).toBe(root);
  });
});

describe('the oldest root', () => {
  it('is not kept by a rule that is just full', () => {
    const names = ['2026-11-19T10:00:00Z', '2026-11-18T10:00:00Z', '2026-11-18T09:00:00Z'];
    expect(planned(names, { last: 1, daily: 2 })['2026-11-18T09:00:00Z']).toEqual(['remove', 'not kept by any rule']);
    expect(planned(names, { last: 1, daily: 3 })['2026-11-18T09:00:00Z']).toEqual(['keep', 'daily 2026-11-18']);
  });

  it('goes like any other when it is too old', () => {
    const names = ['2026-11-19T10:00:00Z', '2026-03-01T10:00:00Z'];
    expect(planned(names, { last: 1, yearly: 5, maxAge: durationOf('30d') })['2026-03-01T10:00:00Z']).toEqual(['remove', 'older than 30d']);
  });
});

describe('for lack of space', () => {
  it('the oldest go first, rules or not, but never the floor and what is protected or from the future', () => {
    const names = ['2027-01-01T00:00:00Z', '2026-11-19T10:00:00Z', '2026-11-18T10:00:00Z', '2026-11-17T10:00:00Z', '2026-11-16T10:00:00Z'];
    const candidates = [...names, '2026-11-15T10:00:00Z', 'nonsense'].map((name) => ({
      name,
      time: new Date(name),
      protections: name === '2026-11-16T10:00:00Z' ? ['mounted'] : [],
    }));
    const goes = (policy: Policy) => goForSpace(planRetention(candidates, policy, new Date(NOW), 'UTC')).map(({ root }) => root.name);
    expect(goes({ last: 1, daily: 4 })).toEqual(['2026-11-17T10:00:00Z', '2026-11-18T10:00:00Z']);
    expect(goes({ last: 2, minFree: parseFreeSpace('10%')! })).toEqual(['2026-11-15T10:00:00Z', '2026-11-17T10:00:00Z']);
    expect(goes({})).toEqual([]);
  });
});

it('plans nothing for no roots', () => {
  expect(planRetention([], { last: 3, within: durationOf('1d') }, new Date(NOW), 'UTC')).toEqual([]);
});

it('refuses a zone that does not exist', () => {
  expect(() => planned(['2026-11-19T10:00:00Z'], { daily: 7 }, { zone: 'Mars/Olympus' })).toThrow('Unknown time zone: Mars/Olympus');
});

describe('without a zone', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it.each(['Europe/Berlin', 'America/New_York'])("plans on the system's calendar (%s), without Intl", (zone) => {
    const start = Date.UTC(2026, 9, 20);
    const names = Array.from({ length: 500 }, (_, index) => new Date(start + index * 1_800_000).toISOString());
    const policy = { last: 1, hourly: 200, daily: 9, weekly: 3, monthly: 2, yearly: 1, within: durationOf('6d'), maxAge: durationOf('1m') };
    const expected = planned(names, policy, { zone });
    expect(expected).not.toEqual(planned(names, policy, { zone: 'UTC' }));

    vi.stubEnv('TZ', zone);
    expect(new Date(start).getTimezoneOffset()).toBe(zone === 'Europe/Berlin' ? -120 : 240);
    const intl = vi.spyOn(Intl, 'DateTimeFormat');
    expect(planned(names, policy, { zone: undefined })).toEqual(expected);
    expect(intl).not.toHaveBeenCalled();
  });
});

interface Circumstances {
  readonly protections?: Readonly<Record<string, readonly string[]>>;
  readonly zone?: string | undefined;
}

/** What is planned at NOW for roots named by their times; the circumstances are UTC and no protections unless given. */
function planned(names: readonly string[], policy: Policy, circumstances: Circumstances = {}): Record<string, string[]> {
  const { protections, zone } = { zone: 'UTC', ...circumstances };
  const candidates: Candidate[] = names.map((name) => ({ name, time: new Date(name), protections: protections?.[name] ?? [] }));
  const plan = planRetention(candidates, policy, new Date(NOW), zone);
  return Object.fromEntries(plan.map(({ root, keep, reasons }) => [root.name, [keep ? 'keep' : 'remove', ...reasons]]));
}

function durationOf(text: string): Duration {
  const duration = parseDuration(text);
  if (duration === undefined) throw new Error(`not a duration: ${text}`);
  return duration;
}
