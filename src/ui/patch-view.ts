/** `roots diff --patch` for people: each change in the order of the paths, and what is in it. */
import type { Change } from '../diff/change.ts';
import type { Contents } from '../diff/unified.ts';
import { ChangeLines } from './diff-lines.ts';
import { SummaryView, type Hidden } from './diff-summary.ts';
import { formatPatch } from './patch.ts';
import type { Screen } from './terminal.ts';

export class PatchView {
  readonly #screen: Screen;
  readonly #write: (text: Buffer) => void;
  readonly #raw: boolean;
  readonly #summary: SummaryView;
  readonly #lines: ChangeLines;

  /** `raw`: nobody reads it on a terminal. */
  constructor(screen: Screen, { raw, write }: { readonly raw: boolean; readonly write: (text: Buffer) => void }) {
    this.#screen = screen;
    this.#write = write;
    this.#raw = raw;
    this.#summary = new SummaryView(screen);
    this.#lines = new ChangeLines({
      recursive: true,
      take: (line) => write(Buffer.from(`${this.#lines.format(screen, line)}\n`)),
    });
  }

  /** `contents`: null if nothing in it has changed. */
  async add(change: Change, contents: Contents | null): Promise<void> {
    this.#summary.add(change);
    this.#lines.add(change);
    if (contents !== null) this.#write(await formatPatch(change, contents, this.#screen, this.#raw));
  }

  end(hidden: Hidden): string {
    return this.#summary.end(hidden);
  }
}
