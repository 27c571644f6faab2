import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { goForSpace, planRetention } from '../../../src/retention/plan.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import { floorOf, hasKeepRules, isEmpty, PERIODS } from '../../../src/retention/policy.ts';
import type { Policy } from '../../../src/retention/policy.ts';
import { modelVerdicts } from './retention-model.ts';
import { duration, keepPolicy, minFree, now, periodRules, roots, situation, zone } from './situations.ts';

// Thousands of plans on a busy machine take longer than the usual limit.
vi.setConfig({ testTimeout: 60_000 });

const RUNS = { numRuns: 1000 };
describe('every plan', () => {
  it('says what the words of the design say', () => {
    fc.assert(
      fc.property(situation, (s) => {
        const plan = planRetention(s.roots, s.policy, s.now, s.zone);
        const said = modelVerdicts(s.roots, s.policy, s.now, s.zone);
        expect(plan).toEqual(plan.map(({ root }) => said.find((each) => each.root === root)));
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

describe('lack of space', () => {
  it('may take what is kept, oldest first, but neither the floor nor what is protected, of the future, or of no readable time', () => {
    fc.assert(
      fc.property(situation, minFree, (s, free) => {
        const plan = planRetention(s.roots, { ...s.policy, minFree: free }, s.now, s.zone);
        const past = plan.filter(({ root }) => root.time <= s.now);
        const expected = past.slice(floorOf(s.policy)).filter(({ root, keep }) => keep && root.protections.length === 0);
        expect(namesOf(goForSpace(plan))).toEqual(namesOf(expected).toReversed());
      }),
      RUNS,
    );
  });

  it('has nothing to take without a policy', () => {
    fc.assert(
      fc.property(situation, (s) => {
        expect(goForSpace(planRetention(s.roots, {}, s.now, s.zone))).toEqual([]);
      }),
    );
  });

  it('changes nothing of a plan while there is space, whatever else the policy says', () => {
    fc.assert(
      fc.property(situation, minFree, ({ roots: list, policy, ...s }, free) => {
        const rules: Policy = Object.fromEntries(Object.entries(policy).filter(([rule]) => rule !== 'minFree'));
        // Beside it a `last` is the floor only.
        fc.pre(rules.last === undefined || rules.maxAge !== undefined || hasKeepRules({ ...rules, minFree: free }));
        const without = planRetention(list, rules, s.now, s.zone);
        const plan = planRetention(list, { ...rules, minFree: free }, s.now, s.zone);
        expect(plan.map(({ root, keep }) => [root.name, keep])).toEqual(without.map(({ root, keep }) => [root.name, keep]));
        if (!isEmpty(rules)) expect(plan).toEqual(without);
      }),
      RUNS,
    );
  });

  it('alone, with a floor or without, keeps all else until then', () => {
    fc.assert(
      fc.property(situation, minFree, fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }), (s, free, last) => {
        const plan = planRetention(s.roots, { minFree: free, ...(last === undefined ? {} : { last }) }, s.now, s.zone);
        expect(plan.filter(({ keep }) => !keep)).toEqual([]);
        for (const { firm, reasons } of plan) expect(reasons.includes(`until less than ${free.text} is free`)).toBe(!firm);
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

function zeroed(rules: Record<string, number>): Policy {
  return Object.fromEntries(Object.keys(rules).map((period) => [period, 0]));
}

function namesOf(verdicts: readonly { readonly root: Candidate }[]): string[] {
  return verdicts.map(({ root }) => root.name);
}
