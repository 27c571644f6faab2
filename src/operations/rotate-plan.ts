/**
 * What `roots rotate` would do with one target. Changes nothing.
 */
import { hasPlausibleTime, type OldRoot } from '../backend/old-root.ts';
import { toText } from '../byte-path.ts';
import { isSlotName, isTemporaryName, planRotation, type RotationPlan, type Snapshot } from '../retention/rotation.ts';
import type { Context } from './context.ts';
import { isSlot, judgeArchive, protectionsOf, type JudgedRoot } from './judge.ts';
import { limitRun, whyLater } from './run-limit.ts';
import type { Target } from './targets.ts';

export interface TargetRotation {
  readonly target: Target;
  readonly slots: number;
  readonly plan: RotationPlan;
  /** What goes, as old roots with the reason. */
  readonly drop: readonly JudgedRoot[];
  /** For people. */
  readonly warnings: readonly string[];
}

export interface Planned {
  readonly rotation: TargetRotation;
  readonly roots: ReadonlyMap<string, OldRoot>;
}

export async function planTargetRotation(context: Context, target: Target, slots: number): Promise<Planned> {
  const archive = await judgeArchive(context, target);
  const judged = archive.roots.filter(({ root }) => isSlot(root));
  const snapshots = judged.map(({ root }): Snapshot => {
    const protections = protectionsOf(root).filter((each) => each !== 'implausible time');
    // Whose clock was wrong has no day, so it is the oldest of none.
    const time = hasPlausibleTime(root) ? root.archivedAt : new Date(Number.NaN);
    return { name: toText(root.timeName), id: root.id, time, fixed: protections.length > 0 };
  });
  const plan = inArchive(
    target,
    planRotation(withStrangers(target, snapshots, archive.unrecognised), { slots, now: context.now, zone: context.config.timezone }),
  );
  const roots = new Map(judged.map(({ root }) => [root.id, root]));
  const drop = plan.drop.flatMap(({ id, name }) =>
    judged
      .filter(({ root }) => root.id === id)
      .map((each) => ({
        ...each,
        name: toText(target.backend.snapshotName(name)),
        keep: false,
        reasons: [`beyond slots ${String(slots)}`],
      })),
  );
  const { later } = limitRun(target, target.grace === null ? drop : []);
  const warnings = judged
    .filter(({ root }) => snapshots.find(({ id }) => id === root.id)?.fixed === true)
    .map(({ name, root }) => `${name} keeps its name: it is ${protectionsOf(root).join(', ')}`);
  if (later.length > 0) warnings.push(`${String(later.length)} more go later: ${whyLater(target)}`);
  const dropped = drop.filter((each) => !later.includes(each));
  return { rotation: { target, slots, plan, drop: dropped, warnings: [...archive.warnings, ...warnings] }, roots };
}

/** With the names that the snapshots have in the archive. */
function inArchive({ backend }: Target, { renames, take, drop, keep }: RotationPlan): RotationPlan {
  const named = (slot: string): string => toText(backend.snapshotName(slot));
  return {
    renames: renames.map(({ id, from, to }) => ({ id, from: named(from), to: named(to) })),
    take: take === null ? null : named(take),
    drop: drop.map((snapshot) => ({ ...snapshot, name: named(snapshot.name) })),
    keep: keep.map((snapshot) => ({ ...snapshot, name: named(snapshot.name) })),
  };
}

/** What has the name of a slot and is no snapshot is left as it is, and its name to it. */
function withStrangers(
  { backend }: Target,
  snapshots: readonly Snapshot[],
  unrecognised: readonly { readonly name: Parameters<typeof toText>[0] }[],
): Snapshot[] {
  const strangers = unrecognised
    .filter(({ name }) => backend.snapshotName(toText(name)) === name)
    .map(({ name }) => toText(name))
    .filter((name) => isSlotName(name) || isTemporaryName(name));
  return [...snapshots, ...strangers.map((name) => ({ name, id: `stranger ${name}`, time: new Date(Number.NaN), fixed: true }))];
}
