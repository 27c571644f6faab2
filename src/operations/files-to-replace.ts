/**
 * What files were that are to be replaced. Where several of their names are, replacing one changes what is known of the others: its time of change.
 */
import type { BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { isUnchanged, type Entry } from '../system/entry.ts';
import { existingAt } from './restore-places.ts';
import type { RestoreStep } from './restore-step.ts';

export class FilesToReplace {
  readonly #names = new Map<string, Map<RestoreStep, Entry>>();

  /** Before any is replaced. */
  add(item: RestoreStep): void {
    const key = keyOf(item);
    if (key === null || item.before === null) return;
    this.#names.set(key, (this.#names.get(key) ?? new Map<RestoreStep, Entry>()).set(item, item.before));
  }

  /** What must still be there when it is replaced; null if it is not to be replaced. */
  of(item: RestoreStep): Entry | null {
    const key = keyOf(item);
    return (key === null ? undefined : this.#names.get(key)?.get(item)) ?? item.before;
  }

  /** What was written to it meanwhile shows in its size and its time of modification. */
  replaced(item: RestoreStep): void {
    const names = this.#names.get(keyOf(item) ?? '');
    names?.delete(item);
    for (const [other, before] of names ?? []) {
      const now = entryAt(other.destination);
      if (now !== null && isUnchanged({ ...before, ctimeNs: now.ctimeNs }, now)) names?.set(other, now);
    }
  }
}

function keyOf({ before }: RestoreStep): string | null {
  return before === null ? null : `${String(before.dev)} ${String(before.ino)}`;
}

/** Null too if it cannot be seen: then it is not what it was. */
function entryAt(path: BytePath): Entry | null {
  try {
    return existingAt(path);
  } catch (error) {
    if (error instanceof RootsError) return null;
    throw error;
  }
}
