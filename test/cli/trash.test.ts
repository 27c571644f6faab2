/** The trash: `roots prune` with a grace, what `ls` shows of it, and `roots undelete`. */
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { digest, eventsOf, inTrash, listed, logOf, ls, namesOf, outcomes, planned, prune, purged, reasonsOf, targetOf } from './answers.ts';
import { closing } from './closing.ts';
import type { Failure, List, Undeleted } from './contracts.ts';
import { standIn } from './gate.ts';
import { roots, type Result } from './roots.ts';
import { GOES, GOES_TOO, KINDS, STAYS, fillRoot, type SmallArchive } from './small-archives.ts';

const KEEP_ONE = 'keep = { last = 1 }\nprune = { grace = "1h" }';

describe.each(KINDS)('the trash of an archive of %s', (_, make) => {
  let archive: SmallArchive;
  let config: string;
  beforeEach(() => {
    archive = closing(make());
    config = archive.config(KEEP_ONE);
  });

  const at = (entry: string): string => join(archive.archive, entry);
  const entries = (): string[] => archive.names().filter((name) => name.startsWith('.roots-trash.'));
  const entryOf = (name: string): string => entries().find((entry) => entry.endsWith(`Z.${name}`)) ?? '';
  /** As if it had been put there when the stamp says. */
  const age = (name: string, stamp: string): void => renameSync(at(entryOf(name)), at(`.roots-trash.${stamp}.${name}`));
  const undelete = (...args: string[]): Promise<Result> => roots(['undelete', ...args, '--json', '--config', config]);
  const undeleted = async (...args: string[]): Promise<Undeleted> => {
    const result = await undelete(...args);
    expect([result.status, result.stdout]).toEqual([0, expect.stringContaining('"name"')]);
    return result.json as Undeleted;
  };

  it('gets what a prune with a grace removes, whole; undelete gives it back; after the grace a prune deletes it', async () => {
    const before = [GOES, GOES_TOO].map((name) => digest(at(name)));
    const result = await prune(config);
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'trashed', [GOES_TOO]: 'trashed' }]);
    expect(targetOf(result).into).toBe('trash');
    expect([GOES, GOES_TOO].map((name) => digest(at(entryOf(name))))).toEqual(before);
    expect(archive.names()).toEqual([...entries(), STAYS]);
    expect(entries().map((entry) => Math.abs(Date.now() - stampOf(entry)) < 600_000)).toEqual([true, true]);
    // Nothing more to do until it is over.
    expect(targetOf(await prune(config))).toMatchObject({ remove: [], purge: [] });

    expect(await undeleted(GOES)).toMatchObject({ name: GOES, keep: false, pinned: false });
    expect(digest(at(GOES))).toBe(before[0]);
    expect(listed(await ls(config))).toEqual([GOES, STAYS]);

    age(GOES_TOO, '20260101T000000Z');
    const last = await prune(config);
    expect([last.status, outcomes(last), purged(last)]).toEqual([0, { [GOES]: 'trashed' }, { [GOES_TOO]: 'removed' }]);
    expect(targetOf(last).purge[0]).toMatchObject({ trashedAt: '2026-01-01T00:00:00.000Z', reasons: ['grace 1h over'] });
    expect(inTrash(await ls(config))).toEqual([GOES]);
    expect(eventsOf(logOf(archive)).slice(-6)).toEqual([
      `undeleted ${GOES}`,
      `trashing ${GOES}`,
      `trashed ${GOES}`,
      `removing ${GOES_TOO}`,
      `removed ${GOES_TOO}`,
      'prune 1 1 0',
    ]);
  });

  it('is shown by ls, with when each was removed and which ones the next prune deletes', async () => {
    await prune(config);
    age(GOES, '20260101T000000Z');
    const { roots: stay, trash, unrecognised } = (await ls(config)).json as List;
    expect([namesOf(stay), unrecognised]).toEqual([[STAYS], []]);
    expect(trash).toMatchObject([
      { target: 'root', name: GOES_TOO, due: false, archivedAt: '2020-01-02T00:00:00.000Z' },
      { target: 'root', name: GOES, due: true, trashedAt: '2026-01-01T00:00:00.000Z', ref: `root:${GOES}` },
    ]);
    const { stdout } = await roots(['ls', '--config', config]);
    expect(stdout).toMatch(new RegExp(`In the trash, \`roots undelete NAME\`[^]*${GOES_TOO}[^]*${GOES} .*deleted by the next prune`));
  });

  it('is planned with: --at says when it will be deleted, and --dry-run moves nothing', async () => {
    expect(targetOf(await planned(config))).toMatchObject({ into: 'trash', remove: [{ name: GOES }, { name: GOES_TOO }], purge: [] });
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
    await prune(config);
    const later = await roots(['prune', '--at', '2046-01-01', '--json', '--config', config]);
    expect(targetOf(later).purge.map(({ name, reasons }) => [name, reasons])).toEqual([
      [GOES, ['grace 1h over']],
      [GOES_TOO, ['grace 1h over']],
    ]);
    const text = await roots(['prune', '--at', '2046-01-01', '--config', config]);
    expect(text.stdout).toContain('2 to delete from the trash');
    expect(inTrash(await ls(config)).sort()).toEqual([GOES, GOES_TOO]);
  });

  it('is left alone by a prune without a policy, and emptied at once by one without a grace', async () => {
    await prune(config);
    age(GOES, '20260101T000000Z');
    const before = archive.names();
    for (const rules of ['', 'prune = { grace = "1h" }']) expect((await prune(archive.config(rules))).status).toBe(0);
    expect(archive.names()).toEqual(before);
    // Nor is that said of it.
    expect(((await ls(archive.config(''))).json as List).trash.map(({ due }) => due)).toEqual([false, false]);
    const { stdout } = await roots(['ls', '--config', archive.config('')]);
    expect(stdout).toContain('In the trash');
    expect(stdout).not.toContain('deleted by the next prune');
    const result = await prune(archive.config('keep = { last = 1 }'));
    expect([result.status, purged(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(archive.names()).toEqual([STAYS]);
  });

  it('gives back by the start of a name, by TARGET:NAME and by `latest`', async () => {
    await prune(config);
    expect((await undeleted('2020-01-01')).name).toBe(GOES);
    expect((await undeleted(`root:${GOES_TOO}`)).name).toBe(GOES_TOO);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
    await prune(config);
    // Both were removed at once: the newer of the two.
    expect((await undeleted('latest')).name).toBe(GOES_TOO);
    age(GOES, '20260101T000000Z');
    await prune(config);
    expect((await undeleted('root:latest')).name).toBe(GOES_TOO);
  });

  it('says which ones a start of a name could be, and what there is if none', async () => {
    await prune(config);
    const before = archive.names();
    const either = await undelete('2020-01');
    expect([either.status, (either.json as Failure).error]).toEqual([
      2,
      expect.objectContaining({ kind: 'usage', hint: expect.stringContaining(`root:${GOES}`) as string }),
    ]);
    for (const ref of [STAYS, '2019', '', 'other:latest']) {
      const none = await undelete(ref);
      expect([ref, none.status, (none.json as Failure).error.kind]).toEqual([ref, 10, 'not-found']);
    }
    expect(archive.names()).toEqual(before);
    expect((await roots(['undelete', '--config', config])).status).toBe(2);
  });

  it('tells two of one name apart by the names that they have there', async () => {
    await prune(config);
    fillRoot(archive.add(GOES), 'the second of that name');
    await prune(config);
    const both = entries().filter((entry) => entry.endsWith(`.${GOES}`));
    expect(both).toHaveLength(2);
    const before = both.map((entry) => digest(at(entry)));
    const result = await undelete(GOES);
    expect(result.status).toBe(2);
    for (const entry of both) expect((result.json as Failure).error.hint).toContain(entry);
    expect((await undeleted(`root:${both[0] ?? ''}`)).name).toBe(GOES);
    expect(digest(at(GOES))).toBe(before[0]);
    expect(digest(at(both[1] ?? ''))).toBe(before[1]);
  });

  it.each([
    ['an old root', (name: string) => void archive.add(name)],
    ['an empty directory', (name: string) => mkdirSync(at(name))],
    ['a link that leads nowhere', (name: string) => symlinkSync('nowhere', at(name))],
  ])('never replaces what has the name meanwhile (%s)', async (_, occupy) => {
    await prune(config);
    occupy(GOES);
    const names = archive.names();
    const before = digest(at(entryOf(GOES)));
    const result = await undelete(GOES);
    expect([result.status, (result.json as Failure).error.message]).toEqual([
      1,
      expect.stringContaining('there is something of that name'),
    ]);
    expect(archive.names()).toEqual(names);
    expect(digest(at(entryOf(GOES)))).toBe(before);
  });

  it('says that the next prune would remove it again, and how to keep it; --pin does that', async () => {
    await prune(config);
    const { status, stdout } = await roots(['undelete', GOES, '--config', config]);
    expect(status).toBe(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      `root:${GOES} is back. The policy removes it again at the next prune (not kept by any rule). To keep it: roots pin root:${GOES}`,
    );
    const pinned = await roots(['undelete', GOES_TOO, '--pin', '--config', config]);
    expect([pinned.status, pinned.stdout]).toEqual([0, `root:${GOES_TOO} is back, and pinned.\n`]);
    const result = await prune(config);
    expect([outcomes(result), reasonsOf(result, GOES_TOO)]).toEqual([{ [GOES]: 'trashed' }, ['pinned']]);
    expect(await undeleted(GOES, '--pin')).toMatchObject({ keep: true, reasons: ['pinned'], pinned: true });
    expect((await prune(config)).status).toBe(0);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });

  it('gives back also if the run is killed right after its rename, and the next prune writes that down', async () => {
    await prune(config);
    const PATH = standIn(join(archive.scratch, 'bin'), 'mv', '"$real" "$@"; kill -s KILL "$PPID"');
    const { signal } = await roots(['undelete', GOES, '--config', config], { env: { PATH } });
    expect(signal).toBe('SIGKILL');
    expect(listed(await ls(config))).toEqual([GOES, STAYS]);
    expect(eventsOf(logOf(archive)).at(-1)).toBe(`undeleting ${GOES}`);

    expect((await prune(archive.config('keep = { last = 9 }\nprune = { grace = "1h" }'))).status).toBe(0);
    expect(listed(await ls(config))).toEqual([GOES, STAYS]);
    expect(eventsOf(logOf(archive)).slice(-3)).toEqual([`undeleting ${GOES}`, `undeleted ${GOES}`, 'prune 0 0 0']);
    expect(logOf(archive).at(-2)).toMatchObject({ notes: ['the run that began this was cut short'] });
  });

  it('is told of to people: what goes there and for how long', async () => {
    const { stdout, status } = await roots(['prune', '--yes', '--config', config]);
    expect(status).toBe(0);
    expect(stdout).toContain('2 old roots to put into the trash for 1h');
    expect(stdout).toMatch(new RegExp(`^trashed {2}root:${GOES} {2}not kept by any rule$`, 'm'));
    expect(stdout).toContain('2 old roots put into the trash.');
  });
});

function stampOf(entry: string): number {
  const [, year, month, day, hour, minute, second] = /\.(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\./.exec(entry) ?? [];
  return Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`);
}
