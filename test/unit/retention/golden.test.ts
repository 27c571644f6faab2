import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/retention/duration.ts';
import { planRetention } from '../../../src/retention/plan.ts';
import type { Policy } from '../../../src/retention/policy.ts';

const OLD_ROOTS = [
  '2026-03-01T08:00:00Z',
  '2026-03-01T09:30:00Z',
  '2026-03-01T23:30:00Z',
  '2026-03-04T07:00:00Z',
  '2026-03-08T22:59:00Z',
  '2026-03-08T23:01:00Z',
  '2026-03-20T10:00:00Z',
  '2026-04-01T00:00:00Z',
  '2026-04-30T23:59:59Z',
  '2026-10-25T00:30:00Z',
  '2026-10-25T01:30:00Z',
  '2026-10-31T12:00:00Z',
  '2026-12-31T23:30:00Z',
  '2027-01-01T00:30:00Z',
  '2027-01-03T20:00:00Z',
  '2027-01-04T06:00:00Z',
];

interface GoldenCase {
  readonly name: string;
  readonly policy: Policy;
  readonly zone?: string;
  readonly now?: string;
  readonly pinned?: string;
  readonly kept: readonly string[];
}

const CASES: readonly GoldenCase[] = [
  { name: 'no policy removes nothing', policy: {}, kept: OLD_ROOTS },
  { name: 'last 3', policy: { last: 3 }, kept: ['2027-01-01T00:30:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'] },
  {
    name: 'daily 4 in UTC',
    policy: { last: 1, daily: 4 },
    kept: ['2026-12-31T23:30:00Z', '2027-01-01T00:30:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'daily 4 in Berlin: 23:30Z on 31 December is 1 January there',
    policy: { last: 1, daily: 4 },
    zone: 'Europe/Berlin',
    kept: ['2026-10-31T12:00:00Z', '2027-01-01T00:30:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'hourly 7: the two 02:30 of the autumn night are two hours',
    policy: { last: 1, hourly: 7 },
    zone: 'Europe/Berlin',
    kept: [
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:30:00Z',
      '2026-10-31T12:00:00Z',
      '2026-12-31T23:30:00Z',
      '2027-01-01T00:30:00Z',
      '2027-01-03T20:00:00Z',
      '2027-01-04T06:00:00Z',
    ],
  },
  {
    name: 'weekly 3: 2027-01-03 is in 2026-W53, 2027-01-04 in 2027-W01',
    policy: { last: 1, weekly: 3 },
    kept: ['2026-10-31T12:00:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'weekly 30 is not full: the oldest root is kept too',
    policy: { last: 1, weekly: 30 },
    kept: [
      '2026-03-01T08:00:00Z',
      '2026-03-01T23:30:00Z',
      '2026-03-08T23:01:00Z',
      '2026-03-20T10:00:00Z',
      '2026-04-01T00:00:00Z',
      '2026-04-30T23:59:59Z',
      '2026-10-25T01:30:00Z',
      '2026-10-31T12:00:00Z',
      '2027-01-03T20:00:00Z',
      '2027-01-04T06:00:00Z',
    ],
  },
  {
    name: 'monthly 2, yearly 5',
    policy: { last: 1, monthly: 2, yearly: 5 },
    kept: ['2026-03-01T08:00:00Z', '2026-12-31T23:30:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'within 5d, from the newest and not from now',
    policy: { last: 1, ...limits({ within: '5d' }) },
    kept: ['2026-12-31T23:30:00Z', '2027-01-01T00:30:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'age alone, floor 3 by default',
    policy: limits({ maxAge: '30d' }),
    kept: ['2026-12-31T23:30:00Z', '2027-01-01T00:30:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'age alone never goes below the floor, however old',
    policy: limits({ maxAge: '30d' }),
    now: '2030-01-01T00:00:00Z',
    kept: ['2027-01-01T00:30:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'age bounds the rules',
    policy: { last: 2, monthly: 12, ...limits({ maxAge: '90d' }) },
    kept: ['2026-10-31T12:00:00Z', '2026-12-31T23:30:00Z', '2027-01-03T20:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'a pin wins over all',
    policy: { last: 1, daily: 1 },
    pinned: '2026-03-04T07:00:00Z',
    kept: ['2026-03-04T07:00:00Z', '2027-01-04T06:00:00Z'],
  },
  {
    name: 'future roots are kept and are not the newest',
    policy: { last: 1, daily: 2 },
    now: '2026-12-01T00:00:00Z',
    kept: [
      '2026-10-25T01:30:00Z',
      '2026-10-31T12:00:00Z',
      '2026-12-31T23:30:00Z',
      '2027-01-01T00:30:00Z',
      '2027-01-03T20:00:00Z',
      '2027-01-04T06:00:00Z',
    ],
  },
];

describe('retention, by example', () => {
  it.each(CASES)('$name', ({ policy, zone = 'UTC', now = '2027-01-05T12:00:00Z', pinned, kept }) => {
    const candidates = OLD_ROOTS.map((name) => ({ name, time: new Date(name), protections: name === pinned ? ['pinned'] : [] }));
    const plan = planRetention(candidates, policy, new Date(now), zone);
    expect(plan.map(({ root }) => root.name)).toEqual(OLD_ROOTS.toReversed());
    expect(plan.filter(({ keep }) => keep).map(({ root }) => root.name)).toEqual(kept.toReversed());
  });
});

function limits(texts: { within?: string; maxAge?: string }): Pick<Policy, 'within' | 'maxAge'> {
  return Object.fromEntries(Object.entries(texts).map(([rule, text]) => [rule, parseDuration(text)]));
}
