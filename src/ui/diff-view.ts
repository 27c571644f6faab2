/**
 * `roots diff` for people: by place, what would be missed most first.
 */
import { isWithin, parentOf, printable, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import { ChangeLines, isDirectory, type ChangeLine } from './diff-lines.ts';
import { KINDS, SummaryView, type ChangeView, type Hidden } from './diff-summary.ts';
import { formatBytes, formatNumber } from './format.ts';
import { placeOf, rankOf, type Rank } from './surprise.ts';
import type { Screen } from './terminal.ts';

/** More lines of one place than these say no more to anybody; `--recursive` has all. */
const MOST_LINES = 20;

interface RankedLine extends ChangeLine {
  readonly rank: Rank;
}

interface Place {
  readonly path: BytePath;
  /** Of the directory itself, if it is new or gone. */
  own: Change | null;
  readonly lines: RankedLine[];
}

export class DiffView implements ChangeView {
  readonly #screen: Screen;
  readonly #write: (line: string) => void;
  readonly #recursive: boolean;
  readonly #summary: SummaryView;
  readonly #lines: ChangeLines;
  readonly #places = new Map<BytePath, Place>();

  constructor(screen: Screen, options: { readonly recursive: boolean; readonly write: (line: string) => void }) {
    this.#screen = screen;
    this.#recursive = options.recursive;
    this.#write = options.write;
    this.#summary = new SummaryView(screen);
    this.#lines = new ChangeLines({ ...options, take: (line) => this.#take(line) });
  }

  add(change: Change): void {
    this.#summary.add(change);
    this.#lines.add(change);
  }

  end(hidden: Hidden): string {
    this.#lines.end();
    for (const place of [...this.#places.values()]) if (place.lines.length === 0) this.#dissolve(place);
    const places = [...this.#places.values()].filter(({ lines }) => lines.length > 0);
    for (const place of places.sort(bySurprise)) this.#writePlace(place);
    return this.#summary.end(hidden);
  }

  #take(line: ChangeLine): void {
    const { change } = line;
    const path = placeOf(change.path, isDirectory(change));
    const place = this.#placeAt(path);
    const isWhole = change.kind === 'added' || change.kind === 'removed';
    if (path === change.path && isWhole && !this.#recursive) place.own = change;
    else place.lines.push({ ...line, rank: rankOf(change.path) });
  }

  #placeAt(path: BytePath): Place {
    const place = this.#places.get(path) ?? { path, own: null, lines: [] };
    this.#places.set(path, place);
    return place;
  }

  /** What is not more than its directory is a line of what that is in, unless something in it has a place of its own. */
  #dissolve({ path, own }: Place): void {
    if (own === null || [...this.#places.keys()].some((other) => other !== path && isWithin(other, path))) return;
    this.#placeAt(parentOf(path)).lines.push({ change: own, entries: 0, bytes: 0, rank: rankOf(path) });
  }

  #writePlace({ path, own, lines }: Place): void {
    const detail = [
      ...(own === null ? [] : [own.kind === 'added' ? 'new' : 'gone']),
      ...KINDS.flatMap((kind) => {
        const count = lines.reduce((sum, { change, entries }) => sum + (change.kind === kind ? entries + 1 : 0), 0);
        return count === 0 ? [] : [`${formatNumber(count)} ${kind}`];
      }),
      ...(bytesOf(lines) > 0 ? [formatBytes(bytesOf(lines))] : []),
    ].join(', ');
    this.#write(`${this.#screen.style('bold', path === '' ? '/' : `/${printable(path)}/`)}${this.#screen.style('dim', `  ${detail}`)}`);
    // Of what matters as much the largest comes first; one by one they are in the order of their paths.
    const sorted = this.#recursive ? lines : lines.toSorted((a, b) => a.rank - b.rank || b.bytes - a.bytes);
    // One more would take as much room as to say that there is one.
    const shown = this.#recursive || sorted.length <= MOST_LINES + 1 ? sorted : sorted.slice(0, MOST_LINES);
    for (const line of shown) this.#write(`  ${this.#lines.format(this.#screen, line)}`);
    const more = sorted.length - shown.length;
    if (more > 0) this.#write(this.#screen.style('dim', `  … and ${formatNumber(more)} more, which --recursive shows`));
    this.#write('');
  }
}

function bySurprise(a: Place, b: Place): number {
  const least = ({ lines }: Place): Rank => lines.reduce<Rank>((rank, line) => (line.rank < rank ? line.rank : rank), 3);
  return least(a) - least(b) || bytesOf(b.lines) - bytesOf(a.lines) || (a.path < b.path ? -1 : 1);
}

function bytesOf(lines: readonly ChangeLine[]): number {
  return lines.reduce((sum, { bytes }) => sum + bytes, 0);
}
