import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/retention/duration.ts';
import { parseFreeSpace } from '../../../src/retention/free-space.ts';
import { floorOf, hasKeepRules, isEmpty, PERIODS } from '../../../src/retention/policy.ts';
import type { Policy } from '../../../src/retention/policy.ts';

const month: Pick<Policy, 'maxAge'> = { ...definedAs('maxAge', '30d') };
const space: Policy = { minFree: parseFreeSpace('10%')! };

describe('a policy', () => {
  it('without any rule is empty, and a count of 0 is no rule', () => {
    expect(isEmpty({})).toBe(true);
    expect(isEmpty({ hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 })).toBe(true);
  });

  it.each([{ last: 1 }, ...PERIODS.map((period) => ({ [period]: 1 })), definedAs('within', '1h'), month, space])(
    '%j is not empty',
    (policy) => {
      expect(isEmpty(policy)).toBe(false);
    },
  );

  it('that only limits the age has no keep rules', () => {
    expect(hasKeepRules(month)).toBe(false);
    expect(hasKeepRules({ ...month, daily: 0 })).toBe(false);
  });

  it('that limits the age and names its floor has no keep rules either', () => {
    expect(hasKeepRules({ ...month, last: 3 })).toBe(false);
  });

  it('that only wants free space has no keep rules, with a floor or without', () => {
    expect(hasKeepRules(space)).toBe(false);
    expect(hasKeepRules({ ...space, last: 3 })).toBe(false);
    expect(hasKeepRules({ ...space, daily: 1 })).toBe(true);
  });

  it('has keep rules if it names a period, a stretch of time, or a last', () => {
    expect(hasKeepRules({ ...month, yearly: 1 })).toBe(true);
    expect(hasKeepRules({ ...month, ...definedAs('within', '1h') })).toBe(true);
    expect(hasKeepRules({ last: 3 })).toBe(true);
  });

  it('has a floor of 3 unless it says otherwise', () => {
    expect(floorOf({ daily: 7 })).toBe(3);
    expect(floorOf({ last: 1 })).toBe(1);
    expect(floorOf({ last: 5 })).toBe(5);
  });
});

function definedAs(rule: 'within' | 'maxAge', text: string): Policy {
  const duration = parseDuration(text);
  if (duration === undefined) throw new Error(`not a duration: ${text}`);
  return { [rule]: duration };
}
