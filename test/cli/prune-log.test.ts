/** The log in the archive: what was removed, when and why, a JSON document a line. */
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { eventsOf, logOf, outcomes, pin, planned, prune, targetOf } from './answers.ts';
import { closing } from './closing.ts';
import { roots } from './roots.ts';
import { GOES, GOES_TOO, KINDS, STAYS, fillRoot, smallBtrfs, smallDirectory, type SmallArchive } from './small-archives.ts';

const fileOf = ({ archive }: SmallArchive): string => join(archive, '.roots/log.jsonl');

describe.each(KINDS)('the log in an archive of %s', (kind, make) => {
  it('announces and tells each step with its reasons, and sums up each run', async () => {
    const archive = closing(make());
    expect((await planned(archive.config())).status).toBe(0);
    expect((await roots(['prune', '--simulate', '3d', '--config', archive.config()])).status).toBe(0);
    expect(logOf(archive)).toEqual([]);
    const begun = Date.now();
    expect((await prune(archive.config('prune = { max_age = "1y", grace = "1d" }\nkeep = { last = 2 }'))).status).toBe(0);
    expect((await prune(archive.config())).status).toBe(0);

    const log = logOf(archive);
    expect(eventsOf(log)).toEqual([
      `trashing ${GOES}`,
      `trashed ${GOES}`,
      'prune 0 1 0',
      `removing ${GOES_TOO}`,
      `removed ${GOES_TOO}`,
      // No grace any more, so it goes too.
      `removing ${GOES}`,
      `removed ${GOES}`,
      'prune 2 0 0',
    ]);
    for (const { at } of log) expect(Date.parse(at)).toBeGreaterThanOrEqual(begun - 1000);
    expect(new Set(log.map(({ at }) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at)))).toEqual(new Set([true]));
    const runs = log.map(({ run }) => run);
    expect([new Set(runs.slice(0, 3)).size, new Set(runs.slice(3)).size, new Set(runs).size]).toEqual([1, 1, 2]);
    expect(log.map((line) => ('reasons' in line ? line.reasons.join() : ''))).toEqual([
      'older than 1y',
      'older than 1y',
      '',
      'not kept by any rule',
      'not kept by any rule',
      'no grace',
      'no grace',
      '',
    ]);
    const ids = log.flatMap((line) => ('id' in line ? [line.id] : []));
    if (kind === 'btrfs') expect(ids.every((id) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))).toBe(true);
    expect(statSync(fileOf(archive)).mode & 0o777).toBe(0o600);
  });

  it('is written when there is nothing to do, so that it says when it was last run; not without a policy', async () => {
    const archive = closing(make());
    expect((await prune(archive.config(''))).status).toBe(0);
    expect(logOf(archive)).toEqual([]);
    expect((await prune(archive.config('keep = { last = 3 }'))).status).toBe(0);
    expect(eventsOf(logOf(archive))).toEqual(['prune 0 0 0']);
  });

  it('has no removal in it where pins cannot be read, and so all counts as pinned', async () => {
    const archive = closing(make());
    expect((await pin(archive.config(), STAYS)).status).toBe(0);
    writeFileSync(join(archive.archive, '.roots/pins.json'), 'not JSON');
    const result = await prune(archive.config());
    expect(outcomes(result)).toEqual({});
    expect(eventsOf(logOf(archive))).toEqual(['prune 0 0 0']);
  });

  it('goes on after a line that was cut short, and after one that it does not understand', async () => {
    const archive = closing(make());
    await prune(archive.config('keep = { last = 2 }'));
    const before = readFileSync(fileOf(archive), 'utf8');
    writeFileSync(fileOf(archive), `${before}{"event":"of another version"}\n{"at":"2026-01-`);
    expect((await prune(archive.config())).status).toBe(0);
    const lines = readFileSync(fileOf(archive), 'utf8').split('\n').slice(0, -1);
    expect(lines.slice(-3).map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['removing', 'removed', 'prune']);
    expect(lines).toHaveLength(3 + 1 + 1 + 3);
  });

  it('is one older file besides when it has grown', async () => {
    const archive = closing(make());
    await prune(archive.config('keep = { last = 2 }'));
    writeFileSync(fileOf(archive), `${JSON.stringify({ event: 'old', padding: 'x'.repeat(1 << 20) })}\n`);
    expect((await prune(archive.config())).status).toBe(0);
    expect(
      readdirSync(join(archive.archive, '.roots'))
        .filter((name) => name.includes('log'))
        .sort(),
    ).toEqual(['log.1.jsonl', 'log.jsonl']);
    expect(eventsOf(logOf(archive))).toEqual([`removing ${GOES_TOO}`, `removed ${GOES_TOO}`, 'prune 1 0 0']);
  });

  it('that is a link is not written to: it says so, and goes on', async () => {
    const archive = closing(make());
    await prune(archive.config('keep = { last = 3 }'));
    const outside = join(archive.scratch, 'outside');
    writeFileSync(outside, 'mine\n');
    tool('rm', fileOf(archive));
    symlinkSync(outside, fileOf(archive));
    const result = await prune(archive.config());
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(targetOf(result).warnings?.join()).toContain('the log in the archive cannot be written');
    expect(readFileSync(outside, 'utf8')).toBe('mine\n');
    const said = await roots(['prune', '--yes', '--config', archive.config()]);
    expect(said.stdout.replaceAll(/\s+/g, ' ')).toContain('warning: the log in the archive cannot be written');
  });
});

describe('what an earlier run left on its way out', () => {
  it.each(KINDS)('of %s is finished by the next, which logs what became of it', async (_, make) => {
    const archive = closing(make());
    const config = archive.config();
    // As a run leaves it that was killed after its rename: announced, and not told the end of.
    await prune(archive.config('keep = { last = 3 }'));
    const id = ((await roots(['ls', '--json', '--config', config])).json as { roots: { name: string; id: string }[] }).roots.find(
      ({ name }) => name === GOES,
    )?.id;
    const line = { at: '2026-01-01T00:00:00.000Z', run: 'the one that was killed', event: 'removing', name: GOES, id, reasons: ['mine'] };
    writeFileSync(fileOf(archive), `${readFileSync(fileOf(archive), 'utf8')}${JSON.stringify(line)}\n`);
    tool('mv', join(archive.archive, GOES), join(archive.archive, `.roots-removing.0.${GOES}`));

    const told = await roots(['ls', '--config', config]);
    expect(told.stdout).toContain('1 removed before could not be deleted completely; the next prune tries again');
    const result = await prune(config);
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES_TOO]: 'removed' }]);
    expect(targetOf(result).leftovers).toEqual([{ name: GOES, error: null }]);
    expect(archive.names()).toEqual([STAYS]);
    const log = logOf(archive).slice(2);
    expect(eventsOf(log)).toEqual([`removed ${GOES}`, `removing ${GOES_TOO}`, `removed ${GOES_TOO}`, 'prune 1 0 0']);
    expect(log[0]).toMatchObject({ reasons: ['mine'], id, notes: ['the run that began this was cut short'] });
  });

  it('is told of to people', async () => {
    const archive = closing(smallDirectory());
    fillRoot(join(archive.archive, `.roots-removing.3.${GOES}`), 'left');
    const { status, stdout } = await roots(['prune', '--yes', '--config', archive.config('keep = { last = 9 }')]);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`root: the removal of ${GOES}, which an earlier run began, is finished`)]);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });

  requires.btrfs('on btrfs', () => {
    it('and cannot go yet stays, is told of, and the status is 3', async () => {
      const archive = closing(smallBtrfs());
      const left = `.roots-removing.0.${GOES}`;
      archive.create(`old_roots/${left}`);
      mkdirSync(join(archive.archive, left, 'etc'));
      archive.image.mount({ subvolume: `old_roots/${left}` }, join(archive.scratch, 'at'));
      const result = await prune(archive.config());
      expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
      expect(targetOf(result).leftovers).toEqual([{ name: GOES, error: expect.stringContaining('mounted') as string }]);
      expect(archive.names()).toEqual([left, STAYS]);
      archive.image.unmount(join(archive.scratch, 'at'));
      expect((await prune(archive.config())).status).toBe(0);
      expect(archive.names()).toEqual([STAYS]);
    });
  });
});
