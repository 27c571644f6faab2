/** What has changed in one file, line by line. */
import type { BytePath } from '../byte-path.ts';

/** What is in a file or, of a symbolic link, where it points to. */
export type FileContent =
  /** Each character is one byte. */
  | { readonly kind: 'text'; readonly text: BytePath }
  | { readonly kind: 'binary' | 'large'; readonly bytes: number }
  | { readonly kind: 'unreadable'; readonly why: string };

/** Before and after; null: there is none. */
export type Contents = Readonly<Record<'from' | 'to', FileContent | null>>;

export interface Hunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** The first character of each says what became of it, as in the unified format; all others are bytes. */
  readonly lines: readonly string[];
}

/** Longer than a second nobody waits for one file. Milliseconds. */
const PATIENCE = 1000;

/** Null if they are too different to say in a moment. */
export async function hunksBetween(from: BytePath, to: BytePath): Promise<readonly Hunk[] | null> {
  if (from === to) return [];
  // Only who asks for it pays for the package.
  const { structuredPatch } = await import('diff');
  return structuredPatch('', '', from, to, undefined, undefined, { context: 3, timeout: PATIENCE })?.hunks ?? null;
}
