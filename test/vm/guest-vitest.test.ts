/** What runs the conformance suite in the test machine takes no failure for success, and compares as vitest does. */
import { describe as group, expect as must, it as proves } from 'vitest';
import { afterAll, beforeAll, describe, expect, it, runSuites, type RunOptions, type Verdict } from './guest/vitest.ts';

async function verdictsOf(
  body: () => void,
  { limit = 10_000, wanted = () => true }: Partial<Pick<RunOptions, 'limit' | 'wanted'>> = {},
): Promise<string[]> {
  const verdicts: Verdict[] = [];
  describe('suite', body);
  await runSuites({ limit, wanted, tell: (verdict) => verdicts.push(verdict) });
  return verdicts
    .filter(({ result }) => result !== 'started')
    .map(({ test, result, error }) => `${test}: ${result} ${error?.message ?? ''}`.trim());
}

group('a test in the machine', () => {
  proves('fails if it throws, rejects, or expects what is not so, and the others run', async () => {
    const verdicts = await verdictsOf(() => {
      it('throws', () => {
        throw new Error('thrown');
      });
      it('rejects', async () => Promise.reject(new Error('rejected')));
      it('expects', () => expect(1).toBe(2));
      it('waits', async () => expect(Promise.resolve(1)).rejects.toThrow());
      it('compares', () => expect({ a: [1, { b: 'cd' }] }).toMatchObject({ a: [1, { b: expect.stringContaining('x') as string }] }));
      it('passes', async () => {
        expect({ a: [1, { b: 'cd' }] }).toMatchObject({ a: [1, { b: expect.stringMatching(/d$/) as string }] });
        expect([]).not.toEqual([1]);
        await expect(Promise.reject(new Error('wanted'))).rejects.toThrow('wanted');
      });
    });
    must(verdicts).toEqual([
      'throws: failed thrown',
      'rejects: failed rejected',
      must.stringMatching(/^expects: failed expected 1 to be 2/),
      must.stringMatching(/^waits: failed promise resolved "1" instead of rejecting/),
      must.stringMatching(/^compares: failed expected .* to match object/s),
      'passes: passed',
    ]);
  });

  proves('carries what was compared', async () => {
    const verdicts: Verdict[] = [];
    describe('suite', () => it('compares', () => expect({ a: 1 }).toEqual({ a: 2 })));
    await runSuites({ limit: 10_000, tell: (verdict) => verdicts.push(verdict) });
    must(verdicts).toMatchObject([
      { suite: 'suite', test: 'compares', result: 'started' },
      { suite: 'suite', test: 'compares', result: 'failed', error: { actual: '{ a: 1 }', expected: '{ a: 2 }' } },
    ]);
  });

  proves('that hangs fails, and is the last one of its suite', async () => {
    const hanging = (): void => {
      it('hangs', async () => new Promise(() => undefined));
      it('is not reached', () => undefined);
    };
    must(await verdictsOf(hanging, { limit: 20 })).toEqual(['hangs: failed it takes more than 0.02 s']);
  });

  proves('runs between what is before and after all, which are told of too; by its name alone if that is wanted', async () => {
    const done: string[] = [];
    const suite = (): void => {
      beforeAll(() => done.push('before'));
      afterAll(() => {
        throw new Error('after');
      });
      for (const name of ['one', 'two']) it(name, () => done.push(name));
    };
    must(await verdictsOf(suite, { wanted: (test) => test === 'two' })).toEqual([
      'before all: passed',
      'two: passed',
      'after all: failed after',
    ]);
    must(done).toEqual(['before', 'two']);
  });

  proves('does not run if what is before all fails', async () => {
    const suite = (): void => {
      beforeAll(async () => Promise.reject(new Error('before')));
      it('one', () => undefined);
    };
    must(await verdictsOf(suite)).toEqual(['before all: failed before']);
  });
});
