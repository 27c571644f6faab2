/** Policies on the command line: `roots prune --keep-… --max-age … --min-free …`. */
import { describe, expect, it } from 'vitest';
import { digestsOf, namesOf, outcomes, planned, prune, reasonsOf, targetOf } from './answers.ts';
import { closing } from './closing.ts';
import type { Failure } from './contracts.ts';
import { allSpace } from './filling.ts';
import { roots } from './roots.ts';
import { GOES, GOES_TOO, KINDS, STAYS, smallDirectory } from './small-archives.ts';

describe.each(KINDS)('a policy on the command line, for an archive of %s', (_, make) => {
  it('takes the place of the whole configured one, and without it nothing is removed', async () => {
    const archive = closing(make());
    const config = archive.config('keep = { last = 3, yearly = 9 }');
    expect(targetOf(await planned(config)).remove).toEqual([]);
    const plan = await planned(config, '--keep-last', '2');
    expect(targetOf(plan).remove).toEqual([{ name: GOES, reasons: ['not kept by any rule'] }]);
    expect(reasonsOf(plan, STAYS)).toEqual(['last 2']);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);

    const result = await prune(config, '--keep-last', '2');
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed' }]);
    expect(archive.names()).toEqual([GOES_TOO, STAYS]);
    expect((await prune(config)).status).toBe(0);
    expect(archive.names()).toEqual([GOES_TOO, STAYS]);
  });
});

describe('the flags of a policy', () => {
  it.each([
    [['--keep-hourly', '2', '--keep-last', '1'], [GOES]],
    [['--keep-daily', '2', '--keep-last', '1'], [GOES]],
    [
      ['--keep-weekly', '1', '--keep-last', '1'],
      [GOES, GOES_TOO],
    ],
    [['--keep-monthly', '2', '--keep-last', '1'], [GOES]],
    [['--keep-yearly', '2', '--keep-last', '1'], [GOES]],
    [['--keep-within', '600d', '--keep-last', '1'], []],
    [
      ['--keep-within', '10d', '--keep-last', '1'],
      [GOES, GOES_TOO],
    ],
    [
      ['--max-age', '30d', '--keep-last', '1'],
      [GOES, GOES_TOO],
    ],
    [['--max-age', '30d', '--keep-last', '2'], [GOES]],
    // The floor is 3 where none is given.
    [['--max-age', '30d'], []],
    [['--max-age', '200y', '--keep-last', '1'], []],
    [['--min-free', '1K', '--keep-last', '1'], []],
  ] as const)('%j: %j go, and none for space', async (flags, goes) => {
    const archive = closing(smallDirectory());
    const plan = targetOf(await planned(archive.config('keep = { last = 3 }'), ...flags));
    expect(namesOf(plan.remove)).toEqual(goes);
    expect(plan.space?.ifNeeded ?? []).toEqual([]);
  });

  it('--min-free: all but the floor may go for what there could be, and nothing for what there never can be', async () => {
    const archive = closing(smallDirectory());
    const config = archive.config('keep = { last = 3 }');
    const { space } = targetOf(await planned(config, '--min-free', allSpace(archive.archive), '--keep-last', '1'));
    expect([namesOf(space?.ifNeeded ?? []), space?.impossible]).toEqual([[GOES, GOES_TOO], false]);

    const never = ['--min-free', '20T', '--keep-last', '1'];
    const plan = targetOf(await planned(config, ...never));
    expect([plan.remove, plan.space]).toEqual([[], expect.objectContaining({ ifNeeded: [], impossible: true, wantedBytes: 20 * 2 ** 40 })]);
    const result = await prune(config, ...never);
    expect([result.status, targetOf(result).space?.short]).toEqual([3, 'there is never so much']);
    const { status, stdout } = await roots(['prune', '--yes', ...never, '--config', config]);
    expect([status, stdout]).toEqual([3, expect.stringContaining('(20T) are wanted, which there can never be: nothing goes for it.')]);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });

  it('are for one target: with several it must be named', async () => {
    const archive = closing(smallDirectory());
    const other = closing(smallDirectory());
    const config = archive.config('keep = { last = 3 }', `[targets.other]\n${other.place}\nkeep = { last = 3 }`);
    const before = [digestsOf(archive), digestsOf(other)];
    for (const args of [['--dry-run'], ['--yes'], ['--at', '2046-01-01'], ['--simulate', '3d']]) {
      const result = await roots(['prune', ...args, '--keep-last', '1', '--json', '--config', config]);
      expect([args, result.status, (result.json as Failure).error]).toEqual([
        args,
        2,
        expect.objectContaining({ kind: 'usage', hint: expect.stringMatching(/name the one.*root, other/) as string }),
      ]);
    }
    expect([digestsOf(archive), digestsOf(other)]).toEqual(before);
    expect((await prune(config, 'other', '--keep-last', '1')).status).toBe(0);
    expect([archive.names(), other.names()]).toEqual([[GOES, GOES_TOO, STAYS], [STAYS]]);
  });

  it('are for one target also where another one of several cannot be opened', async () => {
    const archive = closing(smallDirectory());
    const config = archive.config('keep = { last = 3 }', `[targets.other]\nbackend = "directory"\narchive = "${archive.scratch}/absent"`);
    const result = await prune(config, '--keep-last', '1');
    expect([result.status, archive.names()]).toEqual([2, [GOES, GOES_TOO, STAYS]]);
  });

  it.each([
    [['--keep-last', '0'], '--keep-last'],
    [['--keep-daily', '-1'], '--keep-daily'],
    [['--keep-daily', '1.5'], '--keep-daily'],
    [['--keep-daily', ''], '--keep-daily'],
    [['--max-age', 'soon'], '--max-age'],
    [['--max-age', '30'], '--max-age'],
    [['--min-free', '20GB'], '--min-free'],
    [['--min-free', '100%'], '--min-free'],
    [['--keep-within', '60d', '--max-age', '30d'], '--keep-within'],
  ])('that mean nothing are refused, and named: %j', async (flags, word) => {
    const archive = closing(smallDirectory());
    const result = await prune(archive.config(), ...flags);
    expect([result.status, (result.json as Failure).error]).toMatchObject([
      2,
      { kind: 'usage', message: expect.stringContaining(word) as string },
    ]);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });
});
