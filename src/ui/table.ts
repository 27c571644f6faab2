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
  const cells = [used.map(({ title }) => screen.style('dim', title)), ...rows.map((row) => used.map(({ at }) => row[at] ?? ''))];
  const widths = used.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ''))));
  const fits = widths.reduce((sum, width) => sum + width + GAP, -GAP) <= screen.width;
  const text = fits && cells.flat().every(isNarrow) ? joinCells(used, widths, cells) : wrapCells(screen, used, widths, cells);
  return text.replace(/[ \t]+$/gm, '');
}

/** Where nothing is to be wrapped: cli-table3 takes 20 ms for the first 30 rows. */
function joinCells(columns: readonly Column[], widths: readonly number[], rows: readonly (readonly string[])[]): string {
  const pad = (cell: string, at: number): string => {
    const space = ' '.repeat((widths[at] ?? 0) - widthOf(cell));
    return columns[at]?.align === 'right' ? `${space}${cell}` : `${cell}${space}`;
  };
  return rows.map((row) => row.map(pad).join(' '.repeat(GAP))).join('\n');
}

function wrapCells(
  screen: Screen,
  columns: readonly Column[],
  widths: readonly number[],
  [head, ...rows]: readonly (readonly string[])[],
): string {
  const spaced = widths.map((width) => width + GAP);
  const table = new Table({
    head: [...(head ?? [])],
    colAligns: columns.map(({ align }) => align ?? 'left'),
    ...(spaced.reduce((sum, width) => sum + width, -GAP) > screen.width
      ? { colWidths: [...spaced.slice(0, -1), lastWidth(screen, spaced)], wordWrap: true }
      : {}),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** Whether each character takes one column for certain; others are left to cli-table3, which knows their widths. */
function isNarrow(cell: string): boolean {
  return /^[\u001b\u0020-\u02ff\u2010-\u2027]*$/.test(cell);
}

/** What the others leave; on a screen too narrow for all of them, a little all the same. */
function lastWidth(screen: Screen, widths: readonly number[]): number {
  const others = widths.slice(0, -1).reduce((sum, width) => sum + width, 0);
  return Math.max(Math.min(widths.at(-1) ?? 0, screen.width + GAP - others), 16);
}
