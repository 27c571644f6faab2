import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  baseName,
  fromBytes,
  fromText,
  isUtf8,
  isWithin,
  joinPath,
  jsonName,
  parentOf,
  printable,
  printableText,
  textOfArgument,
  toBytes,
  toText,
  type BytePath,
} from '../../src/byte-path.ts';

const raw = (text: string): BytePath => text as BytePath;
const anyBytes = fc.uint8Array({ maxLength: 40 });
/** Text and what is no text, mixed. */
const mixed = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => Buffer.from(text)),
      anyBytes.map((bytes) => Buffer.from(bytes).subarray(0, 3)),
    ),
  )
  .map((parts) => Buffer.concat(parts));

describe('bytes', () => {
  it('survive every way there and back', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, mixed), (bytes) => {
        const path = fromBytes(bytes);
        expect([...toBytes(path)]).toEqual([...bytes]);
        expect(fromText(textOfArgument(path))).toBe(path);
        if (isUtf8(path)) expect(fromText(toText(path))).toBe(path);
        const named = jsonName('path', path);
        expect(named.pathBase64 === undefined ? fromText(named.path) : fromBytes(Buffer.from(named.pathBase64, 'base64'))).toBe(path);
      }),
    );
  });

  it('are text as UTF-8 has it', () => {
    expect(fromText('ü')).toBe('\xc3\xbc');
    expect(toText(raw('\xc3\xbc'))).toBe('ü');
    expect(isUtf8(raw('caf\xe9'))).toBe(false);
    expect(jsonName('name', raw('caf\xe9'))).toEqual({ name: 'caf\ufffd', nameBase64: 'Y2Fm6Q==' });
    expect(jsonName('name', fromText('\ufffd'))).toEqual({ name: '\ufffd' });
  });
});

describe('printable', () => {
  it.each([
    ['plain', 'plain'],
    ['ünï 日本', 'ünï 日本'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['\u001b[31mred', '\\e[31mred'],
    ['a\\nb', 'a\\\\nb'],
    ['\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['\u009b\u007f\u0000', '\\u{9b}\\x7f\\x00'],
    ['\u2028\u200b\ue000\u{e0001}', '\\u{2028}\\u{200b}\\u{e000}\\u{e0001}'],
  ])('%j is %s', (text, shown) => expect(printable(fromText(text))).toBe(shown));

  it('shows what is no UTF-8 by its value', () => {
    expect(printable(raw('caf\xe9\xff\xc3\xbc'))).toBe('caf\\xe9\\xffü');
    // Overlong, a surrogate, cut off.
    expect(printable(raw('\xc0\xaf\xed\xa0\x80\xe2\x82'))).toBe('\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82');
    expect(printable(raw('\xef\xbf\xbd\xff'))).toBe('\ufffd\\xff');
  });

  it('is never anything that a terminal acts on, and different for different bytes', () => {
    const shown = new Map<string, string>();
    fc.assert(
      fc.property(fc.oneof(anyBytes, mixed), (bytes) => {
        const path = fromBytes(bytes);
        const text = printable(path);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/u);
        expect(shown.get(text) ?? path).toBe(path);
        shown.set(text, path);
      }),
    );
  });

  it('for text of others keeps newlines only if asked', () => {
    expect(printableText('a\nb\u001b[0m\\')).toBe('a\\nb\\e[0m\\');
    expect(printableText('a\nb\r', { newlines: true })).toBe('a\nb\\r');
  });
});

describe('paths', () => {
  it.each([
    [['a', 'b'], 'a/b'],
    [['', 'a'], 'a'],
    [['a', ''], 'a'],
    [['/', 'a'], '/a'],
    [['/a/', '/b/', 'c'], '/a/b/c'],
    [['/', '/'], '/'],
    [[], ''],
  ])('%j joined is %s', (parts, path) => expect(joinPath(...parts.map(raw))).toBe(path));

  it.each([
    ['/a/b', '/a', 'b'],
    ['/a', '/', 'a'],
    ['a', '', 'a'],
    ['a/b/c', 'a/b', 'c'],
    ['/', '/', ''],
    ['', '', ''],
  ])('%s is in "%s" as "%s"', (path, parent, name) => {
    expect(parentOf(raw(path))).toBe(parent);
    expect(baseName(raw(path))).toBe(name);
  });

  it.each([
    ['/a/b', '/a', true],
    ['/a', '/a', true],
    ['/a', '/a/', true],
    ['/ab', '/a', false],
    ['/a', '/a/b', false],
    ['/a', '/', true],
    ['/', '/', true],
    ['a/b', 'a', true],
    ['ab', 'a', false],
    ['', 'a', false],
  ])('%s within %s: %s', (path, ancestor, is) => expect(isWithin(raw(path), raw(ancestor))).toBe(is));
});
