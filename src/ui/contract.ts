/**
 * The JSON contracts: results as `--json` shows them. Times are ISO 8601 in UTC with milliseconds, sizes are bytes, and what is not known is null.
 */
import type { Leftover } from '../backend/backend.ts';
import { jsonName, toText } from '../byte-path.ts';
import type { DiffOutcome } from '../operations/diff.ts';
import { toJson, type Change, type ChangeJson } from '../diff/change.ts';
import type { FindOutcome, FoundPath } from '../operations/find.ts';
import type { History, Version } from '../operations/history.ts';
import type { ListOutcome, ListedRoot } from '../operations/list.ts';
import type { PinResult } from '../operations/pin.ts';
import type { JudgedRoot, JudgedTrash } from '../operations/judge.ts';
import type { PruneOutcome, PrunePlan } from '../operations/prune.ts';
import type { SpacePlan, TargetPlan } from '../operations/prune-plan.ts';
import type { TargetOutcome } from '../operations/prune-target.ts';
import type { Removal } from '../operations/removal-step.ts';
import type { SimulatedRoot } from '../retention/simulate.ts';
import type { ResolvedRoot } from '../operations/resolve-root.ts';
import type { RestoreItem, RestoreOutcome, RestorePlan } from '../operations/restore.ts';
import type { Rotations } from '../operations/rotate.ts';
import type { Simulations } from '../operations/simulate.ts';
import type { ShownRoot } from '../operations/show.ts';
import type { UndeleteResult } from '../operations/undelete.ts';

export function listContract({ archives, problems, notLookedAt }: ListOutcome, now: Date): object {
  return {
    roots: archives.flatMap(({ roots }) => roots.map((each) => rootContract(each, now))),
    trash: archives.flatMap(({ trash }) => trash.map(trashContract)),
    unrecognised: archives.flatMap(({ target, unrecognised }) =>
      unrecognised.map(({ name, why }) => ({ target: target.name, ...jsonName('name', name), why })),
    ),
    warnings: [
      ...archives.flatMap(({ warnings }) => warnings),
      ...problems.map(({ target, error }) => `${target}: ${error.message}`),
      ...notLookedAt,
    ],
  };
}

export function showContract({ judged, number, size }: ShownRoot, now: Date): object {
  return {
    ...rootContract({ ...judged, number, size }, now),
    number,
    createdAt: judged.root.createdAt?.toISOString() ?? null,
    readOnly: judged.root.readOnly,
    pinnedAt: judged.root.pin?.at.toISOString() ?? null,
    mountPoints: judged.root.mountPoints.map(toText),
  };
}

function rootContract({ target, root, name, keep, reasons, size }: ListedRoot, now: Date): object {
  return {
    target: target.name,
    name,
    ref: `${target.name}:${name}`,
    id: root.id,
    backend: target.backend.name,
    archivedAt: root.archivedAt.toISOString(),
    archivedAtSource: root.archivedAtSource,
    bootedAt: root.bootedAt?.toISOString() ?? null,
    ageSeconds: Math.floor((now.getTime() - root.archivedAt.getTime()) / 1000),
    sizeBytes: size.sizeBytes,
    exclusiveBytes: size.exclusiveBytes,
    pinned: root.pin !== null,
    note: root.pin?.note ?? null,
    mounted: root.mountPoints.length > 0,
    keep,
    reasons,
    warnings: root.warnings,
  };
}

export function pinContract({ judged, changed }: PinResult, pinned: boolean): object {
  return { target: judged.target.name, name: judged.name, id: judged.root.id, pinned, changed };
}

function trashContract({ target, root, name, due }: JudgedTrash): object {
  return {
    target: target.name,
    name,
    ref: `${target.name}:${name}`,
    id: root.id,
    archivedAt: root.archivedAt.toISOString(),
    trashedAt: root.trashedAt.toISOString(),
    due,
  };
}

export function planContract(plan: PrunePlan): object {
  return pruneContract({ plan, removals: [], outcomes: new Map(), notTried: [], problems: plan.problems });
}

export function pruneContract({ plan, removals, outcomes, problems }: PruneOutcome): object {
  return {
    at: plan.at.toISOString(),
    targets: plan.targets.map((target) => targetContract(target, removals, outcomes.get(target))),
    ...problemsContract(problems),
  };
}

function targetContract(plan: TargetPlan, all: readonly Removal[], outcome: TargetOutcome | undefined): object {
  const removals = all.filter(({ judged }) => judged.target === plan.target);
  const planned = new Set<JudgedRoot | JudgedTrash>([...plan.remove, ...plan.purge]);
  const forSpace = removals.map(({ judged }) => judged).filter((judged) => !planned.has(judged));
  const wentForSpace = new Set(
    removals
      .filter(({ judged, result }) => result === 'removed' && forSpace.includes(judged) && !isTrashed(judged))
      .map(({ judged }) => judged.name),
  );
  const result = (judged: JudgedRoot | JudgedTrash): object => resultContract(removals.find((removal) => removal.judged === judged));
  const roots = [...plan.remove, ...forSpace.filter((judged) => !isTrashed(judged))];
  const trashed = [...plan.purge, ...forSpace.filter(isTrashed)];
  return {
    target: plan.target.name,
    keep: plan.keep.filter(({ name }) => !wentForSpace.has(name)).map(({ name, reasons }) => ({ name, reasons })),
    remove: roots.map((judged) => ({ name: judged.name, reasons: judged.reasons, ...result(judged) })),
    into: plan.into === 'trash' ? 'trash' : null,
    purge: trashed.map((judged) => ({
      name: judged.name,
      trashedAt: 'trashedAt' in judged.root ? judged.root.trashedAt.toISOString() : null,
      reasons: judged.reasons,
      ...result(judged),
    })),
    space: plan.space === null ? null : spaceContract(plan.space, outcome),
    skipped: [...plan.skipped, ...plan.later.map(({ judged, why }) => ({ name: judged.name, why }))],
    freedBytes: plan.freedBytes,
    ...(outcome === undefined
      ? {}
      : { leftovers: outcome.leftovers.map(leftoverContract), warnings: [...plan.warnings, ...outcome.warnings] }),
  };
}

function leftoverContract({ formerName, result, error }: Leftover): object {
  return { ...jsonName('name', formerName), result, error: error?.message ?? null };
}

function isTrashed(judged: JudgedRoot | JudgedTrash): judged is JudgedTrash {
  return 'trashedAt' in judged.root;
}

function resultContract(removal: Removal | undefined): object {
  return removal === undefined ? {} : { result: removal.result, error: removal.error, notes: removal.notes };
}

function spaceContract(
  { freeBytes, totalBytes, wantedBytes, isImpossible, trash, trashedNow, roots }: SpacePlan,
  outcome: TargetOutcome | undefined,
): object {
  return {
    freeBytes: outcome?.space?.freeBytes ?? freeBytes,
    totalBytes,
    wantedBytes,
    impossible: isImpossible,
    ifNeeded: [...trash, ...trashedNow, ...roots].map((judged) => ({
      name: judged.name,
      inTrash: isTrashed(judged),
      reasons: judged.reasons,
    })),
    ...(outcome === undefined ? {} : { short: outcome.space?.short ?? null }),
  };
}

export function undeleteContract({ trashed, judged, warnings }: UndeleteResult): object {
  const { target, name, root } = trashed;
  return {
    target: target.name,
    name,
    id: root.id,
    keep: judged?.keep ?? null,
    reasons: judged?.reasons ?? [],
    pinned: (judged?.root.pin ?? null) !== null,
    warnings,
  };
}

export function rotationsContract({ rotations, outcomes, problems }: Rotations): object {
  return {
    targets: rotations.map(({ target, slots, plan, drop, warnings }) => {
      const outcome = outcomes.find(({ rotation }) => rotation.target === target);
      const { renames, take } = outcome?.rotation.plan ?? plan;
      const removals = outcome?.removals ?? [];
      return {
        target: target.name,
        slots,
        rename: outcome === undefined ? renames.map(({ from, to }) => ({ from, to })) : outcome.renamed,
        take,
        remove: drop.map(({ name, root, reasons }) => ({
          name,
          reasons,
          ...resultContract(removals.find(({ judged }) => judged.root.id === root.id)),
        })),
        keep: plan.keep.map(({ name }) => name),
        warnings: [...warnings, ...(outcome?.warnings ?? [])],
        ...(outcome === undefined
          ? {}
          : { taken: outcome.taken, stopped: outcome.stopped, leftovers: outcome.leftovers.map(leftoverContract) }),
      };
    }),
    ...problemsContract(problems),
  };
}

export function simulationContract({ simulations, problems }: Simulations): object {
  return {
    targets: simulations.map(({ target, days }) => ({
      target: target.name,
      days: days.map(({ date, at, boots, removed, kept }) => ({
        date,
        at: at.toISOString(),
        boots,
        remove: removed.map(simulatedContract),
        keep: kept.map((root) => ({ ...simulatedContract(root), simulated: root.simulated })),
      })),
    })),
    ...problemsContract(problems),
  };
}

function simulatedContract({ name, time, reasons }: SimulatedRoot): object {
  return { name, archivedAt: time.toISOString(), reasons };
}

function problemsContract(problems: PruneOutcome['problems']): object {
  if (problems.length === 0) return {};
  return { problems: problems.map(({ target, error }) => ({ target, kind: error.kind, message: error.message })) };
}

export function diffContract({ from, to, engine, hidden, problems, warnings }: DiffOutcome, changes: readonly Change[]): object {
  const count = Object.values(hidden).reduce((sum, each) => sum + each, 0);
  return { from, to, engine, hidden: count, changes: changes.map(toJson), problems, warnings };
}

export function changeContract(change: Change): ChangeJson {
  return toJson(change);
}

export function findContract({ found, searched, warnings, unread, problems, notLookedAt }: FindOutcome): object {
  return {
    searched,
    paths: found.map(foundContract),
    warnings: [...warnings, ...notLookedAt],
    problems: [...unread, ...problems.map(({ target, error }) => `${target}: ${error.message}`)],
  };
}

export function foundContract({ target, path, type, size, modifiedAt, roots, versions, isCompared }: FoundPath): object {
  return {
    target: target.name,
    ...jsonName('path', path),
    type,
    size,
    modifiedAt: modifiedAt.toISOString(),
    roots: roots.map(whichContract),
    versions,
    compared: isCompared,
  };
}

export function historyContract({ target, path, isLive, searched, deleted, gaps, versions, warnings, problems }: History): object {
  return {
    target: target.name,
    ...jsonName('path', path),
    live: isLive,
    searched,
    deleted: deleted === null ? null : { lastSeen: whichContract(deleted.lastSeen), missing: whichContract(deleted.missing) },
    gaps: gaps.map(({ newest, oldest, roots }) => ({ newest: whichContract(newest), oldest: whichContract(oldest), roots })),
    versions: versions.map(versionContract),
    warnings,
    problems,
  };
}

function versionContract({ first, last, roots, isLive, size, modifiedAt, what, state }: Version): object {
  return {
    first: whichContract(first),
    last: whichContract(last),
    roots,
    live: isLive,
    type: state.type,
    size,
    mode: state.mode.toString(8).padStart(4, '0'),
    uid: Number(state.uid),
    gid: Number(state.gid),
    modifiedAt: modifiedAt.toISOString(),
    what,
  };
}

/** Of the live root there is no time. */
function whichContract({ label, judged }: ResolvedRoot): object {
  return { ref: label, archivedAt: judged?.root.archivedAt.toISOString() ?? null };
}

export function restorePlanContract(plan: RestorePlan): object {
  return {
    items: plan.items.map((item) => ({ ...itemContract(item), action: item.action, why: item.why })),
    problems: plan.problems.map(restoreProblem),
    warnings: plan.warnings,
  };
}

function restoreProblem({ path, error }: RestorePlan['problems'][number]): object {
  return { ...jsonName('path', path), kind: error.kind, message: error.message };
}

export function restoreContract({ plan, results }: RestoreOutcome): object {
  return {
    problems: plan.problems.map(restoreProblem),
    warnings: plan.warnings,
    items: results.map(({ item, result, error, lost, backup }) => ({
      ...itemContract(item),
      result,
      error,
      lost,
      ...(backup === null ? { backup: null } : jsonName('backup', backup)),
    })),
  };
}

function itemContract({ from, source, destination, type, size }: RestoreItem): object {
  return { from: from.label, ...jsonName('path', source), ...jsonName('destination', destination), type, size };
}
