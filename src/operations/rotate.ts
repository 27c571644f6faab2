/**
 * `roots rotate`: a read-only snapshot of the live root a day, under rolling names. What each is called follows from when it was taken, so it does not
 * matter how often this runs, or where it is cut short.
 */
import { hasPlausibleTime, type OldRoot } from '../backend/old-root.ts';
import { fromText, printable, toText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { isSlotName, isTemporaryName, planRotation, type RotationPlan, type Snapshot } from '../retention/rotation.ts';
import type { Context } from './context.ts';
import { judgeArchive, protectionsOf, type JudgedRoot } from './judge.ts';
import { RemovalLog } from './removal-log.ts';
import { inSteps, takeStep, type Removal } from './removal-step.ts';
import { withTargets, type Target, type TargetProblem } from './targets.ts';

export interface TargetRotation {
  readonly target: Target;
  readonly slots: number;
  readonly plan: RotationPlan;
  /** What goes, as old roots with the reason. */
  readonly drop: readonly JudgedRoot[];
  /** For people. */
  readonly warnings: readonly string[];
}

export interface RotationOutcome {
  readonly rotation: TargetRotation;
  /** The name of the snapshot that was taken; null if there was one of today, or it came to none. */
  readonly taken: string | null;
  readonly renamed: readonly { readonly from: string; readonly to: string; readonly error: string | null }[];
  readonly removals: readonly Removal[];
  readonly warnings: readonly string[];
  /** Why it was not gone on with; null if it was done to its end. */
  readonly stopped: string | null;
}

export interface Rotations {
  readonly rotations: readonly TargetRotation[];
  readonly outcomes: readonly RotationOutcome[];
  readonly problems: readonly TargetProblem[];
}

export interface RotateOptions {
  readonly target?: string | undefined;
  /** Instead of what is configured. */
  readonly slots?: number | undefined;
}

/** Plans, has the plan agreed to, applies it. Nothing is changed unless `agree` says so. */
export async function rotate(
  context: Context,
  options: RotateOptions,
  agree: (rotations: readonly TargetRotation[]) => Promise<boolean>,
): Promise<Rotations> {
  refuseWrongClock(context);
  return withTargets(context, { access: 'write', only: options.target }, async (opened, aside) => {
    const { rotations, problems } = await planAll(context, opened, options, aside.problems);
    const outcomes: RotationOutcome[] = [];
    for (const rotation of (await agree(rotations)) ? rotations : []) {
      try {
        outcomes.push(await rotateTarget(context, rotation));
      } catch (error) {
        if (!(error instanceof RootsError) || rotations.length === 1) throw error;
        problems.push({ target: rotation.target.name, error });
      }
    }
    return { rotations, outcomes, problems };
  });
}

/** A machine whose clock has no battery boots in 1970, and what it took then would be the oldest of all. */
function refuseWrongClock({ now }: Context): void {
  if (!hasPlausibleTime({ archivedAt: now }))
    throw new RootsError('failed', `the clock says ${now.toISOString().slice(0, 10)}, and snapshots are kept by their time`, {
      hint: 'set the clock',
    });
}

/** Reads only. */
export async function planRotations(context: Context, options: RotateOptions): Promise<Rotations> {
  return withTargets(context, { access: 'read', only: options.target }, async (opened, aside) => {
    const planned = await planAll(context, opened, options, aside.problems);
    return { ...planned, outcomes: [] };
  });
}

async function planAll(
  context: Context,
  opened: readonly Target[],
  options: RotateOptions,
  before: readonly TargetProblem[],
): Promise<{ rotations: TargetRotation[]; problems: TargetProblem[] }> {
  const rotations: TargetRotation[] = [];
  const problems = [...before];
  for (const { target, slots } of chosen(opened, before, options)) {
    try {
      refuseWithoutSnapshots(target);
      rotations.push((await planTarget(context, target, slots)).rotation);
    } catch (error) {
      if (!(error instanceof RootsError)) throw error;
      problems.push({ target: target.name, error });
    }
  }
  const [first] = problems;
  if (rotations.length === 0 && first !== undefined) throw first.error;
  return { rotations, problems };
}

/** `unopened` might be the one that was meant. */
function chosen(
  opened: readonly Target[],
  unopened: readonly TargetProblem[],
  { target: only, slots }: RotateOptions,
): { target: Target; slots: number }[] {
  const names = [...opened.map(({ name }) => name), ...unopened.map(({ target }) => target)];
  if (slots !== undefined && names.length > 1 && only === undefined)
    throw new RootsError('usage', '--slots is for one target', { hint: `name it: ${names.join(', ')}` });
  const found = opened.flatMap((target) => {
    const count = slots ?? target.slots;
    return count === null ? [] : [{ target, slots: count }];
  });
  if (found.length > 0) return found;
  throw new RootsError('usage', `${only === undefined ? 'no target is' : `the target \`${only}\` is not`} configured to rotate`, {
    hint: 'give --slots, or `slots` in the table `rotate` of a target, see roots.toml(5)',
  });
}

function refuseWithoutSnapshots({ backend, name }: Target): void {
  if (!backend.capabilities.snapshots)
    throw new RootsError('unsupported', `${name} cannot be rotated: there are no snapshots here (${backend.place})`, {
      hint: 'rotation needs a filesystem with snapshots, such as btrfs',
    });
  if (backend.location.live === null)
    throw new RootsError('usage', `${name} cannot be rotated: its live root is not known`, { hint: 'set `live` in the configuration' });
}

interface Planned {
  readonly rotation: TargetRotation;
  readonly roots: ReadonlyMap<string, OldRoot>;
}

async function planTarget(context: Context, target: Target, slots: number, log?: RemovalLog): Promise<Planned> {
  const archive = await judgeArchive(context, target);
  await log?.settle(async () => archive);
  const judged = archive.roots.filter(({ name }) => isSlotName(name) || isTemporaryName(name));
  const snapshots = judged.map(({ name, root }): Snapshot => {
    const protections = protectionsOf(root).filter((each) => each !== 'implausible time');
    return { name, id: root.id, time: root.archivedAt, fixed: protections.length > 0 };
  });
  const plan = planRotation(withStrangers(snapshots, archive.unrecognised), { slots, now: context.now, zone: context.config.timezone });
  const roots = new Map(judged.map(({ root }) => [root.id, root]));
  const drop = plan.drop.flatMap(({ id, name }) =>
    judged.filter(({ root }) => root.id === id).map((each) => ({ ...each, name, keep: false, reasons: [`beyond slots ${String(slots)}`] })),
  );
  const warnings = judged
    .filter(({ root }) => snapshots.find(({ id }) => id === root.id)?.fixed === true)
    .map(({ name, root }) => `${name} keeps its name: it is ${protectionsOf(root).join(', ')}`);
  return { rotation: { target, slots, plan, drop, warnings: [...archive.warnings, ...warnings] }, roots };
}

/** What has the name of a slot and is no snapshot is left as it is, and its name to it. */
function withStrangers(
  snapshots: readonly Snapshot[],
  unrecognised: readonly { readonly name: Parameters<typeof toText>[0] }[],
): Snapshot[] {
  const strangers = unrecognised.map(({ name }) => toText(name)).filter((name) => isSlotName(name) || isTemporaryName(name));
  return [...snapshots, ...strangers.map((name) => ({ name, id: `stranger ${name}`, time: new Date(Number.NaN), fixed: true }))];
}

/** What is there under the lock decides; the plan that was agreed to only says what may go. */
async function rotateTarget(context: Context, agreed: TargetRotation): Promise<RotationOutcome> {
  const { target, slots } = agreed;
  const { backend } = target;
  const lock = await backend.lock('exclusive');
  const log = new RemovalLog(context, target);
  try {
    await backend.sweep();
    const { rotation, roots } = await planTarget(context, target, slots, log);
    const renamed: { from: string; to: string; error: string | null }[] = [];
    for (const { id, from, to } of rotation.plan.renames) {
      if (context.signal.aborted) break;
      renamed.push({ from, to, error: await renameOne(target, roots.get(id), from, to) });
      // Each goes to a name that the one before has left.
      if (renamed.at(-1)?.error !== null) break;
    }
    const failed = renamed.find(({ error }) => error !== null);
    const stopped = failed === undefined ? (context.signal.aborted ? 'it was stopped' : null) : `${failed.from} could not be renamed`;
    if (stopped !== null) return await end({ rotation, taken: null, renamed, removals: [], warnings: [], stopped });

    const missing = rotation.plan.take === null ? [] : await backend.snapshot(fromText(rotation.plan.take));
    const mayGo = new Set(agreed.drop.map(({ root }) => root.id));
    const drop = rotation.drop.filter(({ root }) => mayGo.has(root.id));
    const removals = drop.length === 0 ? [] : await removeAll(context, target, await nowCalled(context, target, drop), log);
    return await end({
      rotation,
      taken: rotation.plan.take,
      renamed,
      removals,
      warnings: missing.length === 0 ? [] : [withoutNested(missing.map(printable))],
      stopped: null,
    });
  } finally {
    await lock.release();
  }

  async function end(outcome: RotationOutcome): Promise<RotationOutcome> {
    const count = (result: Removal['result']): number => outcome.removals.filter((removal) => removal.result === result).length;
    const changed = outcome.taken !== null || outcome.renamed.length + outcome.removals.length > 0;
    if (changed) {
      await log.write([
        {
          event: 'rotate',
          removed: count('removed'),
          trashed: count('trashed'),
          failed: count('failed'),
          ...(outcome.stopped === null ? {} : { error: outcome.stopped }),
        },
      ]);
      await backend.flush();
    }
    return { ...outcome, warnings: [...outcome.warnings, ...(await log.close())] };
  }
}

async function renameOne({ backend }: Target, root: OldRoot | undefined, from: string, to: string): Promise<string | null> {
  try {
    if (root === undefined) throw new RootsError('failed', `${from} is not there any more`);
    // A snapshot is renamed twice where two exchange their names.
    await backend.rename({ ...root, name: fromText(from) }, fromText(to));
    return null;
  } catch (error) {
    if (error instanceof RootsError) return error.message;
    throw error;
  }
}

async function removeAll(context: Context, target: Target, drop: readonly JudgedRoot[], log: RemovalLog): Promise<Removal[]> {
  const step = target.grace === null ? 'removing' : 'trashing';
  const removals: Removal[] = [];
  for (const going of inSteps(target, drop)) {
    if (context.signal.aborted) break;
    removals.push(...(await takeStep(target, going, { step, trees: going.map(({ root }) => root), at: context.now, log })));
  }
  return removals;
}

/** They were renamed meanwhile. */
async function nowCalled(context: Context, target: Target, drop: readonly JudgedRoot[]): Promise<JudgedRoot[]> {
  const { roots } = await judgeArchive(context, target);
  return drop.flatMap((judged) => {
    const now = roots.find(({ root }) => root.id === judged.root.id);
    return now === undefined ? [] : [{ ...now, keep: false, reasons: judged.reasons }];
  });
}

function withoutNested(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).join(', ');
  return `nested subvolumes are not in the snapshot: ${shown}${paths.length > 5 ? ', …' : ''}`;
}
