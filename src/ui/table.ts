/**
 * Tables without lines, no wider than the screen: the last column is wrapped.
 */
import Table from 'cli-table3';
import { widthOf, type Screen } from './terminal.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const GAP = 2;
const NO_LINES = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
);

/** Cells may be styled. Columns in which no row has anything are left out. */
export function renderTable(screen: Screen, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const used = columns.map((column, at) => ({ ...column, at })).filter(({ at }) => rows.some((row) => (row[at] ?? '') !== ''));
  const widths = used.map(({ title, at }) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[at] ?? ''))) + GAP);
  const table = new Table({
    head: used.map(({ title }) => screen.style('dim', title)),
    colAligns: used.map(({ align }) => align ?? 'left'),
    // Only where something must be wrapped: measuring and cutting every cell costs more than all the rest of `ls`.
    ...(widths.reduce((sum, width) => sum + width, -GAP) > screen.width
      ? { colWidths: [...widths.slice(0, -1), lastWidth(screen, widths)], wordWrap: true }
      : {}),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
  });
  table.push(...rows.map((row) => used.map(({ at }) => row[at] ?? '')));
  return table.toString().replace(/[ \t]+$/gm, '');
}

/** What the others leave; on a screen too narrow for all of them, a little all the same. */
function lastWidth(screen: Screen, widths: readonly number[]): number {
  const others = widths.slice(0, -1).reduce((sum, width) => sum + width, 0);
  return Math.max(Math.min(widths.at(-1) ?? 0, screen.width + GAP - others), 16);
}
