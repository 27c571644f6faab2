import { expect, it } from 'vitest';
import { gapsOf, spansOf } from '../../../src/lookup/timeline.ts';

it('a version that comes back is the same one, and what was before each is told', () => {
  // The newest first: A B A, and before that nothing.
  expect(spansOf([0, 1, 0, null])).toEqual([
    { version: 1, first: 1, last: 1, count: 1, before: 0 },
    { version: 0, first: 2, last: 0, count: 2, before: null },
  ]);
});

it('what was there before a gap is what a version is compared with', () => {
  expect(spansOf([1, null, undefined, 0])).toEqual([
    { version: 1, first: 0, last: 0, count: 1, before: 0 },
    { version: 0, first: 3, last: 3, count: 1, before: null },
  ]);
});

it('a gap is between two at which it was there', () => {
  expect(gapsOf([null, 0, null, null, 0, null, 1, null])).toEqual([
    { newest: 2, oldest: 3, count: 2 },
    { newest: 5, oldest: 5, count: 1 },
  ]);
  expect(gapsOf([null, 0, 0, null])).toEqual([]);
  expect(gapsOf([null, null])).toEqual([]);
});

it('what is not known is no gap', () => {
  expect(gapsOf([0, undefined, 0])).toEqual([]);
  expect(gapsOf([0, undefined, null, 0])).toEqual([{ newest: 2, oldest: 2, count: 1 }]);
});
