/**
 * The JSON contracts: results as `--json` shows them. Times are ISO 8601 in UTC with milliseconds, sizes are bytes, and what is not known is null.
 */
import { jsonName, toText } from '../byte-path.ts';
import type { DiffOutcome } from '../operations/diff.ts';
import { toJson, type Change, type ChangeJson } from '../diff/change.ts';
import type { ListOutcome, ListedRoot } from '../operations/list.ts';
import type { PinResult } from '../operations/pin.ts';
import type { PruneOutcome, PrunePlan, Removal, TargetPlan } from '../operations/prune.ts';
import type { RestoreItem, RestoreOutcome, RestorePlan } from '../operations/restore.ts';
import type { ShownRoot } from '../operations/show.ts';

export function listContract({ archives, problems, notLookedAt }: ListOutcome, now: Date): object {
  return {
    roots: archives.flatMap(({ roots }) => roots.map((each) => rootContract(each, now))),
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

export function planContract(plan: PrunePlan): object {
  return pruneContract({ plan, removals: [], notTried: [], problems: plan.problems });
}

export function pruneContract({ plan, removals, problems }: PruneOutcome): object {
  return {
    at: plan.at.toISOString(),
    targets: plan.targets.map((target) => targetContract(target, removals)),
    ...(problems.length === 0
      ? {}
      : { problems: problems.map(({ target, error }) => ({ target, kind: error.kind, message: error.message })) }),
  };
}

function targetContract(plan: TargetPlan, removals: readonly Removal[]): object {
  const results = new Map(removals.map((removal) => [removal.judged, removal]));
  return {
    target: plan.target.name,
    keep: plan.keep.map(({ name, reasons }) => ({ name, reasons })),
    remove: plan.remove.map((judged) => {
      const removal = results.get(judged);
      const result = removal === undefined ? {} : { result: removal.result, error: removal.error, notes: removal.notes };
      return { name: judged.name, reasons: judged.reasons, ...result };
    }),
    skipped: plan.skipped,
    freedBytes: plan.freedBytes,
  };
}

export function diffContract({ from, to, engine, problems, warnings }: DiffOutcome, changes: readonly Change[]): object {
  return { from, to, engine, hidden: 0, changes: changes.map(toJson), problems, warnings };
}

export function changeContract(change: Change): ChangeJson {
  return toJson(change);
}

export function restorePlanContract(plan: RestorePlan): object {
  return {
    items: plan.items.map((item) => ({ ...itemContract(item), action: item.action, why: item.why })),
    problems: plan.problems.map(restoreProblem),
  };
}

function restoreProblem({ path, error }: RestorePlan['problems'][number]): object {
  return { ...jsonName('path', path), kind: error.kind, message: error.message };
}

export function restoreContract({ plan, results }: RestoreOutcome): object {
  return {
    problems: plan.problems.map(restoreProblem),
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
