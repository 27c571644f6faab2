/**
 * A place in the listing of one directory. Looking at it and stepping on are plain calls, since a promise for every entry would cost
 * more than the entry; only `fill` waits.
 */
import type { Directory, Listed } from './tree.ts';

export class Cursor {
  readonly directory: Directory;
  readonly #chunks: AsyncIterator<readonly Listed[]>;
  #chunk: readonly Listed[] = [];
  #at = 0;
  #done = false;

  constructor(directory: Directory) {
    this.directory = directory;
    this.#chunks = directory.list()[Symbol.asyncIterator]();
  }

  /** Nothing is at hand, and `fill` may get more. */
  get empty(): boolean {
    return this.#at >= this.#chunk.length && !this.#done;
  }

  /** Null at the end. */
  get head(): Listed | null {
    return this.#chunk[this.#at] ?? null;
  }

  advance(): void {
    this.#at += 1;
  }

  /** Errors: `Unreadable`. */
  async fill(): Promise<void> {
    while (this.empty) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#done = true;
      else this.#chunk = next.value;
      this.#at = 0;
      if (this.#done) this.#chunk = [];
    }
  }
}
