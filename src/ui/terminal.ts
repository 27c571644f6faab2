/**
 * What the terminal can do, and text for it.
 */
import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export interface Screen {
  /** Columns; what is no terminal has as many as are wanted. */
  readonly width: number;
  readonly style: (style: Style, text: string) => string;
}

/** NO_COLOR and FORCE_COLOR go before what the terminal says (no-color.org, force-color.org). */
export function screenOf(stream: { readonly isTTY?: boolean; readonly columns?: number }, env: NodeJS.ProcessEnv): Screen {
  const colours = hasColours(stream.isTTY === true, env);
  return {
    width: stream.isTTY === true ? Math.max(stream.columns ?? 80, 40) : Number.POSITIVE_INFINITY,
    // It would look at the standard output by itself (Node 22.13+), which need not be where this is written to.
    style: (style, text) => (colours && text !== '' ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** Lines; what is no terminal, or does not say, has as many as the smallest that is common. */
export function rowsOf(stream: { readonly rows?: number }): number {
  return stream.rows !== undefined && stream.rows > 0 ? stream.rows : 24;
}

function hasColours(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined) return !['', '0', 'false'].includes(env['FORCE_COLOR']);
  return isTerminal && env['TERM'] !== 'dumb';
}

/** Whether a question can be asked and answered. */
export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}

export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** Broken at spaces so that no line is wider than the screen; a single word that is wider stays whole. `text` is not styled. */
export function wrapText(screen: Screen, text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && widthOf(longer) <= screen.width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join('\n');
}

/** Cut in the middle to be no wider than `width`; more is left of the end, where names differ. `text` is not styled. */
export function shortenMiddle(text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  const left = Math.max(width - 1, 0);
  const end = Math.ceil(left * 0.6);
  return `${characters.slice(0, left - end).join('')}…${end === 0 ? '' : characters.slice(-end).join('')}`;
}

/** As `wrapText`, and a word that is wider than the screen goes on in the next line. It may be styled. */
export function foldText(screen: Screen, text: string): string {
  return text
    .split('\n')
    .flatMap((line) => wrapText(screen, line).split('\n'))
    .map((line) => (widthOf(line) <= screen.width ? line : (stripVTControlCharacters(line).match(chunksOf(screen.width)) ?? []).join('\n')))
    .join('\n');
}

function chunksOf(width: number): RegExp {
  return new RegExp(`.{1,${String(width)}}`, 'gu');
}

/** Cut at the end to be no wider than `width`. `text` is not styled. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}
