/**
 * What `find` is asked for: a path, a name anywhere, or a pattern of paths. In patterns `*`, `?`, `[…]` and `{…,…}` are special, a backslash takes that from
 * what follows it, and all else is as it is written.
 */
import { isUtf8, textOfArgument, toText, type BytePath } from '../byte-path.ts';

/** As it was typed; of text like that of `textOfArgument`. */
export type Wanted =
  | { readonly kind: 'path'; readonly text: string }
  /** Of anything anywhere. */
  | { readonly kind: 'name'; readonly pattern: string }
  /** `base`: the directories at its beginning that are as they are written; `null`: it fits anywhere. `rest`: what comes after them. */
  | { readonly kind: 'pattern'; readonly base: string | null; readonly rest: string };

const SPECIAL = /[*?[{]/;
const ANYWHERE = /^(?:\*\*\/)+/;

export function understand(typed: string): Wanted {
  const text = typed.replace(/(?<=[^/])\/+$/, '');
  if (!text.includes('/')) return { kind: 'name', pattern: text };
  if (!isSpecial(text)) return { kind: 'path', text: unescaped(text) };
  if (ANYWHERE.test(text)) return { kind: 'pattern', base: null, rest: text };
  const components = text.split('/');
  const first = components.findIndex(isSpecial);
  const base = components.slice(0, first).join('/');
  return { kind: 'pattern', base: base === '' && text.startsWith('/') ? '/' : unescaped(base), rest: components.slice(first).join('/') };
}

function isSpecial(text: string): boolean {
  return SPECIAL.test(text.replaceAll(/\\./gs, ''));
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, '$1');
}

/** Tells paths by a pattern. */
export interface Matcher {
  /** `path`: relative to the base of the pattern. */
  matches(path: BytePath): boolean;
  /** Whether anything in this directory could match; sure if it is false. */
  mayHold(directory: BytePath): boolean;
}

/** Only who gives a pattern pays for the package. */
export async function matcherOf(wanted: Exclude<Wanted, { kind: 'path' }>): Promise<Matcher> {
  const { default: picomatch } = await import('picomatch');
  // A dot at the beginning is nothing special, a newline is a character, and `!` at the beginning is one of a name.
  const compile = (pattern: string): ((text: string) => boolean) => {
    const expression = picomatch.makeRe(quoted(pattern), { dot: true, flags: 's', nonegate: true, noextglob: true });
    return (text) => expression.test(text);
  };
  if (wanted.kind === 'name') {
    const isOf = compile(wanted.pattern);
    return { matches: (path) => isOf(textOf(path.slice(path.lastIndexOf('/') + 1) as BytePath)), mayHold: () => true };
  }
  const isOf = compile(wanted.rest);
  const components = wanted.rest.split('/');
  const isCut = components.some((component) => /\{[^}]*$/.test(component));
  const deep = components.findIndex((component) => component.includes('**'));
  const levels = (isCut ? [] : components.slice(0, deep === -1 ? components.length : deep)).map(compile);
  const isDeep = isCut || deep !== -1;
  return {
    matches: (path) => isOf(textOf(path)),
    mayHold: (directory) => {
      const names = directory.split('/');
      return (isDeep || names.length < levels.length) && names.every((name, at) => levels[at]?.(textOf(name as BytePath)) ?? true);
    },
  };
}

/** What else picomatch takes for special, which people have in names: `report (1).pdf`. What is not of a set may not be a slash either. */
function quoted(pattern: string): string {
  return pattern.replaceAll(/\\.|\[[!^]|[()|+@!^$]/gs, (each) =>
    each.startsWith('\\') ? each : each.startsWith('[') ? '[^/' : `\\${each}`,
  );
}

/** Characters and not bytes, so that `?` is one. */
function textOf(path: BytePath): string {
  // ASCII is what most names are.
  if (/^[\x00-\x7f]*$/.test(path)) return path;
  return isUtf8(path) ? toText(path) : textOfArgument(path);
}
