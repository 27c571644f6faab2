import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newestFirst } from '../../../src/retention/newest-first.ts';

describe('newestFirst', () => {
  it('puts the latest time first and a time that cannot be read last', () => {
    const roots = ['2026-11-20', 'nonsense', '2026-11-22', '2026-11-21'].map((name) => ({ name, time: new Date(name) }));
    expect(roots.toSorted(newestFirst).map(({ name }) => name)).toEqual(['2026-11-22', '2026-11-21', '2026-11-20', 'nonsense']);
  });

  it.each([
    [['2026-11-20_2', '2026-11-20_1', '2026-11-20']],
    [['2026-11-20_10', '2026-11-20_9', '2026-11-20']],
    [['root-a_100000000000000000001', 'root-a_100000000000000000000', 'root-a_2', 'root-a']],
    [['b', 'a2', 'a1', 'a01', 'a']],
  ])('takes the later name for newer at the same moment: %j', (names) => {
    const roots = names.toReversed().map((name) => ({ name, time: new Date(0) }));
    expect(roots.toSorted(newestFirst).map(({ name }) => name)).toEqual(names);
  });

  it('is one order of all names, whatever order they come in', () => {
    const name = fc.string({ unit: fc.constantFrom('0', '1', '2', '9', '_', '-', 'a', 'Z', 'é'), maxLength: 6 });
    const time = fc.constantFrom(0, 1, Number.NaN);
    const root = fc.record({ name, time: time.map((ms) => new Date(ms)) });
    fc.assert(
      fc.property(root, root, root, (a, b, c) => {
        expect(Math.sign(newestFirst(a, b)) + Math.sign(newestFirst(b, a))).toBe(0);
        if (newestFirst(a, b) <= 0 && newestFirst(b, c) <= 0) expect(newestFirst(a, c)).toBeLessThanOrEqual(0);
        if (newestFirst(a, b) === 0) expect(a).toEqual(b);
      }),
      { numRuns: 5000 },
    );
  });
});
