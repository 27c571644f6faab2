/**
 * Paths and names are bytes. Linux gives them no encoding, so what is not UTF-8 must survive every step
 * from readdir to rename.
 *
 * A `BytePath` holds one byte per character (the `latin1` encoding of Node): it compares, splits and sorts
 * as bytes with plain string operators, and can be a Map key, which a Buffer cannot. It is never printed as
 * it is: `printable` makes text that is safe on a terminal, `jsonName` what the JSON contracts want.
 */

declare const brand: unique symbol;
export type BytePath = string & { readonly [brand]: 'BytePath' };

export function fromBytes(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as BytePath;
}

/**
 * From ordinary text (an argument, a configuration value). A lone surrogate U+DC80 to U+DCFF stands for a byte that is
 * not UTF-8; `textOfArgument` makes them.
 */
export function fromText(text: string): BytePath {
  const bytes = text.isWellFormed() ? Buffer.from(text, 'utf8') : Buffer.concat(Array.from(text, bytesOfCharacter));
  return bytes.toString('latin1') as BytePath;
}

function bytesOfCharacter(character: string): Buffer {
  const code = character.charCodeAt(0);
  return character.length === 1 && code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character, 'utf8');
}

/** A command-line argument as text from which `fromText` gets the very bytes back. Node itself puts U+FFFD for what is not UTF-8. */
export function textOfArgument(bytes: BytePath): string {
  return Array.from(decode(bytes), (part) => (typeof part === 'number' ? String.fromCharCode(0xdc00 + part) : part)).join('');
}

/** For every call into node:fs, which takes bytes as a Buffer. */
export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** The bytes read as UTF-8; what is not UTF-8 becomes U+FFFD. Only for showing and for JSON. */
export function toText(path: BytePath): string {
  return toBytes(path).toString('utf8');
}

export function isUtf8(path: BytePath): boolean {
  return fromText(toText(path)) === path;
}

/** Joins with single slashes; empty parts are left out, so that `joinPath('', 'a')` stays relative. */
export function joinPath(...parts: readonly BytePath[]): BytePath {
  return parts
    .filter((part) => part !== '')
    .reduce<string>((path, part) => (path === '' ? part : `${path.replace(/\/+$/, '')}/${part.replace(/^\/+/, '')}`), '') as BytePath;
}

export function baseName(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1) as BytePath;
}

/** The part before the last slash; `''` for a single relative name, `/` for a name in the root. */
export function parentOf(path: BytePath): BytePath {
  const slash = path.lastIndexOf('/');
  return (slash === 0 ? '/' : path.slice(0, Math.max(slash, 0))) as BytePath;
}

/** True if `path` is `ancestor` or lies below it, by whole components. */
export function isWithin(path: BytePath, ancestor: BytePath): boolean {
  const base = ancestor.replace(/\/+$/, '');
  return path === base || path === ancestor || path.startsWith(`${base}/`);
}

// Controls, format characters (bidirectional overrides among them), separators, lone surrogates, private use.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\\]/u;

/**
 * Text that cannot move the cursor, change colours or reorder a line: bytes that are not UTF-8 become `\xff`,
 * controls and invisible characters become `\n`, `\t`, `\e` or `\u{202e}`, and a backslash becomes `\\`, so that the text can be read back.
 */
export function printable(path: BytePath): string {
  let text = '';
  for (const part of decode(path)) {
    text += typeof part === 'number' ? `\\x${part.toString(16).padStart(2, '0')}` : printableCharacter(part);
  }
  return text;
}

/** The same for ordinary text that comes from outside (a note, a program's message); newlines are kept if asked. */
export function printableText(text: string, keep: { newlines: boolean } = { newlines: false }): string {
  return Array.from(text, (character) =>
    (keep.newlines && character === '\n') || character === '\\' ? character : printableCharacter(character),
  ).join('');
}

function printableCharacter(character: string): string {
  if (!UNSAFE.test(character)) return character;
  switch (character) {
    case '\\':
      return '\\\\';
    case '\n':
      return '\\n';
    case '\t':
      return '\\t';
    case '\r':
      return '\\r';
    case '\u001b':
      return '\\e';
    default: {
      const code = character.codePointAt(0) ?? 0;
      return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
    }
  }
}

/** Characters where the bytes are UTF-8, single byte values where they are not. */
function* decode(path: BytePath): Generator<string | number> {
  const text = toText(path);
  if (fromText(text) === path) {
    yield* text;
    return;
  }
  const bytes = toBytes(path);
  for (let at = 0; at < bytes.length;) {
    const character = characterAt(bytes, at);
    if (character === undefined) {
      yield bytes[at] ?? 0;
      at += 1;
    } else {
      yield character;
      at += Buffer.byteLength(character);
    }
  }
}

function characterAt(bytes: Buffer, at: number): string | undefined {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length += 1) {
    const text = bytes.toString('utf8', at, at + length);
    if (!text.includes('\ufffd') || bytes.subarray(at, at + length).equals(Buffer.from('\ufffd'))) return text;
  }
  return undefined;
}

/** How the JSON contracts carry a name: readable always, and exact as base64 where UTF-8 cannot hold it. */
export function jsonName<Key extends string>(key: Key, path: BytePath): Record<Key, string> & Partial<Record<`${Key}Base64`, string>> {
  const named = { [key]: toText(path) } as Record<Key, string> & Partial<Record<`${Key}Base64`, string>>;
  return isUtf8(path) ? named : { ...named, [`${key}Base64`]: toBytes(path).toString('base64') };
}
