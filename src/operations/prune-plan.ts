/**
 * What `roots prune` would do with one target, and why. Changes nothing.
 */
import type { Space } from '../backend/backend.ts';
import type { Archive } from '../backend/old-root.ts';
import { printable } from '../byte-path.ts';
import { wantedBytes } from '../retention/free-space.ts';
import { goForSpace } from '../retention/plan.ts';
import { isEmpty } from '../retention/policy.ts';
import type { JudgedArchive, JudgedRoot, JudgedTrash } from './judge.ts';
import type { Going } from './removal-step.ts';
import { limitRun, whyLater, type RunLimit } from './run-limit.ts';
import type { Target } from './targets.ts';

export interface TargetPlan {
  readonly target: Target;
  /** Of the archive that it was made for. */
  readonly generation: string;
  readonly keep: readonly JudgedRoot[];
  /** Oldest first: the order in which they go. */
  readonly remove: readonly JudgedRoot[];
  /** Where those go: into the trash, or away for good. */
  readonly into: 'trash' | 'nowhere';
  /** What is in the trash and goes for good, in this order. */
  readonly purge: readonly JudgedTrash[];
  /** What is in the trash and stays there, those last removed first. */
  readonly trash: readonly JudgedTrash[];
  /** Null if the policy asks for no free space, or the plan is for another moment: nobody knows what is free then. */
  readonly space: SpacePlan | null;
  /** What is due and is left to the next run, oldest first. */
  readonly later: readonly { readonly judged: Going; readonly why: string }[];
  /** What is not understood. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
  readonly warnings: readonly string[];
  /** Bytes; null if the filesystem cannot tell for all of them. */
  readonly freedBytes: number | null;
  readonly policyIsEmpty: boolean;
}

/** What goes besides, one by one until there is enough. */
export interface SpacePlan extends Space {
  readonly wantedBytes: number;
  /** As it was written: `10%`. */
  readonly text: string;
  /** More than there is in all: nothing goes for what can never be. */
  readonly isImpossible: boolean;
  /** More could go for it, but not in one run. */
  readonly isCut: boolean;
  /** First these, those first that are in the trash for the longest. Empty if there is enough now. */
  readonly trash: readonly JudgedTrash[];
  /** Then these, which this plan puts into the trash. */
  readonly trashedNow: readonly JudgedRoot[];
  /** Then these, oldest first. Their reasons are those that go before: `free space below 10%`. */
  readonly roots: readonly JudgedRoot[];
}

/** `now`: whether the plan is for this moment. */
export function planTarget(archive: JudgedArchive, { now }: { readonly now: boolean }): TargetPlan {
  const { target, generation, roots, unrecognised, warnings } = archive;
  const policyIsEmpty = isEmpty(target.policy);
  const into = target.grace === null ? 'nowhere' : 'trash';
  const unwanted = roots.filter((each) => !each.keep).toReversed();
  const due = archive.trash.filter((each) => each.due).toReversed();
  const { later, left } = limitRun(target, into === 'nowhere' ? [...unwanted, ...due] : due);
  const remove = unwanted.filter((each) => !later.includes(each));
  const purge = due.filter((each) => !later.includes(each));
  return {
    target,
    generation,
    keep: roots.filter((each) => each.keep),
    remove,
    into,
    purge,
    trash: archive.trash.filter((each) => !purge.includes(each)),
    space: now ? planSpace(archive, { purge, trashedNow: into === 'trash' ? remove : [], left }) : null,
    later: later.map((judged) => ({ judged, why: whyLater(target) })),
    skipped: unrecognised.map(skipped),
    warnings,
    freedBytes: freedBytes(target, [...purge, ...(into === 'trash' ? [] : remove)]),
    policyIsEmpty,
  };
}

function planSpace(
  { target, roots, trash, space }: JudgedArchive,
  { purge, trashedNow, left }: Pick<TargetPlan, 'purge'> & Pick<SpacePlan, 'trashedNow'> & Pick<RunLimit, 'left'>,
): SpacePlan | null {
  const { minFree } = target.policy;
  if (minFree === undefined || space === null) return null;
  const wanted = wantedBytes(minFree, space.totalBytes);
  const isImpossible = wanted > space.totalBytes;
  const plan = { ...space, wantedBytes: wanted, text: minFree.text, isImpossible, isCut: false };
  if (isImpossible || plan.freeBytes >= wanted) return { ...plan, trash: [], trashedNow: [], roots: [] };
  const reasons = [`free space below ${minFree.text}`];
  const forSpace = <T extends JudgedRoot | JudgedTrash>(all: readonly T[]): T[] => all.map((each) => ({ ...each, reasons }));
  const inTrash = trash.filter((each) => !purge.includes(each)).toReversed();
  const others = goForSpace(roots);
  return {
    ...plan,
    isCut: inTrash.length + trashedNow.length + others.length > left,
    trash: forSpace(inTrash.slice(0, left)),
    trashedNow: trashedNow.slice(0, Math.max(left - inTrash.length, 0)),
    roots: forSpace(others.slice(0, Math.max(left - inTrash.length - trashedNow.length, 0))),
  };
}

function skipped({ name, why }: Archive['unrecognised'][number]): { name: string; why: string } {
  return { name: printable(name), why };
}

function freedBytes(target: Target, going: readonly (JudgedRoot | JudgedTrash)[]): number | null {
  const sizes = target.backend.knownSizes(going.map(({ root }) => root));
  return going.reduce<number | null>((sum, { root }) => {
    const bytes = sizes.get(root.id)?.exclusiveBytes ?? null;
    return sum === null || bytes === null ? null : sum + bytes;
  }, 0);
}
