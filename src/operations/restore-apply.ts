/**
 * Carrying out what was planned to be restored, one item after the other. A failure is a result: the others are still to be restored.
 */
import { fromText, joinPath, parentOf, type BytePath } from '../byte-path.ts';
import { RootsError, messageOf } from '../errors.ts';
import type { Place } from '../system/beneath.ts';
import type { Missing } from '../system/copy-tree.ts';
import { isUnchanged, readEntry } from '../system/entry.ts';
import { LinkedCopies, markOf } from '../system/linked-copies.ts';
import { recreateMissingParents, restoreTimes, type MadeParent } from '../system/recreate-parents.ts';
import { copyInto } from '../system/staged-copy.ts';
import { sweepStaging } from '../system/staging.ts';
import type { Context } from './context.ts';
import { FilesToReplace } from './files-to-replace.ts';
import type { ResolvedRoot } from './resolve-root.ts';
import { destinationPlace, sourcePlace } from './restore-places.ts';
import type { RestoreStep } from './restore-step.ts';

export interface RestoreItem extends RestoreStep {
  readonly from: ResolvedRoot;
  /** Where that can be read. */
  readonly root: BytePath;
}

export interface ApplyOptions {
  /** It goes back to where it was, so directories on the way that are gone are made again as they were. */
  readonly inPlace: boolean;
  /** What is replaced is kept beside it under its name with this suffix; `''` for a number. Null: it is not kept. */
  readonly backup: string | null;
}

export interface Restored {
  readonly item: RestoreItem;
  readonly result: 'restored' | 'same' | 'refused' | 'failed';
  /** Why it was refused or failed, for people. */
  readonly error: string | null;
  /** Attributes that the destination could not take on, for people. */
  readonly lost: readonly string[];
  /** What of a directory did not come back. */
  readonly missing: readonly Missing[];
  /** Where the former file is now. */
  readonly backup: BytePath | null;
}

export class Applying {
  readonly #context: Context;
  readonly #options: ApplyOptions;
  readonly #links = new LinkedCopies();
  readonly #parents: MadeParent[] = [];
  readonly #before = new FilesToReplace();

  constructor(context: Context, options: ApplyOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Errors: `interrupted`; then this item has not been restored. */
  async apply(item: RestoreItem): Promise<Restored> {
    const result = { item, lost: [], missing: [], error: null, backup: null };
    if (item.action === 'refuse') return { ...result, result: 'refused', error: item.why };
    if (item.action === 'same') return { ...result, result: 'same' };
    try {
      const ofParents = await this.#makeParents(item);
      const copied = await this.#copy(item);
      return { ...result, result: 'restored', ...copied, lost: [...ofParents, ...copied.lost] };
    } catch (error) {
      if (error instanceof RootsError && error.kind === 'interrupted') throw error;
      return { ...result, result: 'failed', error: messageOf(error) };
    }
  }

  /** What was made to hold the others gets its times when nothing more is put into it. */
  async finish(): Promise<void> {
    await restoreTimes(this.#context.run, this.#parents);
  }

  async #makeParents({ root, source, destination }: RestoreItem): Promise<readonly string[]> {
    if (!this.#options.inPlace) return [];
    const { made, lost } = await recreateMissingParents(this.#context.run, root, source, destination);
    this.#parents.push(...made);
    return lost;
  }

  async #copy(item: RestoreItem): Promise<Pick<Restored, 'lost' | 'missing' | 'backup'>> {
    return between(item, async (from, to) => {
      await sweepStaging(this.#context.run, to.directory);
      const expected = this.#before.of(item);
      const backup = expected === null || this.#options.backup === null ? null : freeBackupName(to, fromText(this.#options.backup));
      const replacing = expected === null ? { replace: false } : { replace: true, expected, ...(backup === null ? {} : { backup }) };
      const report = await copyInto(this.#context.run, from, to, {
        signal: this.#context.signal,
        ...replacing,
        links: { copies: this.#links, at: item.destination },
      });
      this.#before.replaced(item);
      return { ...report, backup: backup === null ? null : joinPath(parentOf(item.destination), backup) };
    });
  }

  /** What is there already may be another name of what is to come, or of what is to go. Before the first `apply`. */
  async learn(items: readonly RestoreItem[]): Promise<void> {
    for (const item of items.filter(({ action }) => action === 'replace')) this.#before.add(item);
    for (const item of items.filter(({ action, type }) => action === 'same' && type === 'file')) {
      try {
        await between(item, (from, to) => {
          const [mark, now] = [markOf(to.path), readEntry(to.path)];
          if (item.before !== null && now !== null && isUnchanged(item.before, now)) this.#links.add(from.path, mark, item.destination);
          return Promise.resolve();
        });
      } catch {
        // What has changed since the plan is no name of it any more.
      }
    }
  }
}

/** Both held open for as long as it takes. */
async function between<T>(item: RestoreItem, use: (from: Place, to: Place) => Promise<T>): Promise<T> {
  const from = sourcePlace(item.root, item.source);
  try {
    const to = destinationPlace(item.destination);
    try {
      return await use(from, to);
    } finally {
      to.directory.close();
    }
  } finally {
    from.directory.close();
  }
}

/** As cp(1) names it, but that an older backup is never lost: where the suffix is taken there is a number after it. */
function freeBackupName(place: Place, suffix: BytePath): BytePath {
  const plain = `${place.name}${suffix}` as BytePath;
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? plain : (`${plain}.~${String(number)}~` as BytePath);
    if (readEntry(joinPath(place.directory.path, name)) === null) return name;
  }
}
