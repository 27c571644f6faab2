/** What has changed in a file, in the unified format. */
import { printable, printableText, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import { hunksBetween, type Contents, type FileContent, type Hunk } from '../diff/unified.ts';
import { formatBytes } from './format.ts';
import type { Screen } from './terminal.ts';

/**
 * Whole lines. `raw`: for patch(1), with every byte as it is; else what no terminal should get is escaped. Empty if there is nothing to show.
 */
export async function formatPatch(change: Change, { from, to }: Contents, screen: Screen, raw: boolean): Promise<Buffer> {
  const why = whyNot(from) ?? whyNot(to);
  if (why !== null) return line(screen.style('dim', `  ${why}`));
  const hunks = await hunksBetween(textOf(from), textOf(to));
  if (hunks === null) return line(screen.style('dim', '  too different to compare line by line'));
  if (hunks.length === 0) return Buffer.alloc(0);
  return Buffer.concat([
    line(screen.style('bold', `--- ${from === null ? '/dev/null' : nameOf('a', change.from ?? change.path, raw)}`)),
    line(screen.style('bold', `+++ ${to === null ? '/dev/null' : nameOf('b', change.path, raw)}`)),
    ...hunks.flatMap((hunk) => [line(screen.style('cyan', rangesOf(hunk))), ...hunk.lines.map((each) => formatLine(each, screen, raw))]),
  ]);
}

const COLOURS: Readonly<Record<string, 'green' | 'red' | 'dim'>> = { '+': 'green', '-': 'red', '\\': 'dim' };

/** For patch(1) as git(1) has it: in quotes if it holds anything odd, and a tab after one with a space, at which a name would end. */
function nameOf(side: 'a' | 'b', path: BytePath, raw: boolean): string {
  const name = `${side}/${path}`;
  if (!raw) return printable(name as BytePath);
  if (!/["\\\x00-\x1f\x7f-\xff]/.test(name)) return name.includes(' ') ? `${name}\t` : name;
  const octal = (character: string): string => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  return `"${name.replaceAll(/["\\\x00-\x1f\x7f-\xff]/g, octal)}"`;
}

function formatLine(text: string, screen: Screen, raw: boolean): Buffer {
  const colour = COLOURS[text[0] ?? ''];
  const shown = raw ? text : escaped(text);
  return Buffer.from(`${colour === undefined ? shown : screen.style(colour, shown)}\n`, raw ? 'latin1' : 'utf8');
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\n`);
}

function whyNot(content: FileContent | null): string | null {
  switch (content?.kind) {
    case 'binary':
      return `binary, ${formatBytes(content.bytes)}`;
    case 'large':
      return `too large to show, ${formatBytes(content.bytes)}`;
    case 'unreadable':
      return `cannot be read: ${content.why}`;
    default:
      return null;
  }
}

function textOf(content: FileContent | null): BytePath {
  return content?.kind === 'text' ? content.text : ('' as BytePath);
}

function rangesOf({ oldStart, oldLines, newStart, newLines }: Hunk): string {
  return `@@ -${rangeOf(oldStart, oldLines)} +${rangeOf(newStart, newLines)} @@`;
}

/** As diff(1) has it: the count is left out if it is one, and what is empty begins at the line before. */
function rangeOf(start: number, lines: number): string {
  return lines === 1 ? String(start) : `${String(lines === 0 ? start - 1 : start)},${String(lines)}`;
}

/** Bytes as text for a terminal; tabs do no harm. */
function escaped(bytes: string): string {
  return Buffer.from(bytes, 'latin1')
    .toString('utf8')
    .split('\t')
    .map((part) => printableText(part))
    .join('\t');
}
