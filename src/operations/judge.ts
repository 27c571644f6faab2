/**
 * The old roots of a target with the verdict of its policy on each: what `ls` shows and `prune` acts on.
 */
import { hasPlausibleTime, understand, type Archive, type OldRoot, type TrashedRoot } from '../backend/old-root.ts';
import { toText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { before } from '../retention/duration.ts';
import { planRetention, type Candidate } from '../retention/plan.ts';
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
  readonly warnings: readonly string[];
}

export async function judgeArchive(context: Context, target: Target, at: Date = context.now): Promise<JudgedArchive> {
  // What comes in between is then seen as a change.
  const generation = target.backend.generation();
  const listing = await target.backend.list();
  const archive = understand(listing, {
    nameZone: context.config.nameTimezone,
    isSlot: (name) => isSlotName(name) || isTemporaryName(name),
  });
  const verdicts = planRetention(archive.roots.map(candidateOf), target.policy, at, context.config.timezone);
  return {
    target,
    generation,
    roots: verdicts.map(({ root, keep, firm, reasons }) => ({ target, root: root.root, name: root.name, keep, firm, reasons })),
    trash: archive.trash.map((root) => judgeTrash(context, target, root, at)),
    unrecognised: archive.unrecognised,
    warnings: archive.warnings,
  };
}

/** What retention is told of a root. */
export function candidateOf(root: OldRoot): Candidate & { readonly root: OldRoot } {
  return { root, name: toText(root.name), time: root.archivedAt, protections: protectionsOf(root) };
}

function judgeTrash({ config }: Context, target: Target, root: TrashedRoot, at: Date): JudgedTrash {
  const { grace } = target;
  const due = grace === null || root.trashedAt <= before(at, grace, config.timezone);
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
    ...(hasPlausibleTime(root) ? [] : ['implausible time']),
  ];
}
