/** Changes as lines for people: one for each, and one for all that is in a directory that is wholly new or gone, if that is no whole place (surprise.ts). */
import { isWithin, printable, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import { COLOURS, SIGNS } from './diff-summary.ts';
import { formatBytes, formatCount } from './format.ts';
import { isPlace } from './surprise.ts';
import type { Screen } from './terminal.ts';

export interface ChangeLine {
  readonly change: Change;
  /** What is in it, itself not counted. */
  entries: number;
  /** Of itself or all that is in it. */
  bytes: number;
}

/** Changes come in the order of their paths, so all of a directory comes right after it. */
export class ChangeLines {
  readonly #recursive: boolean;
  readonly #take: (line: ChangeLine) => void;
  #whole: ChangeLine | undefined;

  /** `recursive`: a line for each change. `take` is told of each line when all of it is known. */
  constructor({ recursive, take }: { readonly recursive: boolean; readonly take: (line: ChangeLine) => void }) {
    this.#recursive = recursive;
    this.#take = take;
  }

  add(change: Change): void {
    if (this.#whole !== undefined && change.kind === this.#whole.change.kind && isWithin(change.path, this.#whole.change.path)) {
      this.#whole.entries += 1;
      this.#whole.bytes += change.size ?? 0;
      return;
    }
    const isMovedInto = change.kind === 'renamed' && this.#whole !== undefined && isWithin(change.path, this.#whole.change.path);
    if (!isMovedInto) this.end();
    const line = { change, entries: 0, bytes: change.size ?? 0 };
    const isWhole = (change.kind === 'added' || change.kind === 'removed') && isDirectory(change) && !isPlace(change.path);
    if (isWhole && !this.#recursive) this.#whole = line;
    else this.#take(line);
  }

  end(): void {
    if (this.#whole !== undefined) this.#take(this.#whole);
    this.#whole = undefined;
  }

  /** Without a line break. `name`: what it is called, if not by its path. */
  format(screen: Screen, line: ChangeLine, name?: string): string {
    const { change } = line;
    const from = change.from === undefined ? '' : `${shown(change.from, change)} → `;
    const detail = this.#detailOf(line);
    const text = `${SIGNS[change.kind]} ${from}${name ?? shown(change.path, change)}`;
    return `${screen.style(COLOURS[change.kind], text)}${detail === '' ? '' : screen.style('dim', `  ${detail}`)}`;
  }

  #detailOf({ change, entries, bytes }: ChangeLine): string {
    const { kind, type, what, size } = change;
    if (kind === 'modified' || kind === 'renamed') return what.join(', ');
    if (type === 'file') return size === undefined ? '' : formatBytes(size);
    if (!isDirectory({ type })) return type;
    const subvolume = type === 'subvolume' ? ['subvolume'] : [];
    if (this.#recursive || (isPlace(change.path) && entries === 0)) return subvolume.join('');
    const inside = entries === 0 ? 'empty' : formatCount(entries, 'entry', 'entries');
    return [...subvolume, inside, ...(bytes > 0 ? [formatBytes(bytes)] : [])].join(', ');
  }
}

export function isDirectory({ type }: Pick<Change, 'type'>): boolean {
  return type === 'directory' || type === 'subvolume';
}

function shown(path: BytePath, change: Change): string {
  return `/${printable(path)}${isDirectory(change) ? '/' : ''}`;
}
