/** `roots diff --name-status` and `--status`: a few letters and a path for each change, for other programs. */
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

/**
 * As snapper(8) has it in `snapper status`: what happened (`+`, `-`, `c` for content or target, `t` for type), then permissions, user, group, extended attributes, ACL.
 * A renaming is two lines, and of one where nothing but the time has changed there are dots only.
 */
export function snapperStatus({ kind, what, path, from, ownership }: Change): Buffer {
  const flags = [
    [what.includes('mode'), 'p'],
    [ownership?.user === true, 'u'],
    [ownership?.group === true, 'g'],
    [what.includes('xattr'), 'x'],
    [what.includes('acl'), 'a'],
  ] as const;
  const rest = flags.map(([is, letter]) => (is ? letter : '.')).join('');
  const line = (first: string, more: string, at: BytePath): string => `${first}${more} ${printable(`/${at}` as BytePath)}\n`;
  if (kind === 'added') return Buffer.from(line('+', '.....', path));
  if (kind === 'removed') return Buffer.from(line('-', '.....', path));
  if (kind === 'renamed') return Buffer.from(`${line('-', '.....', from ?? path)}${line('+', '.....', path)}`);
  return Buffer.from(line(what.includes('type') ? 't' : what.includes('content') || what.includes('target') ? 'c' : '.', rest, path));
}
