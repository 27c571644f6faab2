/**
 * The old roots of a target with the verdict of its policy on each: what `ls` shows and `prune` acts on.
 */
import { hasPlausibleTime, understand, type Archive, type OldRoot } from '../backend/old-root.ts';
import { toText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { planRetention } from '../retention/plan.ts';
import type { Context } from './context.ts';
import type { Target, TargetProblem } from './targets.ts';

export interface JudgedRoot {
  readonly target: Target;
  readonly root: OldRoot;
  /** As text: the name of an old root is understood, so it is ASCII. */
  readonly name: string;
  readonly keep: boolean;
  /** Machine-readable words first; never empty. */
  readonly reasons: readonly string[];
}

export interface JudgedArchive {
  readonly target: Target;
  /** Newest first. */
  readonly roots: readonly JudgedRoot[];
  readonly unrecognised: Archive['unrecognised'];
  readonly warnings: readonly string[];
}

export async function judgeArchive(context: Context, target: Target, at: Date = context.now): Promise<JudgedArchive> {
  const archive = understand(await target.backend.list(), context.config.nameTimezone);
  const candidates = archive.roots.map((root) => ({
    root,
    name: toText(root.name),
    time: root.archivedAt,
    protections: protectionsOf(root),
  }));
  const verdicts = planRetention(candidates, target.policy, at, context.config.timezone);
  return {
    target,
    roots: verdicts.map(({ root, keep, reasons }) => ({ target, root: root.root, name: root.name, keep, reasons })),
    unrecognised: archive.unrecognised,
    warnings: archive.warnings,
  };
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
function protectionsOf(root: OldRoot): string[] {
  return [
    ...(root.pin === null ? [] : ['pinned']),
    ...(root.isLive ? ['live'] : []),
    ...(root.mountPoints.length === 0 ? [] : ['mounted']),
    ...(root.holdsRoot === null ? [] : ['nested root']),
    ...(hasPlausibleTime(root) ? [] : ['implausible time']),
  ];
}
