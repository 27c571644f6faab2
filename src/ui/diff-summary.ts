/** How many changes there were, shown and hidden. */
import type { Change } from '../diff/change.ts';
import type { HiddenFor } from '../diff/hide.ts';
import { formatCount, formatNumber } from './format.ts';
import type { Screen } from './terminal.ts';

/** What is made of the changes for people, as they come in the order of their paths. */
export interface ChangeView {
  add(change: Change): void;
  /** The last lines. */
  end(hidden: Hidden): string;
}

export type Hidden = Readonly<Record<HiddenFor, number>>;

export const KINDS = ['added', 'removed', 'modified', 'renamed'] as const;
export const COLOURS = { added: 'green', removed: 'red', modified: 'yellow', renamed: 'cyan' } as const;
export const SIGNS = { added: '+', removed: '-', modified: '~', renamed: '>' } as const;

const HIDDEN: readonly (readonly [why: HiddenFor, one: string, many: string])[] = [
  ['store', 'link that is made anew', 'links that are made anew'],
  ['mounted', 'mount point', 'mount points'],
  ['persisted', 'persisted', 'persisted'],
  ['ignored', 'ignored', 'ignored'],
];

/** Nothing but the numbers. */
export class SummaryView implements ChangeView {
  readonly #screen: Screen;
  readonly #counts = { added: 0, removed: 0, modified: 0, renamed: 0 };

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  add({ kind }: Pick<Change, 'kind'>): void {
    this.#counts[kind] += 1;
  }

  end(hidden: Hidden): string {
    const parts = KINDS.filter((kind) => this.#counts[kind] > 0).map((kind) => `${formatNumber(this.#counts[kind])} ${kind}`);
    const shown = parts.length === 0 ? 'No differences.' : `${parts.join(', ')}.`;
    const reasons = HIDDEN.filter(([why]) => hidden[why] > 0).map(([why, one, many]) => formatCount(hidden[why], one, many));
    return reasons.length === 0 ? shown : `${shown}\n${this.#screen.style('dim', `Hidden: ${reasons.join(', ')}. --all shows them.`)}`;
  }
}
