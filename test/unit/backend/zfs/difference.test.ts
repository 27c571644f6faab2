import { describe, expect, it } from 'vitest';
import { fromText } from '../../../../src/byte-path.ts';
import { parseDifference } from '../../../../src/backend/zfs/difference.ts';

// Printed by OpenZFS 2.3.
const OUTPUT = [
  '1700000000.000000001\tM\t/\t/tmp/1/',
  '1700000000.000000002\t+\tF\t/tmp/1/line\\0012break\\0040\\0303\\0274\\0134',
  '1700000000.000000003\t-\t@\t/tmp/1/gone',
  '1700000000.000000004\tR\t/\t/tmp/1/a\t/tmp/1/b\\0011c',
  '1700000000.000000005\tM\tF\t/tmp/1/linked\t(+1)',
].join('\n');

describe('parseDifference', () => {
  it('tells changes, with paths in bytes', () => {
    expect(parseDifference(Buffer.from(`${OUTPUT}\n`))).toEqual([
      { change: 'modified', isDirectory: true, path: '/tmp/1/', newPath: null },
      { change: 'added', isDirectory: false, path: '/tmp/1/line\nbreak \xc3\xbc\\', newPath: null },
      { change: 'removed', isDirectory: false, path: '/tmp/1/gone', newPath: null },
      { change: 'renamed', isDirectory: true, path: '/tmp/1/a', newPath: fromText('/tmp/1/b\tc') },
      { change: 'modified', isDirectory: false, path: '/tmp/1/linked', newPath: null },
    ]);
    expect(parseDifference(Buffer.from(''))).toEqual([]);
  });

  it('refuses what it does not understand', () => {
    for (const line of ['x', '1\tM\tF', '1\t?\tF\t/a', '1\tM\tF\trelative', '1\tR\tF\t/a', '1\tM\tFF\t/a'])
      expect(() => parseDifference(Buffer.from(`${line}\n`))).toThrow('not understood');
  });
});
