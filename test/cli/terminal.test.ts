/** The questions of `prune` and `restore`, on a pseudo-terminal. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { KEYS, onTerminal } from './on-terminal.ts';
import { writeDirectoryConfig } from './roots.ts';

describe('on a terminal', () => {
  let directory: DirectoryArchive;
  let config: string[];
  beforeAll(async () => {
    directory = await buildDirectoryArchive({ now: new Date() });
    config = ['--config', writeDirectoryConfig(directory, '[targets.root.keep]\nlast = 4')];
  });
  afterAll(() => directory.close());

  const REMOVE = /Delete 6 old roots for good\?/;
  const REPLACE = /Restore this, replacing what exists\?/;
  const file = (): string => join(directory.live, 'etc/machine-id');

  it.each([
    ['no', 'n', 0],
    ['nothing but Enter', '', 0],
  ])('prune shows its plan and asks; at %s it removes nothing', async (_, answer, expected) => {
    const before = directory.snapshotState();
    const { status, output } = await onTerminal(['prune', ...config], { answers: [{ when: REMOVE, type: `${answer}${KEYS.enter}` }] });
    expect(output.indexOf('6 old roots to remove')).toBeGreaterThan(-1);
    expect(output.indexOf('6 old roots to remove')).toBeLessThan(output.search(REMOVE));
    expect(status).toBe(expected);
    expect(directory.snapshotState()).toEqual(before);
  });

  it.each([
    [80, false],
    [100, true],
  ])(
    'prune names each with its reasons on a screen of %j columns; when it was archived, which most names say, needs 100',
    async (columns, isWide) => {
      const { output } = await onTerminal(['prune', '--dry-run', ...config], { columns });
      const table = stripVTControlCharacters(output).split('\n');
      for (const [name, word, reason] of [
        ...directory.roots.slice(0, 6).map((root) => [root.name, 'remove', 'not kept by any rule'] as const),
        ...directory.roots.slice(6).map((root) => [root.name, 'keep', 'last 4'] as const),
      ]) {
        const line = table.find((each) => each.includes(` ${name} `)) ?? '';
        expect(line).toMatch(new RegExp(`^${word} +${name} .* ${reason}$`));
      }
      expect(output.includes('archived')).toBe(isWide);
      expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(columns);
    },
  );

  it('prune ends with 130 at Ctrl-C, and removes nothing', async () => {
    const before = directory.snapshotState();
    const { status, output } = await onTerminal(['prune', ...config], { answers: [{ when: REMOVE, type: KEYS.ctrlC }] });
    expect(status).toBe(130);
    expect(output).not.toMatch(/Error|\bat .*\.js:\d/);
    expect(directory.snapshotState()).toEqual(before);
  });

  it('prune never asks what it has not shown: with --json it wants --yes', async () => {
    const before = directory.snapshotState();
    const { status, output } = await onTerminal(['prune', '--json', ...config], { answers: [{ when: REMOVE, type: KEYS.ctrlC }] });
    expect(output).not.toMatch(REMOVE);
    expect([status, JSON.parse(output)]).toMatchObject([2, { error: { kind: 'usage', hint: expect.stringContaining('--yes') as string } }]);
    expect(directory.snapshotState()).toEqual(before);
  });

  it('prune removes its plan at yes', async () => {
    const { status, output } = await onTerminal(['prune', ...config], { answers: [{ when: REMOVE, type: `y${KEYS.enter}` }] });
    expect(status).toBe(0);
    expect(output).toContain('6 old roots removed.');
    expect(directory.roots.map(({ name }) => existsSync(join(directory.archive, name)))).toEqual([
      ...Array<boolean>(6).fill(false),
      ...Array<boolean>(4).fill(true),
    ]);
  });

  it('prune that has nothing to do asks nothing', async () => {
    const { status, output } = await onTerminal(['prune', ...config]);
    expect([status, output.includes('?')]).toEqual([0, false]);
  });

  it.each([
    ['n', 'no', 0],
    [KEYS.ctrlC, 'Ctrl-C', 130],
  ])('restore asks before it replaces; at %j (%s) nothing changes', async (answer, _, expected) => {
    writeFileSync(file(), 'mine\n');
    const type = answer === KEYS.ctrlC ? answer : `${answer}${KEYS.enter}`;
    const { status, output } = await onTerminal(['restore', file(), '--overwrite', ...config], { answers: [{ when: REPLACE, type }] });
    expect(output).toMatch(/replace {2}\S*etc\/machine-id/);
    expect(status).toBe(expected);
    expect(readFileSync(file(), 'utf8')).toBe('mine\n');
  });

  it('restore with --json never asks what it has not shown', async () => {
    writeFileSync(file(), 'mine\n');
    const { status, output } = await onTerminal(['restore', file(), '--overwrite', '--json', ...config], {
      answers: [{ when: /\(y\/N\)/, type: KEYS.ctrlC }],
    });
    expect([status, JSON.parse(output)]).toMatchObject([2, { error: { kind: 'usage', hint: expect.stringContaining('--yes') as string } }]);
    expect(readFileSync(file(), 'utf8')).toBe('mine\n');
  });

  it('restore replaces at yes', async () => {
    const { status } = await onTerminal(['restore', file(), '--overwrite', ...config], {
      answers: [{ when: REPLACE, type: `y${KEYS.enter}` }],
    });
    expect(status).toBe(0);
    expect(readFileSync(file(), 'utf8')).not.toBe('mine\n');
  });

  const NEWEST = /the newest that has it/;

  it('restore asks for what it was not told', async () => {
    const lost = join(directory.live, directory.lostFile.path);
    rmSync(lost, { force: true });
    const answers = [
      { when: NEWEST, type: KEYS.enter },
      { when: /What should come back\?/, type: `${lost}${KEYS.enter}` },
      { when: /Restore this\?/, type: `y${KEYS.enter}` },
    ];
    const { status, output } = await onTerminal(['restore', ...config], { answers });
    expect(output).toContain(`root:${directory.lostFile.root}`);
    expect(status).toBe(0);
    expect(readFileSync(lost, 'utf8')).toBe('The only copy there is.\n');
  });

  it('restore without a path picks from an old root as browse does', async () => {
    const lost = join(directory.live, directory.lostFile.path);
    rmSync(lost, { force: true });
    const answers = [
      { when: NEWEST, type: directory.lostFile.root },
      { when: new RegExp(`root:${directory.lostFile.root}`), type: KEYS.enter },
      { when: /back to the old roots/, type: 'thesis' },
      { when: /thesis-draft\.txt/, type: KEYS.enter },
      { when: /Preview/, type: `${KEYS.down}${KEYS.down}${KEYS.enter}` },
      { when: /Restore this\?/, type: `y${KEYS.enter}` },
    ];
    const { status } = await onTerminal(['restore', ...config], { answers });
    expect(status).toBe(0);
    expect(readFileSync(lost, 'utf8')).toBe('The only copy there is.\n');
  });

  it('restore can be left at each of its questions', async () => {
    const lost = join(directory.live, directory.lostFile.path);
    rmSync(lost, { force: true });
    const first = { when: NEWEST, type: KEYS.enter };
    const second = { when: /What should come back\?/, type: `${lost}${KEYS.enter}` };
    for (const before of [[], [first], [first, second]]) {
      const when = [NEWEST, /What should come back\?/, /Restore this\?/][before.length]!;
      const { status } = await onTerminal(['restore', ...config], { answers: [...before, { when, type: KEYS.ctrlC }] });
      expect([before.length, status, existsSync(lost)]).toEqual([before.length, 130, false]);
    }
  });

  it('restore changes nothing if what is asked is left by Escape', async () => {
    const before = directory.snapshotState();
    const { status, output } = await onTerminal(['restore', ...config], { answers: [{ when: NEWEST, type: KEYS.escape }] });
    expect([status, output.includes('Nothing was changed.')]).toEqual([0, true]);
    expect(directory.snapshotState()).toEqual(before);
  });
});
