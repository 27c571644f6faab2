/**
 * The old roots of a target with the verdict of its policy on each: what `ls` shows and `prune` acts on.
 */
import { formerNameOf } from '../backend/set-aside.ts';
import { hasPlausibleTime, understand, type Archive, type OldRoot, type TrashedRoot } from '../backend/old-root.ts';
import type { Space } from '../backend/backend.ts';
import { toText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { before } from '../retention/duration.ts';
import { planRetention, type Candidate } from '../retention/plan.ts';
import { isEmpty } from '../retention/policy.ts';
import { isSlotName, isTemporaryName } from '../retention/rotation.ts';
import type { Context } from './context.ts';
import type { Target, TargetProblem } from './targets.ts';

export interface JudgedRoot {
  readonly target: Target;
  readonly root: OldRoot;
  /** As text: the name of an old root is understood, so it is ASCII. */
  readonly name: string;
  readonly keep: boolean;
  /** It stays for lack of space too. */
  readonly firm: boolean;
  /** Machine-readable words first; never empty. */
  readonly reasons: readonly string[];
}

/** One in the trash. */
export interface JudgedTrash {
  readonly target: Target;
  readonly root: TrashedRoot;
  /** The name that it had. */
  readonly name: string;
  /** Whether its grace is over, so that the next prune deletes it. */
  readonly due: boolean;
  /** `grace 7d over`, `no grace`; empty if it is not due. */
  readonly reasons: readonly string[];
}

export interface JudgedArchive {
  readonly target: Target;
  /** Of the archive, from right before it was listed. */
  readonly generation: string;
  /** Newest first. */
  readonly roots: readonly JudgedRoot[];
  /** Those last removed first. */
  readonly trash: readonly JudgedTrash[];
  readonly unrecognised: Archive['unrecognised'];
  /** Null if the policy does not ask for it. */
  readonly space: Space | null;
  readonly warnings: readonly string[];
}

export async function judgeArchive(context: Context, target: Target, at: Date = context.now): Promise<JudgedArchive> {
  // What comes in between is then seen as a change.
  const generation = await target.backend.generation();
  const listing = await target.backend.list();
  const { backend } = target;
  const archive = understand(listing, {
    nameZone: context.config.nameTimezone,
    // On ZFS a dataset may have the name that a snapshot has as a slot.
    isSlot: (name, tree) => hasNoTime(name) && formerNameOf(tree) === backend.snapshotName(name),
  });
  const verdicts = planRetention(archive.roots.filter(isOfBoot).map(candidateOf), target.policy, at, context.config.timezone);
  const judged = new Map(verdicts.map(({ root: { root }, ...verdict }) => [root, verdict]));
  return {
    target,
    generation,
    roots: archive.roots.map((root) => ({ target, root, name: toText(root.name), ...(judged.get(root) ?? apart(root)) })),
    trash: archive.trash.map((root) => judgeTrash(context, target, root, at)),
    unrecognised: archive.unrecognised,
    space: target.policy.minFree === undefined ? null : await target.backend.space(),
    warnings: archive.warnings,
  };
}

/** What a hook at shutdown takes anew each time, in the snippets for ZFS. */
const LAST_BOOT = 'lastboot';

function hasNoTime(name: string): boolean {
  return isSlotName(name) || isTemporaryName(name) || name === LAST_BOOT;
}

/** What `roots rotate` took, by its name. */
export function isSlot({ timeName }: Pick<OldRoot, 'timeName'>): boolean {
  const name = toText(timeName);
  return isSlotName(name) || isTemporaryName(name);
}

/** What is taken and replaced by name is for whoever does that to remove: several of one day would else push the roots of boots out of the floor. */
export function isOfBoot({ timeName }: Pick<OldRoot, 'timeName'>): boolean {
  return !hasNoTime(toText(timeName));
}

function apart(root: OldRoot): Pick<JudgedRoot, 'keep' | 'firm' | 'reasons'> {
  return { keep: true, firm: true, reasons: [...protectionsOf(root), 'slot'] };
}

/** What retention is told of a root. */
export function candidateOf(root: OldRoot): Candidate & { readonly root: OldRoot } {
  return { root, name: toText(root.name), time: root.archivedAt, protections: protectionsOf(root) };
}

function judgeTrash({ config }: Context, target: Target, root: TrashedRoot, at: Date): JudgedTrash {
  const { grace } = target;
  // Without a policy nothing is removed, from the trash neither; but rotating is one.
  const isKept = isEmpty(target.policy) && target.slots === null;
  const due = !isKept && (grace === null || root.trashedAt <= before(at, grace, config.timezone));
  const reason = grace === null ? 'no grace' : `grace ${grace.text} over`;
  return { target, root, name: toText(root.formerName), due, reasons: due ? [reason] : [] };
}

/** All that can be listed: one archive that cannot does not hide the others. Errors: that of the first if none can. */
export async function judgeArchives(
  context: Context,
  targets: readonly Target[],
  at: Date,
): Promise<{ archives: readonly JudgedArchive[]; problems: readonly TargetProblem[] }> {
  const archives: JudgedArchive[] = [];
  const problems: TargetProblem[] = [];
  for (const target of targets) {
    try {
      archives.push(await judgeArchive(context, target, at));
    } catch (error) {
      if (!(error instanceof RootsError)) throw error;
      problems.push({ target: target.name, error });
    }
  }
  const [first] = problems;
  if (archives.length === 0 && first !== undefined) throw first.error;
  return { archives, problems };
}

/** What keeps a root whatever the policy says. */
export function protectionsOf(root: OldRoot): string[] {
  return [
    ...(root.pin === null ? [] : ['pinned']),
    ...(root.isLive ? ['live'] : []),
    ...(root.mountPoints.length === 0 ? [] : ['mounted']),
    ...(root.holdsRoot === null ? [] : ['nested root']),
    ...(root.heldBy.length === 0 ? [] : ['held']),
    ...(hasPlausibleTime(root) ? [] : ['implausible time']),
  ];
}
