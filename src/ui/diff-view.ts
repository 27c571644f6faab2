/**
 * `roots diff` for people: a line for each change, as it comes, and a count at the end.
 */
import { isWithin, printable, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import { COLOURS, SIGNS, SummaryView, type ChangeView, type Hidden } from './diff-summary.ts';
import { formatBytes, formatCount } from './format.ts';
import type { Screen } from './terminal.ts';

/** A directory that is wholly new or gone, and what has been seen of it. */
interface Whole {
  readonly change: Change;
  entries: number;
  bytes: number;
}

export class DiffView implements ChangeView {
  readonly #screen: Screen;
  readonly #write: (line: string) => void;
  readonly #recursive: boolean;
  readonly #summary: SummaryView;
  #whole: Whole | undefined;

  constructor(screen: Screen, options: { readonly recursive: boolean; readonly write: (line: string) => void }) {
    this.#screen = screen;
    this.#recursive = options.recursive;
    this.#write = options.write;
    this.#summary = new SummaryView(screen);
  }

  /** Changes come in the order of their paths, so all of a directory comes right after it. */
  add(change: Change): void {
    this.#summary.add(change);
    if (this.#whole !== undefined && this.#isPartOf(this.#whole.change, change)) {
      this.#whole.entries += 1;
      this.#whole.bytes += change.size ?? 0;
      return;
    }
    this.#endWhole();
    const isWhole = !this.#recursive && (change.kind === 'added' || change.kind === 'removed') && isDirectory(change);
    if (isWhole) this.#whole = { change, entries: 0, bytes: 0 };
    else this.#write(this.#line(change, details(change)));
  }

  end(hidden: Hidden): string {
    this.#endWhole();
    return this.#summary.end(hidden);
  }

  #isPartOf(whole: Change, change: Change): boolean {
    return change.kind === whole.kind && isWithin(change.path, whole.path);
  }

  #endWhole(): void {
    if (this.#whole === undefined) return;
    const { change, entries, bytes } = this.#whole;
    this.#whole = undefined;
    const inside = entries === 0 ? 'empty' : `${formatCount(entries, 'entry', 'entries')}${bytes > 0 ? `, ${formatBytes(bytes)}` : ''}`;
    this.#write(this.#line(change, change.type === 'subvolume' ? `subvolume, ${inside}` : inside));
  }

  #line(change: Change, detail: string): string {
    const from = change.from === undefined ? '' : `${shown(change.from, change)} → `;
    const path = `${SIGNS[change.kind]} ${from}${shown(change.path, change)}`;
    return `${this.#screen.style(COLOURS[change.kind], path)}${detail === '' ? '' : this.#screen.style('dim', `  ${detail}`)}`;
  }
}

function isDirectory({ type }: Change): boolean {
  return type === 'directory' || type === 'subvolume';
}

function shown(path: BytePath, change: Change): string {
  return `/${printable(path)}${isDirectory(change) ? '/' : ''}`;
}

function details({ kind, type, what, size }: Change): string {
  if (kind === 'modified' || kind === 'renamed') return what.join(', ');
  if (type !== 'file') return isDirectory({ type } as Change) ? '' : type;
  return size === undefined ? '' : formatBytes(size);
}
