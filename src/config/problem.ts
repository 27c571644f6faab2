/** What is wrong with a configuration, where, and the one error that says it all. */
import { closest, distance } from 'fastest-levenshtein';
import { printableText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';

/** Both count from 1, columns in characters. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly at: Position;
  readonly message: string;
}

/** Longer text is cut: a message should fit a line, whatever the file holds. */
const QUOTE_LENGTH = 80;

export function configError(file: string, problems: readonly Problem[]): RootsError {
  const name = printableText(file);
  const lines = problems
    .toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
    .map(({ at, message }) => `${name}:${at.line}:${at.column}: ${message}`);
  if (lines.length > 1) lines.unshift(`${name}: ${lines.length} problems`);
  return new RootsError('usage', lines.join('\n'));
}

/** Text of the file, safe for a terminal. */
export function quote(text: string): string {
  const characters = Array.from(text);
  const cut = characters.length > QUOTE_LENGTH ? `${characters.slice(0, QUOTE_LENGTH).join('')}…` : text;
  return `\`${printableText(cut)}\``;
}

/** `; did you mean …?` where one of the candidates is near, else nothing. */
export function suggest(text: string, candidates: readonly string[]): string {
  const near = nearest(text, candidates);
  return near === undefined ? '' : `; did you mean ${quote(near)}?`;
}

function nearest(text: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0 || text.length > QUOTE_LENGTH) return undefined;
  const folded = fold(text);
  const best = closest(folded, candidates.map(fold));
  // Two letters swapped are a distance of 2, in a word of five that is the same word still.
  if (distance(folded, best) > Math.max(1, Math.floor(folded.length * 0.4))) return undefined;
  return candidates.find((candidate) => fold(candidate) === best);
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll('-', '_');
}
