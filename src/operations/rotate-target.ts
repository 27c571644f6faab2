/**
 * Carrying out a rotation. What is there under the lock decides; the plan that was agreed to only says what may go.
 */
import type { Leftover } from '../backend/backend.ts';
import type { OldRoot } from '../backend/old-root.ts';
import { fromText, printable } from '../byte-path.ts';
import { RootsError, messageOf } from '../errors.ts';
import type { Context } from './context.ts';
import { judgeArchive, type JudgedRoot } from './judge.ts';
import { RemovalLog } from './removal-log.ts';
import { inSteps, sumsOf, takeStep, type Removal } from './removal-step.ts';
import { planTargetRotation, type TargetRotation } from './rotate-plan.ts';
import type { Target } from './targets.ts';

export interface RotationOutcome {
  readonly rotation: TargetRotation;
  /** Removals of an earlier run that were finished, or could not be. */
  readonly leftovers: readonly Leftover[];
  /** The name of the snapshot that was taken; null if there was one of today, or it came to none. */
  readonly taken: string | null;
  readonly renamed: readonly Renaming[];
  readonly removals: readonly Removal[];
  readonly warnings: readonly string[];
  /** Why it was not gone on with; null if it was done to its end. */
  readonly stopped: string | null;
}

interface Renaming {
  readonly from: string;
  readonly to: string;
  readonly error: string | null;
}

/** Errors: `locked`; others if no snapshot can be taken, or the target as a whole cannot be worked on. */
export async function rotateTarget(context: Context, agreed: TargetRotation): Promise<RotationOutcome> {
  const { backend } = agreed.target;
  const lock = await backend.lock('exclusive');
  const log = new RemovalLog(context, agreed.target);
  try {
    const leftovers = await log.recover(() => judgeArchive(context, agreed.target));
    const outcome = await carryOut(context, agreed, log);
    await backend.flush();
    await log.write([{ event: 'rotate', ...sumsOf(outcome.removals), ...(outcome.stopped === null ? {} : { error: outcome.stopped }) }]);
    return { ...outcome, leftovers, warnings: [...outcome.warnings, ...(await log.close())] };
  } catch (error) {
    await log.write([{ event: 'rotate', ...sumsOf([]), error: messageOf(error) }]);
    await log.close();
    throw error;
  } finally {
    await lock.release();
  }
}

/** In this order, so that nothing goes before today's snapshot is there. */
async function carryOut(context: Context, agreed: TargetRotation, log: RemovalLog): Promise<Omit<RotationOutcome, 'leftovers'>> {
  const { target, slots } = agreed;
  const { rotation, roots } = await planTargetRotation(context, target, slots);
  const { take, renames } = rotation.plan;
  const renamed: Renaming[] = [];
  const outcome = { rotation, taken: null, renamed, removals: [], warnings: [] };
  for (const { id, from, to } of renames) {
    if (context.signal.aborted) return { ...outcome, stopped: 'it was stopped' };
    const error = await renameOne(target, roots.get(id), from, to);
    renamed.push({ from, to, error });
    // The next goes to the name that this one has not left.
    if (error !== null) return { ...outcome, stopped: `${from} could not be renamed` };
  }
  const missing = take === null ? [] : await target.backend.snapshot(fromText(take));
  const mayGo = new Set(agreed.drop.map(({ root }) => root.id));
  const drop = rotation.drop.filter(({ root }) => mayGo.has(root.id));
  const removals = drop.length === 0 ? [] : await removeAll(context, target, await nowCalled(context, target, drop), log);
  const warnings = missing.length === 0 ? [] : [withoutNested(missing.map(printable))];
  return { ...outcome, taken: take, removals, warnings, stopped: null };
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
