/** What `roots browse` shows of an entry: what is in it, and what has become of it. */
import { printable, printableText } from '../byte-path.ts';
import type { BrowsedEntry, OpenRoot } from '../operations/open-root.ts';
import { entryLines, factsOf, shownPath } from './browse-lines.ts';
import { formatNumber, formatSides } from './format.ts';
import { PatchView } from './patch-view.ts';
import { PREVIEWED, previewOf, type Preview } from './preview.ts';
import type { Surroundings } from './surroundings.ts';
import { foldText } from './terminal.ts';

/** So much of the screen is for the menu that comes after it. */
const MENU = 12;

export function showPreview({ screen: screenNow, rows, say, zone, now }: Surroundings, open: OpenRoot, entry: BrowsedEntry): void {
  const screen = screenNow();
  const room = { width: screen.width - 1, lines: Math.max(rows() - MENU, 5), zone, now };
  const { kind, lines } = glance(open, entry, room);
  say([screen.style('bold', foldText(screen, `${shownPath(entry.path)}: ${kind}`)), ...lines, ''].join('\n'));
}

type Room = Parameters<typeof entryLines>[2] & { readonly lines: number };

function glance(open: OpenRoot, entry: BrowsedEntry, room: Room): Preview {
  switch (entry.type) {
    case 'file':
      return previewOf(open.beginning(entry.path, PREVIEWED), room);
    case 'directory':
      return glanceInto(open, entry, room);
    case 'symlink':
      return { kind: `symbolic link to ${printable(entry.target ?? entry.path)}`, lines: [] };
    case 'block':
    case 'char':
    case 'fifo':
    case 'socket':
      return { kind: factsOf(entry, room.zone), lines: [] };
  }
}

function glanceInto(open: OpenRoot, { path }: BrowsedEntry, room: Room): Preview {
  const { entries, more } = open.list(path, room.lines);
  if (entries.length === 0) return { kind: 'an empty directory', lines: [] };
  return { kind: 'directory', lines: [...entryLines(entries, 'names', room), ...(more > 0 ? [`… and ${formatNumber(more)} more`] : [])] };
}

/** More than that nobody reads. Bytes. */
const MOST = 4 << 20;

export async function showDifference(
  { session, screen: screenNow, page, say }: Surroundings,
  open: OpenRoot,
  entry: BrowsedEntry,
): Promise<void> {
  const screen = screenNow();
  const pieces: Buffer[] = [];
  let length = 0;
  let count = 0;
  const view = new PatchView(screen, {
    raw: false,
    write: (text) => {
      length += text.length;
      pieces.push(text);
    },
  });
  const outcome = await session.compareWithLive(open.root, entry.path, async (change, contents) => {
    count += 1;
    await view.add(change, length < MOST ? contents : null);
  });
  const asides = [...outcome.warnings, ...outcome.problems.map((problem) => `not compared: ${problem}`)];
  for (const aside of asides) say(screen.style('yellow', foldText(screen, `! ${printableText(aside)}`)));
  if (count === 0) {
    // What was not compared is named above.
    const isSame = outcome.problems.length === 0;
    say(foldText(screen, `${shownPath(entry.path)} ${isSame ? 'is the same now' : 'was not compared'}.\n`));
    return;
  }
  const end = view.end(outcome.hidden);
  await page([`${screen.style('bold', formatSides(outcome))}\n\n`, Buffer.concat(pieces).toString('utf8'), `${end}\n`].join(''));
}
