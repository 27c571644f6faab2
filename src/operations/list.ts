/**
 * `roots ls`: the old roots of all targets.
 */
import type { Size } from '../backend/backend.ts';
import type { Context } from './context.ts';
import { judgeArchive, type JudgedArchive, type JudgedRoot } from './judge.ts';
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
  return withTargets(context, { access: 'read', only: options.target }, async (targets, aside) => {
    const archives: ListedArchive[] = [];
    for (const target of targets) {
      const judged = await judgeArchive(context, target);
      const trees = judged.roots.map(({ root }) => root);
      const sizes = options.measure ? await target.backend.measure(trees) : target.backend.knownSizes(trees);
      const roots = judged.roots.map((each, at) => ({ ...each, number: at + 1, size: sizes.get(each.root.id) ?? UNKNOWN_SIZE }));
      archives.push({ ...judged, roots });
    }
    return { archives, ...aside };
  });
}
