/**
 * Whether files have the same extended attributes, ACLs and capabilities among them. What is asked in one turn of the event loop is read by one program: one for each file would
 * take milliseconds.
 */
import type { BytePath } from '../byte-path.ts';
import { compareXattrs } from '../diff/compare.ts';
import { RootsError } from '../errors.ts';
import type { Run } from '../system/run.ts';
import { readXattrs } from '../system/xattrs.ts';

export class XattrComparison {
  readonly #run: Run;
  #asked: { readonly a: BytePath; readonly b: BytePath }[] = [];
  #answers: Promise<readonly boolean[]> | undefined;

  constructor(run: Run) {
    this.#run = run;
  }

  /** No path may be asked for twice in a turn. Where attributes cannot be read at all, what else was compared must do. Errors: as `readXattrs`. */
  async areSame(a: BytePath, b: BytePath): Promise<boolean> {
    const at = this.#asked.push({ a, b }) - 1;
    this.#answers ??= Promise.resolve().then(() => this.#read());
    return (await this.#answers)[at] === true;
  }

  async #read(): Promise<readonly boolean[]> {
    const pairs = this.#asked;
    [this.#asked, this.#answers] = [[], undefined];
    try {
      const all = await readXattrs(this.#run, [...pairs.map(({ a }) => a), ...pairs.map(({ b }) => b)]);
      return pairs.map((_, at) => {
        const [ofA, ofB] = [all[at], all[pairs.length + at]];
        return ofA instanceof Map && ofB instanceof Map && compareXattrs(ofA, ofB).length === 0;
      });
    } catch (error) {
      if (error instanceof RootsError && error.kind === 'unsupported') return pairs.map(() => true);
      throw error;
    }
  }
}
