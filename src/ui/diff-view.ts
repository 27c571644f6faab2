/**
 * `roots diff` for people: a line for each change, as it comes, and a count at the end.
 */
import { isWithin, printable, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import type { HiddenFor } from '../diff/hide.ts';
import { formatBytes, formatCount, formatNumber } from './format.ts';
import type { Screen } from './terminal.ts';

const SIGNS = { added: '+', removed: '-', modified: '~', renamed: '>' } as const;
const COLOURS = { added: 'green', removed: 'red', modified: 'yellow', renamed: 'cyan' } as const;

const HIDDEN: readonly (readonly [why: HiddenFor, one: string, many: string])[] = [
  ['store', 'link that is made anew', 'links that are made anew'],
  ['mounted', 'mount point', 'mount points'],
  ['persisted', 'persisted', 'persisted'],
  ['ignored', 'ignored', 'ignored'],
];

/** A directory that is wholly new or gone, and what has been seen of it. */
interface Whole {
  readonly change: Change;
  entries: number;
  bytes: number;
}

export class DiffView {
  readonly #screen: Screen;
  readonly #write: (line: string) => void;
  readonly #recursive: boolean;
  readonly #counts = { added: 0, removed: 0, modified: 0, renamed: 0 };
  #whole: Whole | undefined;

  constructor(screen: Screen, options: { readonly recursive: boolean; readonly write: (line: string) => void }) {
    this.#screen = screen;
    this.#recursive = options.recursive;
    this.#write = options.write;
  }

  /** Changes come in the order of their paths, so all of a directory comes right after it. */
  add(change: Change): void {
    this.#counts[change.kind] += 1;
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

  /** The lines that sum up. */
  end(hidden: Readonly<Record<HiddenFor, number>>): string {
    this.#endWhole();
    const parts = (['added', 'removed', 'modified', 'renamed'] as const)
      .filter((kind) => this.#counts[kind] > 0)
      .map((kind) => `${formatNumber(this.#counts[kind])} ${kind}`);
    const shown = parts.length === 0 ? 'No differences.' : `${parts.join(', ')}.`;
    const reasons = HIDDEN.filter(([why]) => hidden[why] > 0).map(([why, one, many]) => formatCount(hidden[why], one, many));
    return reasons.length === 0 ? shown : `${shown}\n${this.#screen.style('dim', `Hidden: ${reasons.join(', ')}. --all shows them.`)}`;
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
