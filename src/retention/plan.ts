/**
 * Which old roots stay and which go, and why. The rules that count are those of restic's `forget`; the floor, the age limit, and
 * what is told of roots from the future are this project's own.
 */
import { before } from './duration.ts';
import { newestFirst } from './newest-first.ts';
import { floorOf, hasKeepRules, isEmpty, PERIODS } from './policy.ts';
import type { Period, Policy } from './policy.ts';
import { slotOf, type SlotReader } from './slots.ts';

export interface Candidate {
  readonly name: string;
  /** An invalid date says that the time could not be read. */
  readonly time: Date;
  /** Reasons that keep it whatever the policy says: `pinned`, `mounted`, `live`. */
  readonly protections: readonly string[];
}

export interface Verdict<T extends Candidate> {
  readonly root: T;
  readonly keep: boolean;
  /** It stays for lack of space too: protected, in the floor, without a time that counts, or without any policy. */
  readonly firm: boolean;
  /** Never empty; those of the root itself come first. */
  readonly reasons: readonly string[];
}

/**
 * One verdict for each candidate, newest first. Depends on nothing but its arguments (and the system's zone, if `zone` is
 * undefined), and not on the order of the candidates. `slot` is for who plans often, see `rememberedSlots`.
 */
export function planRetention<T extends Candidate>(
  candidates: readonly T[],
  policy: Policy,
  now: Date,
  zone: string | undefined,
  slot: SlotReader = (period, time) => slotOf(period, time, zone),
): Verdict<T>[] {
  const sorted = candidates.toSorted(newestFirst);
  if (isEmpty(policy)) return sorted.map((root) => keptFirmly(root, [...ownReasons(root, now), 'no policy']));

  const judged = judge(
    sorted.filter((root) => counts(root, now)),
    policy,
    now,
    zone,
    slot,
  );
  return sorted.map((root) => judged.get(root) ?? keptFirmly(root, ownReasons(root, now)));
}

/** What may go until enough space is free (`Policy.minFree`), in the order in which it goes: oldest first. `verdicts` are newest first. */
export function goForSpace<T extends Pick<Verdict<Candidate>, 'keep' | 'firm'>>(verdicts: readonly T[]): T[] {
  return verdicts.filter(({ keep, firm }) => keep && !firm).toReversed();
}

/** False as well for a time that cannot be read. */
function counts(root: Candidate, now: Date): boolean {
  return root.time.getTime() <= now.getTime();
}

function ownReasons(root: Candidate, now: Date): string[] {
  if (counts(root, now)) return [...root.protections];
  return [...root.protections, Number.isNaN(root.time.getTime()) ? 'unreadable time' : 'future'];
}

function keptFirmly<T extends Candidate>(root: T, reasons: readonly string[]): Verdict<T> {
  return { root, keep: true, firm: true, reasons };
}

/** `roots` are those that count, newest first. A protected root counts like any other, so pinning one changes nothing for the others. */
function judge<T extends Candidate>(
  roots: readonly T[],
  policy: Policy,
  now: Date,
  zone: string | undefined,
  slot: SlotReader,
): Map<T, Verdict<T>> {
  const rules = [...PERIODS.map((period) => keptBySlot(roots, period, policy[period] ?? 0, slot)), keptWithin(roots, policy, zone)].filter(
    (rule) => rule.size > 0,
  );
  const floor = floorOf(policy);
  const limit = policy.maxAge && { text: policy.maxAge.text, cutoff: before(now, policy.maxAge, zone) };
  const byRule = hasKeepRules(policy);
  const untilFull = policy.minFree && !byRule && !limit ? [`until less than ${policy.minFree.text} is free`] : [];

  return new Map(
    roots.map((root, index): [T, Verdict<T>] => {
      const tooOld = limit !== undefined && root.time < limit.cutoff;
      const ruled = rules.flatMap((rule) => rule.get(root) ?? []);
      if (limit && !byRule && !tooOld) ruled.push(`younger than ${limit.text}`);

      const keepers = [...root.protections];
      if (policy.last !== undefined && index < floor) keepers.push(`last ${floor}`);
      if (!tooOld) keepers.push(...ruled);
      if (keepers.length === 0) keepers.push(...(index < floor ? [`floor ${floor}`] : untilFull));
      if (keepers.length > 0) return [root, { root, keep: true, firm: index < floor || root.protections.length > 0, reasons: keepers }];

      const reasons: string[] = [];
      if (limit && tooOld) reasons.push(`older than ${limit.text}`);
      if (byRule && ruled.length === 0) reasons.push('not kept by any rule');
      return [root, { root, keep: false, firm: false, reasons }];
    }),
  );
}

/** The last root of each of the newest `count` periods that have one; while some of the count is left, the oldest root too. */
function keptBySlot<T extends Candidate>(roots: readonly T[], period: Period, count: number, slot: SlotReader): Map<T, string> {
  const reasons = new Map<T, string>();
  const seen = new Set<string>();
  for (const root of roots) {
    if (seen.size >= count) break;
    const { key, reason } = slot(period, root.time);
    if (!seen.has(key) || root === roots.at(-1)) reasons.set(root, reason);
    seen.add(key);
  }
  return reasons;
}

function keptWithin<T extends Candidate>(roots: readonly T[], policy: Policy, zone: string | undefined): Map<T, string> {
  const [newest] = roots;
  const { within } = policy;
  if (newest === undefined || within === undefined) return new Map();
  const cutoff = before(newest.time, within, zone);
  return new Map(roots.filter((root) => root.time > cutoff).map((root) => [root, `within ${within.text}`]));
}
