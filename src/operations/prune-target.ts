/**
 * Carrying out the plan for one target, a step at a time. Before each step the archive is looked at again: what has changed since the plan
 * is decided anew, and only what both plans say goes.
 */
import type { ArchivedTree, Leftover } from '../backend/backend.ts';
import { toText } from '../byte-path.ts';
import { messageOf } from '../errors.ts';
import type { Context } from './context.ts';
import { judgeArchive, type JudgedArchive } from './judge.ts';
import { planTarget, type SpacePlan, type TargetPlan } from './prune-plan.ts';
import { RemovalLog } from './removal-log.ts';
import { entryOf, inSteps, sumsOf, takeStep, type Going, type OnRemoval, type Removal, type StepOptions } from './removal-step.ts';

/** What came of the wish for free space. */
export interface SpaceOutcome {
  readonly plan: SpacePlan;
  readonly freeBytes: number;
  /** Why it was not gone on with though there is not enough; null if there is. */
  readonly short: 'nothing more may go' | 'no more in one run' | 'there is never so much' | 'space is still coming back' | 'stopped' | null;
}

export interface TargetOutcome {
  /** Removals of an earlier run that were finished, or could not be. */
  readonly leftovers: readonly Leftover[];
  readonly space: SpaceOutcome | null;
  /** For people. */
  readonly warnings: readonly string[];
}

/** Milliseconds that are waited for space to come back after each removal that is for space. The kernel's cleaner has been seen to take 32 s. */
const PATIENCE = 60_000;

/** Errors: `locked`; others if the target as a whole cannot be worked on. A removal that fails is a result. */
export async function pruneTarget(context: Context, plan: TargetPlan, onRemoval: OnRemoval): Promise<TargetOutcome> {
  const { backend } = plan.target;
  const lock = await backend.lock('exclusive');
  const log = new RemovalLog(context, plan.target);
  const removals: Removal[] = [];
  const pruning = new Pruning(context, plan, log, (removal) => {
    removals.push(removal);
    onRemoval(removal);
  });
  try {
    const outcome = await pruning.run();
    if (removals.length > 0) await backend.flush();
    await log.write([{ event: 'prune', ...sumsOf(removals) }]);
    return { ...outcome, warnings: await log.close() };
  } catch (error) {
    await log.write([{ event: 'prune', ...sumsOf(removals), error: messageOf(error) }]);
    await log.close();
    throw error;
  } finally {
    await lock.release();
  }
}

class Pruning {
  readonly #context: Context;
  readonly #plan: TargetPlan;
  readonly #log: RemovalLog;
  readonly #onRemoval: OnRemoval;
  /** Of the archive that `#going` is of: our own steps change it too, and others may have done so meanwhile. */
  #generation: string;
  /** What the plan of now says of them, by what they are known by. */
  #going = new Map<string, Going>();
  /** Why the others stay, by their ids. */
  #staying = new Map<string, readonly string[]>();
  /** Those of them that go only for space, in this order. */
  #forSpace: readonly Going[] = [];
  /** How many are deleted for good. */
  #deleted = 0;

  constructor(context: Context, plan: TargetPlan, log: RemovalLog, onRemoval: OnRemoval) {
    this.#context = context;
    this.#plan = plan;
    this.#log = log;
    this.#onRemoval = onRemoval;
    this.#generation = plan.generation;
    this.#follow(plan);
  }

  async run(): Promise<Pick<TargetOutcome, 'leftovers' | 'space'>> {
    const leftovers = await this.#log.recover(() => this.#lookAgain());
    const { target, into, remove, purge } = this.#plan;
    for (const going of inSteps(target, remove)) await this.#step(going, into === 'trash' ? 'trashing' : 'removing');
    for (const going of inSteps(target, purge)) await this.#step(going, 'removing');
    return {
      leftovers,
      space: this.#plan.space === null ? null : await this.#makeSpace(this.#plan.space),
    };
  }

  /** With nobody else at work the same plan must come out: with fewer roots than before, the floor lies elsewhere. */
  async #lookAgain(): Promise<JudgedArchive> {
    const archive = await judgeArchive(this.#context, this.#plan.target);
    this.#generation = archive.generation;
    this.#follow(planTarget(archive, { now: true }));
    return archive;
  }

  #follow({ remove, purge, space, keep, trash, later }: TargetPlan): void {
    const staying = [...trash, ...keep].map(({ root, reasons }) => [root.id, reasons.length === 0 ? ['in the trash'] : reasons] as const);
    this.#staying = new Map([...staying, ...later.map(({ judged, why }) => [judged.root.id, [why]] as const)]);
    this.#forSpace = space === null ? [] : [...space.trash, ...space.roots];
    this.#going = new Map([...remove, ...purge, ...this.#forSpace].map((each) => [keyOf(each), each]));
  }

  async #step(planned: readonly Going[], step: StepOptions['step']): Promise<void> {
    if (this.#context.signal.aborted || planned.length === 0) return;
    const { backend } = this.#plan.target;
    if ((await backend.generation()) !== this.#generation) await this.#lookAgain();
    const [going, changed] = partition(planned, (each) => this.#going.has(keyOf(each)));
    for (const judged of changed) this.#fail(judged);
    const removals = await takeStep(this.#plan.target, going, {
      step,
      trees: going.map((each) => this.#treeOf(each)),
      at: this.#context.now,
      log: this.#log,
    });
    this.#deleted += removals.filter(({ result }) => result === 'removed').length;
    for (const removal of removals) this.#onRemoval(removal);
  }

  #fail(judged: Going): void {
    const why = this.#staying.get(judged.root.id);
    const now = why === undefined ? 'it is gone' : `it stays: ${why.join(', ')}`;
    const error = `${judged.name} is not removed: the archive has changed since the plan was made, and now ${now}`;
    this.#log.note([{ event: 'failed', ...entryOf(judged), error }]);
    this.#onRemoval({ judged, result: 'failed', error, notes: [] });
  }

  #treeOf(judged: Going): ArchivedTree {
    return (this.#going.get(keyOf(judged)) ?? judged).root;
  }

  /** One after another, and what really came back is what counts. What was put into the trash just now goes before what is still in the archive. */
  async #makeSpace(plan: SpacePlan): Promise<SpaceOutcome> {
    const { backend } = this.#plan.target;
    const named = new Set([...plan.trash, ...plan.roots].map(keyOf));
    const trashedNow = new Set(plan.trashedNow.map(({ root }) => root.id));
    const isAgreed = (each: Going): boolean => named.has(keyOf(each)) || ('trashedAt' in each.root && trashedNow.has(each.root.id));
    const nothingIs = named.size + trashedNow.size === 0;
    const isShort = async (): Promise<boolean> => (await backend.space()).freeBytes < plan.wantedBytes;
    const tried = new Set<string>();
    // Anything that has gone so far may have been enough.
    let settled = nothingIs || (await backend.settle(PATIENCE));
    const limit = backend.capabilities.limitPerRun ?? Infinity;
    while (settled && !nothingIs && this.#deleted < limit && (await isShort()) && !this.#context.signal.aborted) {
      await this.#lookAgain();
      const next = this.#forSpace.find((each) => isAgreed(each) && !tried.has(keyOf(each)));
      if (next === undefined) break;
      tried.add(keyOf(next));
      await this.#step([next], 'removing');
      settled = await backend.settle(PATIENCE);
    }
    return { plan, freeBytes: (await backend.space()).freeBytes, short: (await isShort()) ? this.#whyShort(plan, settled) : null };
  }

  #whyShort({ isImpossible, isCut }: SpacePlan, settled: boolean): SpaceOutcome['short'] {
    if (isImpossible) return 'there is never so much';
    if (this.#context.signal.aborted) return 'stopped';
    if (!settled) return 'space is still coming back';
    return isCut ? 'no more in one run' : 'nothing more may go';
  }
}

/** In the trash or not, since one name can be in both. */
function keyOf({ root }: Going): string {
  return JSON.stringify([root.id, toText(root.name)]);
}

function partition<T>(all: readonly T[], test: (each: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((each) => !test(each))];
}
