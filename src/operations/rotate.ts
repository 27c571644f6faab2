/**
 * `roots rotate`: a read-only snapshot of the live root a day, under rolling names. What each is called follows from when it was taken, so it does not
 * matter how often this runs, or where it is cut short.
 */
import { hasPlausibleTime } from '../backend/old-root.ts';
import { RootsError } from '../errors.ts';
import type { Context } from './context.ts';
import { planTargetRotation, type TargetRotation } from './rotate-plan.ts';
import { rotateTarget, type RotationOutcome } from './rotate-target.ts';
import { withTargets, type Target, type TargetProblem } from './targets.ts';

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
      rotations.push((await planTargetRotation(context, target, slots)).rotation);
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
      hint: 'rotation needs a filesystem with snapshots: btrfs, ZFS or bcachefs',
    });
  if (backend.location.live === null)
    throw new RootsError('usage', `${name} cannot be rotated: its live root is not known`, { hint: 'set `live` in the configuration' });
}
