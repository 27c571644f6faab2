/**
 * `roots ls`: the old roots of all targets.
 */
import type { Size } from '../backend/backend.ts';
import type { Context } from './context.ts';
import { judgeArchives, type JudgedArchive, type JudgedRoot } from './judge.ts';
import { withTargets, type Aside } from './targets.ts';

export interface ListedRoot extends JudgedRoot {
  /** 1 is the newest of its target. */
  readonly number: number;
  readonly size: Size;
}

export interface ListedArchive extends Omit<JudgedArchive, 'roots'> {
  readonly roots: readonly ListedRoot[];
}

export const UNKNOWN_SIZE: Size = { sizeBytes: null, exclusiveBytes: null };

export interface ListOutcome extends Aside {
  readonly archives: readonly ListedArchive[];
}

/** `measure`: find out sizes that the filesystem does not keep, which may take long. */
export async function listRoots(
  context: Context,
  options: { readonly target?: string | undefined; readonly measure: boolean },
): Promise<ListOutcome> {
  return withTargets(context, { access: 'read', only: options.target }, async (targets, { problems, notLookedAt }) => {
    const judged = await judgeArchives(context, targets, context.now);
    const archives: ListedArchive[] = [];
    for (const archive of judged.archives) archives.push(await withSizes(archive, options.measure));
    return { archives, problems: [...problems, ...judged.problems], notLookedAt };
  });
}

async function withSizes(archive: JudgedArchive, measure: boolean): Promise<ListedArchive> {
  const { backend } = archive.target;
  const trees = archive.roots.map(({ root }) => root);
  const sizes = measure ? await backend.measure(trees) : backend.knownSizes(trees);
  const roots = archive.roots.map((each, at) => ({ ...each, number: at + 1, size: sizes.get(each.root.id) ?? UNKNOWN_SIZE }));
  return { ...archive, roots };
}
