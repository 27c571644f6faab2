/**
 * What to keep. A root is kept if any rule keeps it; a policy without any rule removes nothing.
 */
import type { Duration } from './duration.ts';
import type { FreeSpace } from './free-space.ts';

export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

export interface Policy {
  /** The floor: no other rule, age or lack of space ever goes below it. At least 1. Given or not, see `floorOf`. */
  readonly last?: number;
  /** Keep the last root of each of the newest n periods that have one; 0 is the same as leaving it out. */
  readonly hourly?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
  /** Keep everything within this time before the newest root. */
  readonly within?: Duration;
  /** Remove what is older than this, down to the floor. Without keep rules: keep what is younger. */
  readonly maxAge?: Duration;
  /** Remove what is oldest until this much is free, down to the floor, kept by a rule or not. */
  readonly minFree?: FreeSpace;
}

const DEFAULT_FLOOR = 3;

/** How many of the newest roots stay, whatever else the policy says. */
export function floorOf(policy: Policy): number {
  return policy.last ?? DEFAULT_FLOOR;
}

/**
 * Whether the policy says what to keep. A `last` that was written down does, unless there is a `max_age` or a `min_free`: then age or
 * space decides and `last` is the floor, so that writing the default floor down changes nothing.
 */
export function hasKeepRules(policy: Policy): boolean {
  return (
    (policy.last !== undefined && policy.maxAge === undefined && policy.minFree === undefined) ||
    policy.within !== undefined ||
    PERIODS.some((period) => (policy[period] ?? 0) > 0)
  );
}

/** Whether there is no rule at all: such a policy removes nothing, for lack of space neither. */
export function isEmpty(policy: Policy): boolean {
  return !hasKeepRules(policy) && policy.maxAge === undefined && policy.minFree === undefined;
}
