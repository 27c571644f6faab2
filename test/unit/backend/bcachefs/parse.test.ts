import { describe, expect, it } from 'vitest';
import { fromBytes, fromText, toBytes } from '../../../../src/byte-path.ts';
import { parseHandle, parseProbe, wordsOf } from '../../../../src/backend/bcachefs/parse.ts';

/** As Linux 6.12 shows them of the subvolumes 2 and 5, a snapshot and its source. */
const [TWO, FIVE] = ['02100000000000000200000000000000', '02100000000000000500000000000000'].map((hex) => ({
  type: 0xb1,
  bytes: Buffer.from(hex, 'hex'),
  device: 'fe00010',
})) as [Parameters<typeof parseHandle>[0], Parameters<typeof parseHandle>[0]];

describe('parseHandle', () => {
  it('tells a subvolume from its snapshot by the number alone', () => {
    expect(parseHandle(TWO, true)).toEqual({ inum: 4098n, subvolume: 2, generation: 0 });
    expect(parseHandle(FIVE, true)).toEqual({ inum: 4098n, subvolume: 5, generation: 0 });
  });

  it('reads all bits, in the order of the machine', () => {
    const bytes = Buffer.from('0102030405060708f1f2f3f4a1a2a3a4', 'hex');
    expect(parseHandle({ ...TWO, bytes }, true)).toEqual({ inum: 0x0807060504030201n, subvolume: 0xf4f3f2f1, generation: 0xa4a3a2a1 });
    expect(parseHandle({ ...TWO, bytes }, false)).toEqual({ inum: 0x0102030405060708n, subvolume: 0xf1f2f3f4, generation: 0xa1a2a3a4 });
  });

  it('takes none of another filesystem, and does not guess at another form', () => {
    expect(parseHandle({ ...TWO, type: 0x4d }, true)).toBeNull();
    expect(() => parseHandle({ ...TWO, bytes: TWO.bytes.subarray(8) }, true)).toThrow('not understood');
  });
});

describe('wordsOf', () => {
  it.each([
    ['Error: Failed to delete the subvolume\n\nCaused by:\n    Directory not empty', 'Directory not empty'],
    ['Error: Failed to snapshot the subvolume\n\nCaused by:\n    0: something\n    1: Read-only file system', 'Read-only file system'],
    ['Error: subvolume path does not exist', 'subvolume path does not exist'],
    ['', 'bcachefs ended with status 101'],
    ['Error: \u001b[31mred', '\\e[31mred'],
  ])('of %j are %j', (stderr, words) => {
    expect(wordsOf({ status: 101, stderr })).toBe(words);
  });
});

describe('parseProbe', () => {
  const RO = 'Read-only file system';
  const RW = 'No such attribute';
  const said = (...lines: readonly (readonly [path: Uint8Array, why: string])[]): string =>
    lines.map(([path, why]) => `setfattr: ${quoted(Buffer.from(path).toString('utf8'))}: ${why}`).join('\n');
  const quoted = (path: string): string => path.replaceAll('\n', '\\012').replaceAll('\r', '\\015');

  it('reads the answers in the order of the paths, whatever bytes they are', () => {
    const paths = [
      ...['/tmp/a', `/tmp/b\nsetfattr: /tmp/c: ${RO}`, `/tmp/: ${RO}`, '/tmp/c'].map(fromText),
      fromBytes(Buffer.from([0x2f, 0xff, 0x0a, 0xfe])),
    ].map((path) => toBytes(path));
    const why = [RO, RW, RW, 'No data available', RO];
    const stderr = said(...paths.map((path, at) => [path, why[at] ?? ''] as const));
    expect(parseProbe(stderr, paths)).toEqual([true, false, false, false, true]);
  });

  it('tells nothing of what is missing or refused for another reason', () => {
    const [a, b, c] = ['/a', '/b', '/c'].map((path) => toBytes(fromText(path))) as [Buffer, Buffer, Buffer];
    expect(parseProbe(said([a, 'Operation not permitted'], [c, RO]), [a, b, c])).toEqual([undefined, undefined, true]);
    expect(parseProbe('', [a, b])).toEqual([undefined, undefined]);
    expect(parseProbe('sh: 1: exec: setfattr: not found', [a])).toEqual([undefined]);
    expect(parseProbe(`setfattr: /a: ${RO}: more`, [a])).toEqual([undefined]);
  });
});
