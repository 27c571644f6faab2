/**
 * `roots pin` and `roots unpin`.
 */
import { RootsError } from '../errors.ts';
import type { Context } from './context.ts';
import type { JudgedRoot } from './judge.ts';
import { resolveRoot } from './resolve-root.ts';
import { withTargets } from './targets.ts';

export interface PinResult {
  readonly judged: JudgedRoot;
  /** False if it was so already. */
  readonly changed: boolean;
}

/** Pins one old root, or with `note` null takes its pin away. Errors: `not-found`, `usage`, `locked`. */
export async function setPin(context: Context, ref: string, note: string | null): Promise<PinResult> {
  return withTargets(context, { access: 'write' }, async (targets) => {
    const resolved = await resolveRoot(context, targets, ref);
    const lock = await resolved.target.backend.lock('exclusive');
    try {
      // Read again under the lock: what was resolved may have gone meanwhile.
      const { target, judged, label } = await resolveRoot(context, [resolved.target], ref);
      if (judged === null)
        throw new RootsError('usage', `${label} is no old root`, {
          hint: 'only old roots can be pinned; what is not understood is never removed anyway',
        });
      const before = judged.root.pin;
      if (note === null ? before === null : before?.note === note) return { judged, changed: false };
      await target.backend.setPin(judged.root, note === null ? null : { note, at: context.now });
      return { judged, changed: true };
    } finally {
      await lock.release();
    }
  });
}
