/** `roots diff --name-status`: a letter and a path for each change, for other programs. */
import { printable, toBytes, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';

const LETTERS = { added: 'A', removed: 'D', modified: 'M', renamed: 'R' } as const;

/** With `zero` the path as it is and a NUL after each part, as `git diff --name-status -z` has it; else no line break or escape sequence in it. */
export function nameStatus(change: Change, { zero }: { readonly zero: boolean }): Buffer {
  const letter = change.what.includes('type') ? 'T' : LETTERS[change.kind];
  const paths = [...(change.from === undefined ? [] : [change.from]), change.path].map((path) => `/${path}` as BytePath);
  if (!zero) return Buffer.from(`${[letter, ...paths.map((path) => printable(path))].join('\t')}\n`);
  return Buffer.concat([Buffer.from(letter), ...paths.flatMap((path) => [Buffer.from([0]), toBytes(path)]), Buffer.from([0])]);
}
