/** The log in the archive: what was removed, when and why, a JSON document a line. */
import { readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tool } from '../support/scratch.ts';
import { eventsOf, logOf, outcomes, pin, planned, prune, targetOf } from './answers.ts';
import { closing } from './closing.ts';
import { roots } from './roots.ts';
import { GOES, GOES_TOO, KINDS, STAYS, type SmallArchive } from './small-archives.ts';

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
