/** What an earlier run left on its way out: finished if it was to go, given its name back if not, and told of once. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requires } from '../support/requirements.ts';
import { digest, eventsOf, listed, logOf, ls, namesOf, outcomes, prune, targetOf } from './answers.ts';
import { closing } from './closing.ts';
import type { List, LogLine } from './contracts.ts';
import { roots } from './roots.ts';
import { FILE, GOES, GOES_TOO, KINDS, STAYS, smallBtrfs, type SmallArchive } from './small-archives.ts';

const LEFT = `.roots-removing.0.${GOES}`;
const BEGUN = `.roots-deleting.0.${GOES}`;
const KEEP_ALL = 'keep = { last = 9 }';
const CUT_SHORT = 'the run that began this was cut short';

const rename = ({ archive }: SmallArchive, from: string, to: string): void => renameSync(join(archive, from), join(archive, to));
/** What is said of one old root. */
const linesOf = (archive: SmallArchive, name: string): LogLine[] => logOf(archive).filter((line) => 'name' in line && line.name === name);

/** As a run leaves the log that is killed before it can tell the end of what it announced. */
async function announce(archive: SmallArchive, name: string): Promise<void> {
  expect((await prune(archive.config(KEEP_ALL))).status).toBe(0);
  const { id } = ((await ls(archive.config())).json as List).roots.find((each) => each.name === name)!;
  const file = join(archive.archive, '.roots/log.jsonl');
  const line = { at: '2026-01-01T00:00:00.000Z', run: 'the one that was killed', event: 'removing', name, id, reasons: ['mine'] };
  writeFileSync(file, `${readFileSync(file, 'utf8')}${JSON.stringify(line)}\n`);
}

describe.each(KINDS)('what an earlier run left on its way out of an archive of %s', (kind, make) => {
  it('is finished by the next if it was announced, and the log tells of its end once', async () => {
    const archive = closing(make());
    const config = archive.config();
    await announce(archive, GOES);
    rename(archive, GOES, LEFT);

    const told = await roots(['ls', '--config', config]);
    expect(told.stdout).toContain('1 on the way out when a run was cut short; the next prune goes on with that');
    const result = await prune(config);
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES_TOO]: 'removed' }]);
    expect(targetOf(result).leftovers).toEqual([{ name: GOES, result: 'removed', error: null }]);
    expect(archive.names()).toEqual([STAYS]);
    const log = logOf(archive).slice(2);
    expect(eventsOf(log)).toEqual([`removed ${GOES}`, `removing ${GOES_TOO}`, `removed ${GOES_TOO}`, 'prune 1 0 0']);
    expect(log[0]).toMatchObject({ reasons: ['mine'], notes: [CUT_SHORT] });

    expect(targetOf(await prune(config)).leftovers).toEqual([]);
    expect(eventsOf(linesOf(archive, GOES))).toEqual([`removing ${GOES}`, `removed ${GOES}`]);
  });

  it('is told of as failed if it was announced and nothing was done, and goes now', async () => {
    const archive = closing(make());
    await announce(archive, GOES);
    const result = await prune(archive.config());
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(eventsOf(linesOf(archive, GOES))).toEqual([`removing ${GOES}`, `failed ${GOES}`, `removing ${GOES}`, `removed ${GOES}`]);
    expect(linesOf(archive, GOES)[1]).toMatchObject({ error: 'cut short', notes: [CUT_SHORT] });
  });

  it('has its name back if nothing says that it was to go: whole, told of, and in the log as failed', async () => {
    const archive = closing(make());
    const before = digest(join(archive.archive, GOES));
    rename(archive, GOES, LEFT);
    const result = await prune(archive.config());
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES_TOO]: 'removed' }]);
    const why = expect.stringContaining('nothing says that it was to go') as string;
    expect(targetOf(result).leftovers).toEqual([{ name: GOES, result: 'restored', error: why }]);
    expect(archive.names()).toEqual([GOES, STAYS]);
    expect(digest(join(archive.archive, GOES))).toBe(before);
    expect(linesOf(archive, GOES)).toEqual([expect.objectContaining({ event: 'failed', error: why, notes: [CUT_SHORT] })]);

    rename(archive, GOES, LEFT);
    const { status, stdout } = await roots(['prune', '--yes', '--config', archive.config(KEEP_ALL)]);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`root: the removal of ${GOES}, which an earlier run began, is undone: `)]);
    expect(listed(await ls(archive.config()))).toEqual([GOES, STAYS]);
  });

  it('is finished if something of it is deleted already, announced or not', async () => {
    const archive = closing(make());
    rmSync(join(archive.archive, GOES, FILE));
    rename(archive, GOES, BEGUN);
    expect(listed(await ls(archive.config()))).toEqual([GOES_TOO, STAYS]);
    const { status, stdout } = await roots(['prune', '--yes', '--config', archive.config(KEEP_ALL)]);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`root: the removal of ${GOES}, which an earlier run began, is finished`)]);
    expect(archive.names()).toEqual([GOES_TOO, STAYS]);
    expect(eventsOf(linesOf(archive, GOES))).toEqual([`removed ${GOES}`]);
  });

  it('is no matter of undelete, which says nothing of it in the log', async () => {
    const archive = closing(make());
    const trashed = `.roots-trash.20260101T000000Z.${GOES_TOO}`;
    await announce(archive, GOES);
    rename(archive, GOES, LEFT);
    rename(archive, GOES_TOO, trashed);
    const config = archive.config(`${KEEP_ALL}\nprune = { grace = "10y" }`);
    expect((await roots(['undelete', GOES_TOO, '--config', config])).status).toBe(0);
    expect(archive.names()).toEqual([LEFT, GOES_TOO, STAYS]);
    expect(eventsOf(logOf(archive)).slice(1)).toEqual([`removing ${GOES}`, `undeleting ${GOES_TOO}`, `undeleted ${GOES_TOO}`]);
    const result = await prune(config);
    expect(targetOf(result).leftovers).toEqual([{ name: GOES, result: 'removed', error: null }]);
    expect(eventsOf(logOf(archive)).slice(4)).toEqual([`removed ${GOES}`, 'prune 0 0 0']);
  });

  it('is none of ours if it is a link or a file, whatever it is called: it is left alone, and nothing has failed', async () => {
    const archive = closing(make());
    const outside = join(archive.scratch, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'mine'), 'mine\n');
    const links = ['.roots-removing.x', '.roots-removing.1.link', '.roots-deleting.1.link'];
    const files = ['.roots-removing.2.file', '.roots-deleting.2.file'];
    // Of directories one of that name is what a run leaves.
    const folders = kind === 'btrfs' ? ['.roots-removing.3.folder', '.roots-deleting.3.folder'] : [];
    for (const name of links) symlinkSync(outside, join(archive.archive, name));
    for (const name of files) writeFileSync(join(archive.archive, name), 'mine\n');
    for (const name of folders) mkdirSync(join(archive.archive, name, 'mine'), { recursive: true });
    const strange = [...links, ...files, ...folders].sort();
    for (const round of [1, 2]) {
      const result = await prune(archive.config());
      expect([round, result.status, targetOf(result).leftovers]).toEqual([round, 0, []]);
      expect(namesOf(targetOf(result).skipped).sort()).toEqual(strange);
      expect(archive.names()).toEqual([...strange, STAYS].sort());
    }
    expect(readFileSync(join(outside, 'mine'), 'utf8')).toBe('mine\n');
    expect(logOf(archive).filter(({ event }) => event === 'failed')).toEqual([]);
    const { stdout } = await roots(['prune', '--dry-run', '--config', archive.config()]);
    for (const name of strange) expect(stdout).toMatch(new RegExp(`^left alone: ${name.replaceAll('.', String.raw`\.`)} \\(`, 'm'));
  });
});

requires.btrfs('what an earlier run left on btrfs, mounted by now', () => {
  it('stays if something of it is deleted: it is told of, the status is 3, and it goes when it can', async () => {
    const archive = closing(smallBtrfs());
    archive.create(`old_roots/${BEGUN}`);
    mkdirSync(join(archive.archive, BEGUN, 'etc'));
    archive.image.mount({ subvolume: `old_roots/${BEGUN}` }, join(archive.scratch, 'at'));
    const result = await prune(archive.config());
    expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(targetOf(result).leftovers).toEqual([
      { name: GOES, result: 'failed', error: expect.stringContaining(`mounted at ${join(archive.scratch, 'at')}`) as string },
    ]);
    expect(archive.names()).toEqual([BEGUN, STAYS]);
    archive.image.unmount(join(archive.scratch, 'at'));
    expect((await prune(archive.config())).status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });

  it('has its name back if it is whole, though it was to go', async () => {
    const archive = closing(smallBtrfs());
    const before = digest(join(archive.archive, GOES));
    await announce(archive, GOES);
    rename(archive, GOES, LEFT);
    archive.image.mount({ subvolume: `old_roots/${LEFT}` }, join(archive.scratch, 'at'));
    const result = await prune(archive.config(KEEP_ALL));
    expect([result.status, targetOf(result).leftovers]).toEqual([
      0,
      [{ name: GOES, result: 'restored', error: expect.stringContaining('mounted') as string }],
    ]);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
    expect([digest(join(archive.archive, GOES)), readFileSync(join(archive.scratch, 'at', FILE), 'utf8')]).toEqual([
      before,
      `notes of ${GOES}\n`,
    ]);
    expect(eventsOf(linesOf(archive, GOES))).toEqual([`removing ${GOES}`, `failed ${GOES}`]);
  });
});
