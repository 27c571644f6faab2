/** Paths that a few words are meant for: every word must be in the path, in whatever case; the best come first. */
import { printable, type BytePath } from '../byte-path.ts';

export interface MatchOptions {
  /** A directory inside the tree; of what is equally good, that below it comes first. */
  readonly near: BytePath;
  /** How many paths are wanted. */
  readonly most: number;
}

export interface Matches {
  readonly paths: readonly BytePath[];
  /** How many there are in all. */
  readonly count: number;
}

/** `paths`: inside a tree, without a leading slash; those of directories end in one. */
export function matchPaths(paths: Iterable<BytePath>, words: string, { near, most }: MatchOptions): Matches {
  const wanted = wordsOf(words);
  // Sorted by what they are worth as they come: all of a large tree may match a single letter.
  const byWorth = new Map<number, BytePath[]>();
  let count = 0;
  for (const path of paths) {
    const rank = rankOf(path, wanted);
    if (rank === null) continue;
    count += 1;
    const worth = (rank * 2 + (isBelow(path, near) ? 0 : 1)) * LONGEST + Math.min(path.length, LONGEST - 1);
    const equals = byWorth.get(worth);
    if (equals === undefined) byWorth.set(worth, [path]);
    else equals.push(path);
  }
  const best: BytePath[] = [];
  for (const worth of [...byWorth.keys()].sort((a, b) => a - b)) {
    best.push(...(byWorth.get(worth) ?? []).sort().slice(0, most - best.length));
    if (best.length >= most) break;
  }
  return { paths: best, count };
}

/** PATH_MAX. */
const LONGEST = 4096;

function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** 0: it is called that. 1: its name begins so. 2: its name has all words. 3: its name has the last one. 4: its path has them. Null: it does not. */
function rankOf(path: BytePath, words: readonly string[]): number | null {
  const text = searchable(path);
  if (!words.every((word) => text.includes(word))) return null;
  const [first = '', ...others] = words;
  const end = text.endsWith('/') ? text.length - 1 : text.length;
  const name = text.slice(text.lastIndexOf('/', end - 1) + 1, end);
  if (others.length === 0 && name === first) return 0;
  if (!words.every((word) => name.includes(word))) return name.includes(words.at(-1) ?? '') ? 3 : 4;
  return name.startsWith(first) ? 1 : 2;
}

const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/;

/** As it is shown, since that is what can be typed. Most names need no looking at each character. */
function searchable(path: BytePath): string {
  return `/${PLAIN.test(path) ? path : printable(path)}`.toLowerCase();
}

function isBelow(path: BytePath, directory: BytePath): boolean {
  return directory === '' || path.startsWith(`${directory}/`);
}
