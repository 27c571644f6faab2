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
  const remove = roots.filter((each) => !each.keep).toReversed();
  const purge = archive.trash.filter(({ due }) => due).toReversed();
  const into = target.grace === null ? 'nowhere' : 'trash';
  return {
    target,
    generation,
    keep: roots.filter((each) => each.keep),
    remove,
    into,
    purge,
    trash: archive.trash.filter((each) => !purge.includes(each)),
    space: now ? planSpace(archive, purge, into === 'trash' ? remove : []) : null,
    skipped: unrecognised.map(skipped),
    warnings,
    freedBytes: freedBytes(target, [...purge, ...(into === 'trash' ? [] : remove)]),
    policyIsEmpty,
  };
}

function planSpace(
  { target, roots, trash, space }: JudgedArchive,
  purge: readonly JudgedTrash[],
  trashedNow: readonly JudgedRoot[],
): SpacePlan | null {
  const { minFree } = target.policy;
  if (minFree === undefined || space === null) return null;
  const wanted = wantedBytes(minFree, space.totalBytes);
  const isImpossible = wanted > space.totalBytes;
  const plan = { ...space, wantedBytes: wanted, text: minFree.text, isImpossible };
  if (isImpossible || plan.freeBytes >= wanted) return { ...plan, trash: [], trashedNow: [], roots: [] };
  const reasons = [`free space below ${minFree.text}`];
  const forSpace = <T extends JudgedRoot | JudgedTrash>(all: readonly T[]): T[] => all.map((each) => ({ ...each, reasons }));
  return {
    ...plan,
    trash: forSpace(trash.filter((each) => !purge.includes(each)).toReversed()),
    trashedNow,
    roots: forSpace(goForSpace(roots)),
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
