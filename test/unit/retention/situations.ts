/**
 * Archives, policies and moments for properties: with clock changes, ends of weeks, months and years, wrong clocks, and what is protected.
 */
import fc from 'fast-check';
import { parseDuration } from '../../../src/retention/duration.ts';
import type { Duration } from '../../../src/retention/duration.ts';
import { parseFreeSpace } from '../../../src/retention/free-space.ts';
import type { FreeSpace } from '../../../src/retention/free-space.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import { hasKeepRules } from '../../../src/retention/policy.ts';
import type { Policy } from '../../../src/retention/policy.ts';

const HALF_HOUR_MS = 1_800_000;

/** Clock changes of Berlin, New York and Lord Howe, ends of years, months and ISO weeks. */
const CORNERS = [
  '2026-10-25T01:00Z',
  '2026-11-01T06:00Z',
  '2027-01-01T00:00Z',
  '2027-01-04T00:00Z',
  '2027-03-28T01:00Z',
  '2027-03-14T07:00Z',
  '2027-04-03T15:00Z',
];

const time = fc.oneof(
  { weight: 6, arbitrary: near(100) },
  { weight: 3, arbitrary: near(48 * 400) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, 0, 86_400_000, Date.parse('2099-01-01T00:00Z')).map((ms) => new Date(ms)) },
);
const protections = fc.oneof(
  { weight: 5, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.subarray(['pinned', 'mounted', 'live'], { minLength: 1 }) },
);
/** Shuffled, with roots of the same moment, of the future and of no readable time. */
export const roots: fc.Arbitrary<Candidate[]> = fc
  .array(fc.record({ time, protections }), { maxLength: 16, size: 'medium' })
  .map((list) => list.map((root, index) => ({ ...root, name: index === 0 ? 'root' : `root_${index}` })))
  .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }));

const count = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(1000));
export const duration = fc.constantFrom('1h', '36h', '1d', '5d', '2w', '1m', '6m3d', '1y', '200000y').map(durationOf);
export const periodRules = { hourly: count, daily: count, weekly: count, monthly: count, yearly: count };
const keepRules = { last: fc.integer({ min: 1, max: 6 }), ...periodRules, within: duration };
export const minFree = fc.constantFrom('10%', '2.5%', '99%', '500M', '20GiB').map(freeSpaceOf);
const allRules = { ...keepRules, maxAge: duration, minFree };
/** Many rules at once, or one or two, since age and space mean something else when alone. */
export const policy: fc.Arbitrary<Policy> = fc.oneof(
  { weight: 2, arbitrary: fc.record(allRules, { requiredKeys: [] }) },
  { weight: 1, arbitrary: fc.tuple(fc.record(allRules), fc.subarray(Object.keys(allRules), { maxLength: 2 })).map(onlySome) },
);
export const keepPolicy: fc.Arbitrary<Policy> = fc.record(keepRules, { requiredKeys: [] }).filter(hasKeepRules);
export const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia');
export const now = fc.oneof(near(100), near(48 * 400));

export const situation = fc.record({ roots, policy, now, zone });

function onlySome([rules, names]: [Policy, readonly string[]]): Policy {
  return Object.fromEntries(Object.entries(rules).filter(([name]) => names.includes(name)));
}

function near(halfHours: number): fc.Arbitrary<Date> {
  const offset = fc.tuple(fc.integer({ min: -halfHours, max: halfHours }), fc.constantFrom(-1, 0, 0, 0, 1));
  return fc
    .tuple(fc.constantFrom(...CORNERS), offset)
    .map(([corner, [steps, ms]]) => new Date(Date.parse(corner) + steps * HALF_HOUR_MS + ms));
}

function durationOf(text: string): Duration {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new Error(`not a duration: ${text}`);
  return parsed;
}

function freeSpaceOf(text: string): FreeSpace {
  const parsed = parseFreeSpace(text);
  if (parsed === undefined) throw new Error(`not an amount of space: ${text}`);
  return parsed;
}
