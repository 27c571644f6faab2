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

/** Cut at the end to be no wider than `width`. `text` is not styled. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}
