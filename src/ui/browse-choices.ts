/** What there is to choose from in `roots browse`: lines that fit on the screen. */
import { parentOf, type BytePath } from '../byte-path.ts';
import type { BrowsedEntry, OpenRoot } from '../operations/open-root.ts';
import { entryLines, fullName, rootTitle, shownPath } from './browse-lines.ts';
import { formatCount, formatNumber } from './format.ts';
import type { Choice, Remark } from './prompts.ts';
import type { Surroundings } from './surroundings.ts';
import { shortenMiddle } from './terminal.ts';

/** No path begins so. */
export const BACK = '/back';
export const HERE = '/here';
/** More of one directory nobody reads; who types finds the others. */
const MOST_LISTED = 500;
const MOST_FOUND = 100;
/** Most words are no longer. Columns. */
export const TYPED = 16;

/** What is in a directory, and the way out of it. */
export function listedChoices(around: Surroundings, open: OpenRoot, path: BytePath): readonly (Choice<string> | Remark)[] {
  const { entries, more } = open.list(path, MOST_LISTED);
  return [
    {
      name: path === '' ? '‹ back to the old roots' : `‹ back to ${shortenMiddle(shownPath(parentOf(path)), widthOf(around) - 12)}`,
      value: BACK,
    },
    ...(path === '' ? [] : [{ name: '· this directory as a whole', value: HERE }]),
    ...choicesOf(around, entries, 'names'),
    ...(entries.length === 0 ? [remark('nothing is in it')] : []),
    ...(more > 0 ? [remark(`… and ${formatNumber(more)} more: type a part of the name`)] : []),
  ];
}

/** What is anywhere below a directory and fits these words. */
export async function foundChoices(
  around: Surroundings,
  { open, path }: { readonly open: OpenRoot; readonly path: BytePath },
  words: string,
  signal: AbortSignal,
): Promise<readonly (Choice<string> | Remark)[]> {
  const { entries, count, searched, among } = await open.search(words, path, MOST_FOUND, signal);
  // First, so that they are in sight.
  return [
    ...(count > entries.length && entries.length > 0 ? [remark(`the best of ${formatCount(count, 'path')}; type more of it`)] : []),
    ...(searched === 'still reading' ? [remark(`among the first ${formatNumber(among)} paths; type on to search in more`)] : []),
    ...(searched === 'partly' ? [remark(`among ${formatNumber(among)} paths, which are not all that there are`)] : []),
    ...choicesOf(around, entries, 'paths'),
  ];
}

function choicesOf(around: Surroundings, entries: readonly BrowsedEntry[], of: 'names' | 'paths'): Choice<string>[] {
  const lines = entryLines(entries, of, { ...around, width: widthOf(around) });
  return entries.map((entry, at) => {
    const line = lines[at] ?? '';
    const full = fullName(entry, of, line);
    return { name: line, value: entry.path, ...(full === null ? {} : { description: full }) };
  });
}

/** Which root, and where in it. `typed`: columns to be left for what is typed after it. */
export function titleOf(around: Surroundings, { root }: OpenRoot, path: string, typed = 0): string {
  const title = rootTitle({ root }, around);
  return `${title}  ${shortenMiddle(path, Math.max(widthOf(around) - title.length - 2 - typed, 16))}`;
}

/** The cursor takes two, and nothing should be in the last column. */
export function widthOf(around: Surroundings): number {
  return around.screen().width - 3;
}

function remark(separator: string): Remark {
  return { type: 'separator', separator: ` ${separator}` };
}

/** That is neither the way back nor the directory itself. */
export function firstEntry(lines: readonly (Choice<string> | Remark)[]): string | undefined {
  return lines.flatMap((each) => ('value' in each && each.value !== BACK && each.value !== HERE ? [each.value] : []))[0];
}

export function isMeant({ name, description = '' }: Choice<string>, words: string): boolean {
  const text = `${name} ${description}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
