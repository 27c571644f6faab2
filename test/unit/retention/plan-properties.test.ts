import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parseDuration } from '../../../src/retention/duration.ts';
import type { Duration } from '../../../src/retention/duration.ts';
import { planRetention } from '../../../src/retention/plan.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import { floorOf, hasKeepRules, isEmpty, PERIODS } from '../../../src/retention/policy.ts';
import type { Policy } from '../../../src/retention/policy.ts';
import { modelVerdict } from './retention-model.ts';

// Thousands of plans on a busy machine take longer than the usual limit.
vi.setConfig({ testTimeout: 60_000 });

const RUNS = { numRuns: 1000 };
const HALF_HOUR_MS = 1_800_000;

/** Clock changes of Berlin and New York, ends of years, months and ISO weeks. */
const CORNERS = [
  '2026-10-25T01:00Z',
  '2026-11-01T06:00Z',
  '2027-01-01T00:00Z',
  '2027-01-04T00:00Z',
  '2027-03-28T01:00Z',
  '2027-03-14T07:00Z',
];

const time = fc.oneof(
  { weight: 6, arbitrary: near(100) },
  { weight: 3, arbitrary: near(48 * 400) },
  { weight: 1, arbitrary: fc.constant(new Date(Number.NaN)) },
);
const protections = fc.oneof(
  { weight: 5, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.subarray(['pinned', 'mounted', 'live'], { minLength: 1 }) },
);
/** Shuffled, with roots of the same moment, of the future and of no readable time. */
const roots: fc.Arbitrary<Candidate[]> = fc
  .array(fc.record({ time, protections }), { maxLength: 16 })
  .map((list) => list.map((root, index) => ({ ...root, name: index === 0 ? 'root' : `root_${index}` })))
  .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }));

const count = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(1000));
const duration = fc.constantFrom('1h', '36h', '1d', '5d', '2w', '1m', '6m3d', '1y', '200000y').map(durationOf);
const periodRules = { hourly: count, daily: count, weekly: count, monthly: count, yearly: count };
const keepRules = { last: fc.integer({ min: 1, max: 6 }), ...periodRules, within: duration };
const policy: fc.Arbitrary<Policy> = fc.record({ ...keepRules, maxAge: duration }, { requiredKeys: [] });
const keepPolicy: fc.Arbitrary<Policy> = fc.record(keepRules, { requiredKeys: [] }).filter(hasKeepRules);
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu');
const now = fc.oneof(near(100), near(48 * 400));

const situation = fc.record({ roots, policy, now, zone });

describe('every plan', () => {
  it('says what the words of the design say', () => {
    fc.assert(
      fc.property(situation, (s) => {
        const plan = planRetention(s.roots, s.policy, s.now, s.zone);
        const actual = plan.map(({ root, keep, reasons }) => ({ name: root.name, keep, reasons }));
        expect(actual).toEqual(plan.map(({ root }) => modelVerdict(root, s.roots, s.policy, s.now, s.zone)));
      }),
      RUNS,
    );
  });

  it('has one verdict for each root, newest first, each with a reason', () => {
    fc.assert(
      fc.property(situation, (s) => {
        const plan = planRetention(s.roots, s.policy, s.now, s.zone);
        expect(namesOf(plan).toSorted()).toEqual(s.roots.map(({ name }) => name).toSorted());
        const times = plan.map(({ root }) => root.time.getTime()).filter((ms) => !Number.isNaN(ms));
        expect(times).toEqual(times.toSorted((a, b) => b - a));
        expect(plan.filter(({ reasons }) => reasons.length === 0)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('keeps the floor', () => {
    fc.assert(
      fc.property(situation, (s) => {
        const past = planRetention(s.roots, s.policy, s.now, s.zone).filter(({ root }) => root.time <= s.now);
        const floor = past.slice(0, floorOf(s.policy));
        expect(floor.filter(({ keep }) => !keep)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('keeps what is protected, of the future, or of no readable time', () => {
    fc.assert(
      fc.property(situation, (s) => {
        const gone = planRetention(s.roots, s.policy, s.now, s.zone).filter(({ keep }) => !keep);
        expect(gone.filter(({ root }) => root.protections.length > 0 || !(root.time <= s.now))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('removes nothing without a policy', () => {
    fc.assert(
      fc.property(situation, fc.record(periodRules).map(zeroed), (s, nothing) => {
        expect(isEmpty(nothing)).toBe(true);
        expect(planRetention(s.roots, nothing, s.now, s.zone).filter(({ keep }) => !keep)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('is the same for the same roots in any order', () => {
    const shuffled = situation.chain((s) => fc.tuple(fc.constant(s), fc.shuffledSubarray(s.roots, { minLength: s.roots.length })));
    fc.assert(
      fc.property(shuffled, ([s, others]) => {
        const plan = planRetention(s.roots, s.policy, s.now, s.zone);
        expect(planRetention(s.roots, s.policy, s.now, s.zone)).toEqual(plan);
        expect(planRetention(others, s.policy, s.now, s.zone)).toEqual(plan);
      }),
      RUNS,
    );
  });

  it('leaves nothing to remove for a second plan at the same moment', () => {
    fc.assert(
      fc.property(situation, (s) => {
        const left = planRetention(s.roots, s.policy, s.now, s.zone).filter(({ keep }) => keep);
        const again = planRetention(
          left.map(({ root }) => root),
          s.policy,
          s.now,
          s.zone,
        );
        expect(namesOf(again.filter(({ keep }) => keep))).toEqual(namesOf(left));
      }),
      RUNS,
    );
  });

  it('may be carried out in part: what it keeps stays kept', () => {
    const partly = situation.chain((s) => {
      const plan = planRetention(s.roots, s.policy, s.now, s.zone);
      return fc.tuple(fc.constant({ ...s, plan }), fc.subarray(plan.filter(({ keep }) => !keep)));
    });
    fc.assert(
      fc.property(partly, ([s, failed]) => {
        const kept = s.plan.filter(({ keep }) => keep);
        const left = [...kept, ...failed].map(({ root }) => root);
        const again = planRetention(left, s.policy, s.now, s.zone).filter(({ keep }) => keep);
        expect(namesOf(again)).toEqual(expect.arrayContaining(namesOf(kept)));
      }),
      RUNS,
    );
  });

  it('changes nothing for the others when a root is pinned', () => {
    fc.assert(
      fc.property(situation, fc.nat(), (s, nth) => {
        const pinned = s.roots.map((root, index) => (index === nth % s.roots.length ? { ...root, protections: ['pinned'] } : root));
        const removed = (list: readonly Candidate[]) => namesOf(planRetention(list, s.policy, s.now, s.zone).filter(({ keep }) => !keep));
        const name = s.roots[nth % s.roots.length]?.name;
        expect(removed(pinned)).toEqual(removed(s.roots).filter((other) => other !== name));
      }),
      RUNS,
    );
  });
});

describe('a more permissive policy', () => {
  it('never removes more: another keep rule, or a higher count', () => {
    const extra = fc.record({ ...periodRules, last: fc.nat({ max: 3 }), within: duration }, { requiredKeys: [] });
    fc.assert(
      fc.property(roots, keepPolicy, extra, now, zone, (list, strict, more, at, inZone) => {
        const generous: Policy = {
          ...strict,
          ...Object.fromEntries(PERIODS.map((period) => [period, (strict[period] ?? 0) + (more[period] ?? 0)])),
          // Writing down a `last` below the default floor is the one rule that takes something away.
          ...(more.last === undefined ? {} : { last: floorOf(strict) + more.last }),
          ...(more.within === undefined || strict.within !== undefined ? {} : { within: more.within }),
        };
        const kept = (rules: Policy) => namesOf(planRetention(list, rules, at, inZone).filter(({ keep }) => keep));
        expect(kept(generous)).toEqual(expect.arrayContaining(kept(strict)));
      }),
      RUNS,
    );
  });

  it('never removes more: no age limit', () => {
    fc.assert(
      fc.property(roots, keepPolicy, duration, now, zone, (list, rules, maxAge, at, inZone) => {
        const kept = (p: Policy) => namesOf(planRetention(list, p, at, inZone).filter(({ keep }) => keep));
        // A `last` alone keeps that many; beside an age limit it is only the floor, and all that is younger stays.
        fc.pre(rules.last === undefined || hasKeepRules({ ...rules, maxAge }));
        expect(kept(rules)).toEqual(expect.arrayContaining(kept({ ...rules, maxAge })));
      }),
      RUNS,
    );
  });
});

function near(halfHours: number): fc.Arbitrary<Date> {
  const offset = fc.tuple(fc.integer({ min: -halfHours, max: halfHours }), fc.constantFrom(-1, 0, 0, 0, 1));
  return fc
    .tuple(fc.constantFrom(...CORNERS), offset)
    .map(([corner, [steps, ms]]) => new Date(Date.parse(corner) + steps * HALF_HOUR_MS + ms));
}

function zeroed(rules: Record<string, number>): Policy {
  return Object.fromEntries(Object.keys(rules).map((period) => [period, 0]));
}

function namesOf(verdicts: readonly { readonly root: Candidate }[]): string[] {
  return verdicts.map(({ root }) => root.name);
}

function durationOf(text: string): Duration {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new Error(`not a duration: ${text}`);
  return parsed;
}
