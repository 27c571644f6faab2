import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import type { JudgedArchive, JudgedRoot, JudgedTrash } from '../../../src/operations/judge.ts';
import { planTarget } from '../../../src/operations/prune-plan.ts';
import type { Target } from '../../../src/operations/targets.ts';
import type { OldRoot } from '../../../src/backend/old-root.ts';
import { parseDuration } from '../../../src/retention/duration.ts';
import { planContract } from '../../../src/ui/contract.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 20);

function target(limitPerRun: number | null, { grace, minFree }: { grace?: boolean; minFree?: boolean } = {}): Target {
  const backend = { name: 'bcachefs', capabilities: { limitPerRun }, knownSizes: () => new Map() };
  return {
    name: 'root',
    backend,
    policy: { maxAge: parseDuration('1d'), ...(minFree === true && { minFree: { text: '50%', percent: 50 } }) },
    grace: grace === true ? parseDuration('7d') : null,
    slots: null,
    assumed: [],
  } as unknown as Target;
}

function oldRoot(daysAgo: number): OldRoot {
  const name = fromText(`${String(daysAgo)} days ago`);
  return {
    name,
    timeName: name,
    id: String(daysAgo),
    createdAt: null,
    readOnly: false,
    isSnapshot: false,
    mountPoints: [],
    isLive: false,
    holdsRoot: null,
    heldBy: [],
    pin: null,
    archivedAt: new Date(NOW - daysAgo * DAY),
    archivedAtSource: 'name',
    bootedAt: null,
    warnings: [],
  };
}

interface Shape {
  /** Their ages in days. */
  readonly keep?: readonly number[];
  readonly go?: readonly number[];
  readonly due?: readonly number[];
  readonly inTrash?: readonly number[];
  readonly freeBytes?: number;
}

function archive(of: Target, { keep = [], go = [], due = [], inTrash = [], freeBytes }: Shape): JudgedArchive {
  const judged = (daysAgo: number): JudgedRoot => ({
    target: of,
    root: oldRoot(daysAgo),
    name: `${String(daysAgo)} days ago`,
    keep: keep.includes(daysAgo),
    firm: false,
    reasons: ['r'],
  });
  const trashed = (daysAgo: number): JudgedTrash => ({
    target: of,
    root: { ...oldRoot(daysAgo), formerName: fromText(`${String(daysAgo)} days ago`), trashedAt: new Date(NOW) },
    name: `${String(daysAgo)} days ago`,
    due: due.includes(daysAgo),
    reasons: [],
  });
  return {
    target: of,
    generation: 'g',
    roots: [...keep, ...go].sort((a, b) => a - b).map(judged),
    trash: [...due, ...inTrash].sort((a, b) => a - b).map(trashed),
    unrecognised: [],
    space: freeBytes === undefined ? null : { freeBytes, totalBytes: 1000 },
    warnings: [],
  };
}

const days = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);
const ages = (all: readonly { readonly root: { readonly id: string } }[]): number[] => all.map(({ root }) => Number(root.id));

describe('a limit for one run', () => {
  it('takes the oldest of all that would be deleted, in the archive and in the trash; the others are told of', () => {
    const of = target(10);
    const plan = planTarget(archive(of, { keep: [1, 2], go: [20, ...days(30, 8)], due: [25, 60, 61, 62] }), { now: true });
    expect(ages(plan.remove)).toEqual(days(31, 7).toReversed());
    expect(ages(plan.purge)).toEqual([62, 61, 60]);
    expect(ages(plan.later.map(({ judged }) => judged))).toEqual([30, 25, 20]);
    expect(ages(plan.keep)).toEqual([1, 2]);
    expect(ages(plan.trash)).toEqual([25]);
    const why = 'at most 10 a run on bcachefs; the next run goes on';
    const skipped = [30, 25, 20].map((age) => ({ name: `${String(age)} days ago`, why }));
    expect(planContract({ at: new Date(NOW), targets: [plan], problems: [] })).toMatchObject({ targets: [{ skipped }] });
  });

  it('is for what is deleted, and not for what goes into the trash', () => {
    const plan = planTarget(archive(target(10, { grace: true }), { go: days(30, 25), due: days(60, 12) }), { now: true });
    expect([plan.remove.length, plan.into]).toEqual([25, 'trash']);
    expect(ages(plan.purge)).toEqual(days(62, 10).toReversed());
    expect(ages(plan.later.map(({ judged }) => judged))).toEqual([61, 60]);
  });

  it('does not matter where there are fewer, and is none on other filesystems', () => {
    expect(planTarget(archive(target(10), { go: days(30, 10) }), { now: true })).toMatchObject({ later: [] });
    const plan = planTarget(archive(target(null), { go: days(30, 200), due: days(300, 200) }), { now: true });
    expect([plan.remove.length, plan.purge.length, plan.later]).toEqual([200, 200, []]);
  });

  it('holds for what goes for space too, with all that goes before', () => {
    const of = target(10, { minFree: true });
    const few = planTarget(archive(of, { keep: days(1, 20), go: days(30, 4), inTrash: [50, 51], freeBytes: 100 }), { now: true });
    expect([few.remove.length, few.later]).toEqual([4, []]);
    expect(ages(few.space?.trash ?? [])).toEqual([51, 50]);
    expect(ages(few.space?.roots ?? [])).toEqual([20, 19, 18, 17]);
    expect(few.space?.isCut).toBe(true);

    const many = planTarget(archive(of, { keep: days(1, 3), go: days(30, 12), freeBytes: 100 }), { now: true });
    expect([many.remove.length, many.later.length]).toEqual([10, 2]);
    expect(many.space).toMatchObject({ trash: [], roots: [], isCut: true });

    const enough = planTarget(archive(of, { keep: days(1, 3), go: days(30, 2), freeBytes: 100 }), { now: true });
    expect(ages(enough.space?.roots ?? [])).toEqual([3, 2, 1]);
    expect(enough.space?.isCut).toBe(false);
  });
});
