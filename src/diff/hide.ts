/**
 * What of the differences says nothing to a person: what the system makes anew at each boot, and what is kept elsewhere anyway. A directory that is new or gone and holds
 * only such is hidden with it.
 */
import { isWithin, type BytePath } from '../byte-path.ts';
import type { Change } from './change.ts';

export type HiddenFor = 'store' | 'mounted' | 'persisted' | 'ignored';

/** Paths are relative to the trees. */
export interface HidingRules {
  /** Where a symbolic link leads; null if that cannot be told. */
  readonly targetOf: (change: Change) => BytePath | null;
  /** Where something is mounted on the live system, in the place of the tree. */
  readonly mountPoints: ReadonlySet<BytePath>;
  /** What is kept elsewhere, with all that is in it. */
  readonly persisted: readonly BytePath[];
  readonly isIgnored: (path: BytePath, isDirectory: boolean) => boolean;
}

/** Where the links of a system lead that are made anew from its configuration. */
const MADE_ANEW = ['/nix/store/', '/etc/static/', '/run/current-system/'];
const MADE_ANEW_ITSELF = ['/etc/static'];

interface Waiting {
  readonly change: Change;
  /** Something in it was hidden. */
  holds: boolean;
}

export class Hiding {
  /** How many changes, by why. */
  readonly counts: Record<HiddenFor, number> = { store: 0, mounted: 0, persisted: 0, ignored: 0 };
  readonly #rules: HidingRules;
  readonly #show: (change: Change) => void;
  /** Directories that are new or gone, each in the one before it, of which nothing has been shown yet. */
  readonly #waiting: Waiting[] = [];
  /** Why the last one was hidden: its directory goes with it. */
  #last: HiddenFor = 'ignored';

  constructor(rules: HidingRules, show: (change: Change) => void) {
    this.#rules = rules;
    this.#show = show;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Changes come in the order of their paths, a directory before what is in it. */
  add(change: Change): void {
    this.#leave(change.path);
    const why = whyHidden(this.#rules, change);
    if (why !== null) {
      this.#hide(why);
      return;
    }
    // Of a renamed one what is in it is not told, unless that has changed too.
    if (isDirectory(change) && (change.kind === 'added' || change.kind === 'removed')) this.#waiting.push({ change, holds: false });
    else {
      this.#showWaiting();
      this.#show(change);
    }
  }

  end(): void {
    this.#leave(null);
  }

  /** Ends the directories that this path is not in. */
  #leave(path: BytePath | null): void {
    for (let last = this.#waiting.at(-1); last !== undefined; last = this.#waiting.at(-1)) {
      if (path !== null && isWithin(path, last.change.path)) return;
      if (!last.holds) {
        this.#showWaiting();
        return;
      }
      this.#waiting.pop();
      this.#hide(this.#last);
    }
  }

  #hide(why: HiddenFor): void {
    this.counts[why] += 1;
    this.#last = why;
    const around = this.#waiting.at(-1);
    if (around !== undefined) around.holds = true;
  }

  #showWaiting(): void {
    for (const { change } of this.#waiting.splice(0)) this.#show(change);
  }
}

/** Null: it is not, unless it is a directory that holds nothing else. */
export function whyHidden({ mountPoints, persisted, isIgnored, targetOf }: HidingRules, change: Change): HiddenFor | null {
  const { path } = change;
  if (mountPoints.has(path)) return 'mounted';
  if (persisted.some((each) => isWithin(path, each))) return 'persisted';
  if (isIgnored(path, isDirectory(change))) return 'ignored';
  // A link in the place of a file or directory has cost that.
  if (change.type !== 'symlink' || change.what.includes('type')) return null;
  const target = targetOf(change);
  const isMadeAnew = target !== null && (MADE_ANEW.some((each) => target.startsWith(each)) || MADE_ANEW_ITSELF.includes(target));
  return isMadeAnew ? 'store' : null;
}

function isDirectory({ type }: Change): boolean {
  return type === 'directory' || type === 'subvolume';
}
