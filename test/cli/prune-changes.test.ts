/** An archive that changes between the plan of `roots prune` and its application: only what both say goes, and the floor holds. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { digest, errors, eventsOf, logOf, outcomes, pin, prune, removals } from './answers.ts';
import { closing, gate } from './closing.ts';
import { startRoots, type Result } from './roots.ts';
import { GOES, GOES_TOO, KEEP_ONE, KINDS, STAYS, smallBtrfs, type SmallArchive } from './small-archives.ts';

const CHANGED = 'the archive has changed since the plan was made';

/** A prune that has its plan and is about to take the lock while `change` is made. */
async function meanwhile(archive: SmallArchive, change: () => unknown, rules = KEEP_ONE): Promise<Result> {
  const { env, reached, open } = gate(archive, 'flock');
  const { end } = startRoots(['prune', '--yes', '--json', '--config', archive.config(rules)], { env });
  await reached();
  await change();
  open();
  return end;
}

describe.each(KINDS)('an archive of %s that changes after the plan', (kind, make) => {
  const take = (archive: SmallArchive, name: string): void => {
    const path = join(archive.archive, name);
    if (kind === 'btrfs') tool('btrfs', 'subvolume', 'delete', path);
    else tool('rm', '-r', path);
  };

  it('by the loss of its newest: the floor lies elsewhere now, and holds', async () => {
    const archive = closing(make());
    const result = await meanwhile(archive, () => take(archive, STAYS));
    expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'removed', [GOES_TOO]: 'failed' }]);
    expect(errors(result)).toContain(`${GOES_TOO} is not removed: ${CHANGED}, and now it stays: last 1`);
    expect(archive.names()).toEqual([GOES_TOO]);
    expect(eventsOf(logOf(archive)).at(-1)).toBe('prune 1 0 1');
  });

  it('by the loss of all but one: that one stays', async () => {
    const archive = closing(make());
    const result = await meanwhile(archive, () => [STAYS, GOES_TOO].map((name) => take(archive, name)));
    expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'failed', [GOES_TOO]: 'failed' }]);
    expect(archive.names()).toEqual([GOES]);
  });

  it('by a newer one: what was not agreed to stays, until the next time', async () => {
    const archive = closing(make());
    const newer = '2022-01-01_00:00:00';
    const result = await meanwhile(archive, () => archive.add(newer));
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(archive.names()).toEqual([STAYS, newer]);
    expect((await prune(archive.config())).status).toBe(0);
    expect(archive.names()).toEqual([newer]);
  });

  it('by a pin: it stays', async () => {
    const archive = closing(make());
    const result = await meanwhile(archive, async () => expect((await pin(archive.config(), GOES)).status).toBe(0));
    expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'failed', [GOES_TOO]: 'removed' }]);
    expect(archive.names()).toEqual([GOES, STAYS]);
  });

  it('by another prune, which has done it all: nothing is done twice, and it is told', async () => {
    const archive = closing(make());
    const result = await meanwhile(archive, async () => expect((await prune(archive.config())).status).toBe(0));
    expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'failed', [GOES_TOO]: 'failed' }]);
    expect(archive.names()).toEqual([STAYS]);
    expect(eventsOf(logOf(archive)).filter((event) => event === `removed ${GOES}`)).toHaveLength(1);
  });

  it('by an exchange of the whole archive: nothing of either is removed', async () => {
    const archive = closing(make());
    const aside = `${archive.archive}.aside`;
    const result = await meanwhile(archive, () => {
      renameSync(archive.archive, aside);
      tool('mkdir', archive.archive);
      archive.add(GOES);
      archive.add(STAYS);
    });
    expect(result.status).not.toBe(0);
    expect(archive.names()).toEqual([GOES, STAYS]);
    expect([GOES, GOES_TOO, STAYS].map((name) => digest(join(aside, name)).length > 0)).toEqual([true, true, true]);
  });
});

requires.btrfs('a subvolume that is exchanged for another of the same name after the plan', () => {
  it('stays, whatever it is', async () => {
    const archive = closing(smallBtrfs());
    const before = digest(join(archive.archive, GOES));
    const result = await meanwhile(archive, () => {
      renameSync(join(archive.archive, GOES), join(archive.top, 'moved'));
      archive.add(GOES);
    });
    expect([result.status, removals(result).map(({ result: what }) => what)]).toEqual([3, ['failed', 'removed']]);
    expect(archive.names()).toEqual([GOES, STAYS]);
    expect(digest(join(archive.top, 'moved'))).toBe(before);
  });
});
