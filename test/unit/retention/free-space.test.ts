import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFreeSpace, wantedBytes } from '../../../src/retention/free-space.ts';

describe('parseFreeSpace', () => {
  it.each([
    ['10%', { kind: 'percent', percent: 10 }],
    ['2.5%', { kind: 'percent', percent: 2.5 }],
    ['1%', { kind: 'percent', percent: 1 }],
    ['99%', { kind: 'percent', percent: 99 }],
    ['64K', { kind: 'bytes', bytes: 65_536 }],
    ['500M', { kind: 'bytes', bytes: 524_288_000 }],
    ['20G', { kind: 'bytes', bytes: 21_474_836_480 }],
    ['20GiB', { kind: 'bytes', bytes: 21_474_836_480 }],
    ['1.5T', { kind: 'bytes', bytes: 1_649_267_441_664 }],
  ])('reads %s', (text, space) => {
    expect(parseFreeSpace(text)).toEqual({ ...space, text });
  });

  it.each([
    ...['', '%', '10', '10 %', ' 10%', '10%\n', '-10%', '+10%', '1e1%', '1,5%', '.5%', '5.%', '0%', '0.5%', '99.5%', '100%', '10%%'],
    ...['0G', '0.0000001K', '20GB', '20gb', '20g', '20 G', '20B', '20KB', '20Gi', '20P', '0x1G', '99999999T', 'G', 'NaN%', 'Infinity%'],
  ])('refuses %j', (text) => {
    expect(parseFreeSpace(text)).toBeUndefined();
  });

  it('never gives an amount that is not one', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{0,20}\.?\d{0,5}(?:%|[KMGTP]?(?:iB|B)?)$/), (text) => {
        const space = parseFreeSpace(text);
        fc.pre(space !== undefined);
        const wanted = wantedBytes(space, 1_000_000);
        expect(wanted).toBeGreaterThan(0);
        expect(Number.isSafeInteger(wanted)).toBe(true);
        if (space.kind === 'percent') expect(wanted).toBeLessThan(1_000_000);
      }),
    );
  });
});

describe('wantedBytes', () => {
  it.each([
    ['10%', 1000, 100],
    ['10%', 1001, 101],
    ['2.5%', 1000, 25],
    ['99%', 0, 0],
    ['1K', 500, 1024],
  ])('%s of %d is %d', (text, total, wanted) => {
    expect(wantedBytes(parseFreeSpace(text)!, total)).toBe(wanted);
  });
});
