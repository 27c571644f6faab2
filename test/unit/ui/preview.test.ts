import { describe, expect, it } from 'vitest';
import { previewOf } from '../../../src/ui/preview.ts';

const ROOM = { width: 78, lines: 5 };
const of = (content: string | Buffer, room = ROOM, size?: number) => {
  const bytes = Buffer.from(content as string);
  return previewOf({ bytes, size: size ?? bytes.length }, room);
};

describe('previewOf', () => {
  it('shows a short text as it is', () => {
    expect(of('one\ntwo\n')).toEqual({ kind: 'text', lines: ['one', 'two'] });
    expect(of('one\n\ntwo')).toEqual({ kind: 'text', lines: ['one', '', 'two'] });
    expect(of('')).toEqual({ kind: 'empty', lines: [] });
  });

  it('says how many lines there are besides', () => {
    expect(of('1\n2\n3\n4\n5\n6\n7\n').lines).toEqual(['1', '2', '3', '4', '5', '… (2 more lines)']);
    expect(of('1\n2\n3\n4\n5\n6\n').lines.at(-1)).toBe('… (1 more line)');
  });

  it('says how large a file is of which not all was read', () => {
    expect(of('1\n2', ROOM, 3 << 20).lines).toEqual(['1', '2', '… (3.0 MiB in all)']);
  });

  it('breaks what is longer than a line, and no more of it than there is room for', () => {
    expect(of('abcdefgh\n', { width: 3, lines: 5 }).lines).toEqual(['abc', 'def', 'gh']);
    expect(of('x'.repeat(100), { width: 10, lines: 2 }).lines).toEqual(['x'.repeat(10), 'x'.repeat(10), '… (100 B …']);
  });

  it('escapes what no terminal should get, and expands tabulators', () => {
    expect(of('a\tb\u001b[2J\r\n').lines).toEqual(['a       b\\e[2J']);
    expect(of(Buffer.from([0x63, 0xe9, 0x0a])).lines).toEqual(['c\ufffd']);
  });

  it.each([
    [78, '00000000  00 01 41 42 43 44 45 46  47 ff'.replace('  47', ' 47').padEnd(10 + 47), '..ABCDEFG.'],
    [50, '00000000  00 01 41 42 43 44 45 46', '..ABCDEF'],
    [40, '00000000  00 01 41 42', '..AB'],
  ])('dumps the bytes of what is no text, on %i columns', (width, hex, text) => {
    const { kind, lines } = of(Buffer.from([0, 1, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0xff]), { width, lines: 5 });
    expect(kind).toBe('binary');
    expect(lines[0]).toBe(`${hex}  ${text}`);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  });

  it('tells an image by its beginning', () => {
    expect(of(Buffer.from('GIF89a\x40\x01\xf0\x00', 'latin1'))).toEqual({ kind: 'GIF image, 320 × 240 pixels', lines: [] });
  });
});
