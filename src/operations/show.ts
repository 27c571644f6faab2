/**
 * `roots show`: all that is known of one tree.
 */
import type { Size } from '../backend/backend.ts';
import { RootsError } from '../errors.ts';
import type { Context } from './context.ts';
import type { JudgedRoot } from './judge.ts';
import { UNKNOWN_SIZE } from './list.ts';
import { resolveRoot } from './resolve-root.ts';
import { withTargets, type Target } from './targets.ts';

export interface ShownRoot {
  readonly target: Target;
  readonly judged: JudgedRoot;
  readonly number: number;
  readonly size: Size;
}

/** Errors: `not-found`; `usage` for `live`, `blank` and what is no old root. */
export async function showRoot(context: Context, ref: string, options: { readonly measure: boolean }): Promise<ShownRoot> {
  return withTargets(context, { access: 'read' }, async (targets) => {
    const { target, judged, number, label } = await resolveRoot(context, targets, ref);
    if (judged === null || number === null)
      throw new RootsError('usage', `${label} is no old root`, { hint: '`roots ls` lists the old roots' });
    const sizes = options.measure ? await target.backend.measure([judged.root]) : target.backend.knownSizes([judged.root]);
    return { target, judged, number, size: sizes.get(judged.root.id) ?? UNKNOWN_SIZE };
  });
}
