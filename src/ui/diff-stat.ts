/** `roots diff --stat`: a bar for each directory, the longest first. */
import { printable, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import { COLOURS, KINDS, SIGNS, SummaryView, type ChangeView, type Hidden } from './diff-summary.ts';
import { formatNumber } from './format.ts';
import { shorten, type Screen } from './terminal.ts';

/** Directories further down count for the one above: `/home/alice` says whose it is, more says little. */
const DEPTH = 2;
const LONGEST_BAR = 40;
const LONGEST_PATH = 40;

type Counts = Record<Change['kind'], number>;

export class StatView implements ChangeView {
  readonly #screen: Screen;
  readonly #write: (line: string) => void;
  readonly #summary: SummaryView;
  readonly #directories = new Map<BytePath, Counts>();

  constructor(screen: Screen, write: (line: string) => void) {
    this.#screen = screen;
    this.#write = write;
    this.#summary = new SummaryView(screen);
  }

  add(change: Change): void {
    this.#summary.add(change);
    const directory = change.path.split('/').slice(0, -1).slice(0, DEPTH).join('/') as BytePath;
    const counts = this.#directories.get(directory) ?? { added: 0, removed: 0, modified: 0, renamed: 0 };
    counts[change.kind] += 1;
    this.#directories.set(directory, counts);
  }

  end(hidden: Hidden): string {
    const rows = [...this.#directories]
      .map(([directory, counts]) => ({ path: `/${printable(directory)}${directory === '' ? '' : '/'}`, counts, total: totalOf(counts) }))
      .sort((a, b) => b.total - a.total || (a.path < b.path ? -1 : 1));
    const most = rows[0]?.total ?? 0;
    const [pathWidth, numberWidth] = [
      Math.min(Math.max(...rows.map(({ path }) => path.length), 0), LONGEST_PATH),
      formatNumber(most).length,
    ];
    const room = Math.max(Math.min(this.#screen.width - pathWidth - numberWidth - 4, LONGEST_BAR), 8);
    for (const { path, counts, total } of rows) {
      const name = shorten(path, pathWidth).padEnd(pathWidth);
      this.#write(`${name}  ${formatNumber(total).padStart(numberWidth)}  ${this.#bar(counts, Math.min(room / most, 1))}`);
    }
    return `${rows.length === 0 ? '' : '\n'}${this.#summary.end(hidden)}`;
  }

  /** What there is at all has a sign at least. */
  #bar(counts: Counts, scale: number): string {
    return KINDS.filter((kind) => counts[kind] > 0)
      .map((kind) => this.#screen.style(COLOURS[kind], SIGNS[kind].repeat(Math.max(Math.round(counts[kind] * scale), 1))))
      .join('');
  }
}

function totalOf(counts: Counts): number {
  return KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}
