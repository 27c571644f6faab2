import { expect, it } from 'vitest';
import { meets, parseSize, typesOf, type Criteria } from '../../../src/lookup/criteria.ts';
import type { EntryType } from '../../../src/diff/change.ts';

const ANY: Criteria = { types: null, newer: null, size: null };
const file = (size: number, type: EntryType = 'file') => ({ type, size: BigInt(size), mtimeNs: 0n });

it.each<[string, number[], number[]]>([
  ['0', [0], [1]],
  ['512', [512], [511, 513]],
  ['+1k', [1025, 5000], [0, 1024]],
  ['-1k', [0], [1, 1024]],
  ['1k', [1, 1024], [0, 1025]],
  ['-3M', [0, 1, 2 << 20], [(2 << 20) + 1]],
  ['+0c', [1], [0]],
])('the size %s is what find(1) has', (text, fits, others) => {
  const size = parseSize(text)!;
  expect([...fits, ...others].filter((bytes) => meets(file(bytes), { ...ANY, size }))).toEqual(fits);
});

it.each(['', 'k', '1kB', '1K', '++1', '1.5M', '-', '1 M'])('%j is no size', (text) => {
  expect(parseSize(text)).toBe(undefined);
});

it('only regular files have a size', () => {
  expect(meets(file(5000, 'directory'), { ...ANY, size: parseSize('+1k')! })).toBe(false);
});

it('a subvolume is a directory', () => {
  expect(meets(file(0, 'subvolume'), { ...ANY, types: typesOf(['d']) })).toBe(true);
  expect(meets(file(0, 'symlink'), { ...ANY, types: typesOf(['d', 'f']) })).toBe(false);
});

it('newer is after that moment, to the nanosecond', () => {
  const newer = new Date(1000);
  expect([999_999_999n, 1_000_000_000n, 1_000_000_001n].map((mtimeNs) => meets({ ...file(0), mtimeNs }, { ...ANY, newer }))).toEqual([
    false,
    false,
    true,
  ]);
});
