/**
 * Which paths of two trees may differ. All others are known to be equal, so that a comparison need not look at them.
 */
import type { BytePath } from '../byte-path.ts';

export interface Candidates {
  /** What is below it may differ as well, all of it. */
  readonly whole: boolean;
  /** By name; what is not there is equal in both trees. Means nothing where `whole` is set. */
  readonly below: ReadonlyMap<BytePath, Candidates>;
}

/** No path. */
export const NOTHING: Candidates = { whole: false, below: new Map() };

interface Growing extends Candidates {
  whole: boolean;
  readonly below: Map<BytePath, Growing>;
}

export class CandidateSet {
  readonly #root: Growing;

  /** `known`: what is in it from the beginning. */
  constructor(known: Candidates = NOTHING) {
    this.#root = growing(known);
  }

  get root(): Candidates {
    return this.#root;
  }

  /** `whole`: with all that is below it. */
  add(path: BytePath, whole: boolean): void {
    let at = this.#root;
    for (const name of path.split('/').filter((each) => each !== '') as BytePath[]) {
      if (at.whole) return;
      const next = at.below.get(name) ?? { whole: false, below: new Map<BytePath, Growing>() };
      at.below.set(name, next);
      at = next;
    }
    if (!whole) return;
    at.whole = true;
    at.below.clear();
  }
}

function growing({ whole, below }: Candidates): Growing {
  return { whole, below: new Map([...below].map(([name, each]) => [name, growing(each)])) };
}
