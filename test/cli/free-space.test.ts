/** `min_free`: old roots go, oldest first, until there is enough; and what a full filesystem still can do. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { beforeEach, expect, it } from 'vitest';
import { ready, start, until } from '../backend-suite/processes.ts';
import { canMountImages } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { digestsOf, eventsOf, logOf, namesOf, outcomes, pin, planned, prune, purged, targetOf } from './answers.ts';
import { closing, gate, killing } from './closing.ts';
import { MIB, allSpace, fillUp, freeBytes, writeData } from './filling.ts';
import { KEYS, onTerminal } from './on-terminal.ts';
import { roots, startRoots } from './roots.ts';
import { GOES, GOES_TOO, KEEP_ONE, STAYS, smallBtrfs, smallExt4, type SmallArchive, type SmallBtrfs } from './small-archives.ts';

const GOES_LAST = '2020-01-03_00:00:00';
const ALL = [GOES, GOES_TOO, GOES_LAST, STAYS];
/** Mebibytes that each old root has for itself. */
const EACH = 16;

requires.btrfs('min_free on btrfs', () => {
  let archive: SmallBtrfs;
  let free: number;
  beforeEach(() => {
    archive = closing(smallBtrfs({ sizeMiB: 256 }));
    archive.add(GOES_LAST);
    for (const name of ALL) writeData(join(archive.archive, name, 'var/data'), EACH);
    tool('btrfs', 'filesystem', 'sync', archive.top);
    free = freeBytes(archive.top);
  });

  /** So much more than what is free now. */
  const wanting = (mib: number, more = ''): string =>
    archive.config(`keep = { last = 1 }\nprune = { min_free = "${String(Math.floor(free / MIB) + mib)}M"${more} }`);
  /** As much as there is in all, which is never free: all that may go goes. */
  const wantingAll = (): string => archive.config(`keep = { last = 1 }\nprune = { min_free = "${allSpace(archive.top)}" }`);
  const trashEntry = (name: string, stamp: string): void =>
    renameSync(join(archive.archive, name), join(archive.archive, `.roots-trash.${stamp}.${name}`));

  it('removes the oldest first and no more than it takes; the space is there when it ends', async () => {
    const config = wanting(EACH + EACH / 2);
    const result = await prune(config);
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    const { space, remove } = targetOf(result);
    expect(freeBytes(archive.top)).toBeGreaterThanOrEqual(space?.wantedBytes ?? Number.NaN);
    expect(space?.freeBytes).toBeGreaterThanOrEqual(space?.wantedBytes ?? Number.NaN);
    expect(space?.short).toBeNull();
    for (const { reasons } of remove) expect(reasons.join()).toMatch(/^free space below \d+M$/);
    expect(archive.names()).toEqual([GOES_LAST, STAYS]);
    expect(eventsOf(logOf(archive))).toEqual([
      `removing ${GOES}`,
      `removed ${GOES}`,
      `removing ${GOES_TOO}`,
      `removed ${GOES_TOO}`,
      'prune 2 0 0',
    ]);
    // Now there is enough.
    expect(targetOf(await prune(config))).toMatchObject({ remove: [], space: { ifNeeded: [], short: null } });
    expect(archive.names()).toEqual([GOES_LAST, STAYS]);
  });

  it('is enough as it is: nothing goes, and it says so', async () => {
    const config = archive.config('keep = { last = 1 }\nprune = { min_free = "1M" }');
    const { stdout, status } = await roots(['prune', '--yes', '--config', config]);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/ are free, which is enough \(1M\)\./)]);
    expect(archive.names()).toEqual(ALL);
  });

  it('is planned as what may go: a dry run changes nothing', async () => {
    const config = wanting(EACH);
    const plan = targetOf(await planned(config));
    expect([plan.remove, namesOf(plan.keep), namesOf(plan.space?.ifNeeded ?? [])]).toEqual([
      [],
      ALL.toReversed(),
      [GOES, GOES_TOO, GOES_LAST],
    ]);
    const { stdout } = await roots(['prune', '--dry-run', '--config', config]);
    expect(stdout.match(/^if needed /gm)).toHaveLength(3);
    expect(stdout).toMatch(/ are wanted: up to 3 old roots may go for it, one by one\./);
    // Nobody knows how much will be free then.
    expect(targetOf(await roots(['prune', '--at', '2046-01-01', '--json', '--config', config])).space).toBeNull();
    expect(archive.names()).toEqual(ALL);
  });

  it('stops at the floor, and says that it is not enough', async () => {
    const config = wantingAll();
    const { status, stdout } = await roots(['prune', '--yes', '--config', config]);
    expect([status, stdout]).toEqual([3, expect.not.stringMatching(/^failed/m)]);
    expect(archive.names()).toEqual([STAYS]);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/root: .* are free, less than .*: nothing more may go\./);
    const again = await prune(config);
    expect([again.status, targetOf(again).space?.short]).toEqual([3, 'nothing more may go']);
  });

  it('takes nothing for more than the filesystem has', async () => {
    const config = wanting(400);
    const { status, stdout } = await roots(['prune', '--yes', '--config', config]);
    expect([status, stdout.replaceAll(/\s+/g, ' ')]).toEqual([
      3,
      expect.stringMatching(/ are wanted, which there can never be: nothing goes for it\./),
    ]);
    expect(archive.names()).toEqual(ALL);
    expect(eventsOf(logOf(archive))).toEqual(['prune 0 0 0']);
  });

  it('takes what is in the trash first, that which is there for the longest before all', async () => {
    trashEntry(GOES_LAST, '20261101T000000Z');
    trashEntry(GOES_TOO, '20261102T000000Z');
    const config = wanting(EACH / 2, ', grace = "10y"');
    const result = await prune(config);
    expect([result.status, outcomes(result), purged(result)]).toEqual([0, {}, { [GOES_LAST]: 'removed' }]);
    expect(archive.names()).toEqual([`.roots-trash.20261102T000000Z.${GOES_TOO}`, GOES, STAYS]);
  });

  it('deletes what a grace has just put into the trash before it takes older ones from the archive, and says so before', async () => {
    // The newest two of their months stay, and the oldest of all, since there are no three months.
    const config = archive.config(
      `keep = { last = 1, monthly = 3 }\nprune = { min_free = "${String(Math.floor(free / MIB) + EACH / 2)}M", grace = "10y" }`,
    );
    const plan = targetOf(await planned(config));
    expect([namesOf(plan.remove), plan.into, plan.purge]).toEqual([[GOES_TOO], 'trash', []]);
    expect(plan.space?.ifNeeded.map(({ name, inTrash }) => [name, inTrash])).toEqual([
      [GOES_TOO, false],
      [GOES, false],
      [GOES_LAST, false],
    ]);
    const { output } = await onTerminal(['prune', '--config', config], {
      answers: [{ when: /Put 1 old root into the trash and delete up to 3 old roots until there is space\?/, type: `n${KEYS.enter}` }],
    });
    expect(stripVTControlCharacters(output).replaceAll(/\s+/g, ' ')).toMatch(/deleted at once if \d+M is not free/);
    expect(archive.names()).toEqual(ALL);

    const result = await prune(config);
    expect([result.status, outcomes(result), purged(result)]).toEqual([0, { [GOES_TOO]: 'trashed' }, { [GOES_TOO]: 'removed' }]);
    expect(archive.names()).toEqual([GOES, GOES_LAST, STAYS]);
    expect(eventsOf(logOf(archive))).toEqual([
      `trashing ${GOES_TOO}`,
      `trashed ${GOES_TOO}`,
      `removing ${GOES_TOO}`,
      `removed ${GOES_TOO}`,
      'prune 1 1 0',
    ]);
  });

  it('leaves what is pinned and what is mounted', async () => {
    const config = wantingAll();
    expect((await pin(config, GOES)).status).toBe(0);
    archive.image.mount({ subvolume: `old_roots/${GOES_TOO}` }, join(archive.scratch, 'at'));
    const result = await prune(config);
    expect([result.status, outcomes(result), targetOf(result).space?.short]).toEqual([
      3,
      { [GOES_LAST]: 'removed' },
      'nothing more may go',
    ]);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });

  it('counts what really came back: an old root that shares all its data frees nothing, and the next goes too', async () => {
    // What is in two of them is there once.
    tool('cp', '--reflink=always', join(archive.archive, STAYS, 'var/data'), join(archive.archive, GOES, 'var/data'));
    tool('btrfs', 'filesystem', 'sync', archive.top);
    await settled(archive);
    free = freeBytes(archive.top);
    const result = await prune(wanting(EACH / 2));
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(archive.names()).toEqual([GOES_LAST, STAYS]);
  });

  it('is stopped by a signal between two, and says so', async () => {
    const { env, reached, open } = gate(archive, 'nsenter', '*"subvolume delete"*');
    const { child, end } = startRoots(['prune', '--yes', '--config', wantingAll()], { env });
    await reached();
    child.kill('SIGTERM');
    open();
    const { status, stdout } = await end;
    expect(status).toBe(130);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/are free, less than .*: stopped\./);
    expect(archive.names()).toEqual([GOES_TOO, GOES_LAST, STAYS]);
  });

  it(
    'removes nothing more while what has gone is still open somewhere, and goes on when its space is back',
    { timeout: 180_000 },
    async () => {
      const config = wanting(EACH / 2);
      const holder = killing(start('sh', ['-c', 'exec 9<"$1" && echo ready && exec cat', 'sh', join(archive.archive, GOES, 'var/data')]));
      await ready(holder);
      // The first one is stopped while it waits; the second waits to the end of its patience.
      const first = startRoots(['prune', '--yes', '--config', config]);
      await until('the removal of the first', () => archive.names().length === 3);
      first.child.kill('SIGTERM');
      expect((await first.end).status).toBe(130);
      expect(archive.names()).toEqual([GOES_TOO, GOES_LAST, STAYS]);

      const second = await prune(config);
      expect([second.status, outcomes(second), targetOf(second).space?.short]).toEqual([0, {}, 'space is still coming back']);
      expect(archive.names()).toEqual([GOES_TOO, GOES_LAST, STAYS]);
      await holder.kill();
      const third = await prune(config);
      expect([third.status, outcomes(third), targetOf(third).space?.short]).toEqual([0, {}, null]);
      expect(archive.names()).toEqual([GOES_TOO, GOES_LAST, STAYS]);
    },
  );
});

/** A path of btrfs from which nothing is being cleaned any more. */
async function settled({ top }: SmallArchive): Promise<void> {
  for (let last = -1; last !== freeBytes(top);) {
    last = freeBytes(top);
    tool('btrfs', 'filesystem', 'sync', top);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

requires.btrfs('a btrfs on which nothing more can be written', () => {
  let archive: SmallBtrfs;
  beforeEach(() => {
    archive = closing(smallBtrfs({ sizeMiB: 256 }));
    for (const name of [GOES, GOES_TOO, STAYS]) writeData(join(archive.archive, name, 'var/data'), EACH);
    fillUp(join(archive.live, 'full'));
    expect(freeBytes(archive.top)).toBeLessThan(2 * MIB);
  });

  it('has space again after a prune', async () => {
    const stays = digestsOf(archive)[STAYS];
    const result = await prune(archive.config());
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(digestsOf(archive)).toEqual({ [STAYS]: stays });
    await settled(archive);
    expect(freeBytes(archive.top)).toBeGreaterThan(1.5 * EACH * MIB);
  });

  it('has what min_free says after a prune with a grace', async () => {
    const result = await prune(archive.config(`keep = { last = 1 }\nprune = { min_free = "${String(EACH / 2)}M", grace = "7d" }`));
    expect([result.status, outcomes(result)[GOES]]).toEqual([0, 'removed']);
    expect(freeBytes(archive.top)).toBeGreaterThanOrEqual((EACH / 2) * MIB);
    expect(archive.names()).toContain(STAYS);
  });
});

requires.root('an ext4 on which nothing more can be written', () => {
  const ext4 = canMountImages('ext4');
  it.skipIf(!ext4)(
    'has space again after a prune of directories, and what could not be logged before is logged then',
    { meta: { needs: 'ext4' } },
    async () => {
      const archive = closing(smallExt4({ sizeMiB: 64 }));
      for (const name of [GOES, GOES_TOO, STAYS]) writeData(join(archive.archive, name, 'var/data'), 4);
      fillUp(join(archive.top, 'full'));
      const free = freeBytes(archive.top);
      const { [STAYS]: stays } = digestsOf(archive);
      const result = await prune(archive.config(KEEP_ONE));
      expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
      expect(digestsOf(archive)).toEqual({ [STAYS]: stays });
      expect(freeBytes(archive.top) - free).toBeGreaterThanOrEqual(4 * MIB);
      // As soon as there was space, what could not be written before was.
      expect(eventsOf(logOf(archive)).at(-1)).toBe('prune 2 0 0');
      expect(targetOf(result).warnings).toEqual([]);
    },
  );
});
