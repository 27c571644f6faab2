/** What must hold of what goes and what stays, because somebody could lose data where it does not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { requires } from '../support/requirements.ts';
import { atProcessEnd, tool } from '../support/scratch.ts';
import { digest, errors, eventsOf, listed, logOf, ls, outcomes, planned, prune, reasonsOf } from './answers.ts';
import { closers, closing } from './closing.ts';
import { roots } from './roots.ts';
import { FILE, GOES, GOES_TOO, KEEP_ONE, KINDS, STAYS, fillRoot, smallBtrfs, type SmallBtrfs } from './small-archives.ts';

const AN_OLD_AGE = 'prune = { max_age = "1y" }';

describe.each(KINDS)('the plan for an archive of %s', (kind, make) => {
  it('keeps what was archived when the clock had not been set: implausible time', async () => {
    const archive = closing(make());
    const names = ['1970-01-01_00:00:12', '1970-01-01T00:00:12Z', '2014-12-31_23:59:59', '1000000000'];
    for (const name of names) archive.add(name);
    for (const rules of [AN_OLD_AGE, KEEP_ONE, `${AN_OLD_AGE}\nkeep = { last = 1 }`]) {
      const result = await planned(archive.config(rules));
      for (const name of names)
        expect([rules, name, reasonsOf(result, name)]).toEqual([rules, name, expect.arrayContaining(['implausible time'])]);
    }
    const result = await prune(archive.config(`${AN_OLD_AGE}\nkeep = { last = 1 }`));
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(archive.names()).toEqual([...names, STAYS].sort());
  });

  it.each(['root', '@root', '@', 'rootfs'])(
    'keeps one that holds a whole root by the name %s, whatever the live root is called',
    async (name) => {
      const archive = closing(make());
      const nested = kind === 'btrfs' ? (archive as SmallBtrfs).create(`old_roots/${GOES}/${name}`) : join(archive.archive, GOES, name);
      fillRoot(nested, 'the other one');
      const config = archive.config();
      writeFileSync(
        config,
        readFileSync(config, 'utf8').replace(/live = "[^"]*"/, kind === 'btrfs' ? 'live = "@live"' : `live = "${archive.scratch}/@live"`),
      );
      const result = await prune(config);
      expect(reasonsOf(result, GOES)).toContain('nested root');
      expect([result.status, outcomes(result)]).toEqual([0, { [GOES_TOO]: 'removed' }]);
      expect(readFileSync(join(nested, FILE), 'utf8')).toBe('notes of the other one\n');
    },
  );

  it('takes only the prefixes that snippets write for such', async () => {
    const archive = closing(make());
    const [ours, others] = [
      ['root.bak-1730737370', '@root.bak-1730737371', 'rootfs.bak-1730737372', 'home.bak-1730737373', '@home.bak-1730737374'],
      [
        'important.bak-1730737370',
        'Root.bak-1730737370',
        'my-root.bak-1730737370',
        '.bak-1730737370',
        '@@root.bak-1730737370',
        '@1730737370',
      ],
    ];
    for (const name of [...ours, ...others]) archive.add(name);
    expect(listed(await ls(archive.config()))).toEqual([GOES, GOES_TOO, STAYS, ...ours].sort());
    expect((await prune(archive.config())).status).toBe(0);
    // The newest is the floor.
    expect(archive.names()).toEqual([ours.at(-1), ...others].sort());
  });
});

describe.each(KINDS)('a prune of %s whose output is lost', (_, make) => {
  it.each([[[]], [['--json']]])('(%j, onto a full disk) removes all the same, and ends with 1', async (flags) => {
    const archive = closing(make());
    const { status, stdout } = await roots(['prune', '--yes', ...flags, '--config', archive.config()], {
      within: ['sh', '-c', 'exec "$@" >/dev/full', 'sh'],
    });
    expect([status, stdout]).toEqual([1, '']);
    expect(archive.names()).toEqual([STAYS]);
    expect(eventsOf(logOf(archive)).at(-1)).toBe('prune 2 0 0');
  });
});

requires.btrfs('an outer subvolume', () => {
  let archive: SmallBtrfs;
  let disk: string;
  let config: string;
  beforeEach(() => {
    archive = closing(smallBtrfs());
    disk = join(archive.create(`old_roots/${GOES}/var/machines`), 'disk.img');
    writeFileSync(disk, Buffer.alloc(1 << 20, 'the disk of a container'));
    archive.create(`old_roots/${GOES}/var/machines/inner`);
    config = archive.config();
  });

  const staysWithAll = async (why: string, then: () => unknown, also: readonly string[] = []): Promise<void> => {
    const before = digest(join(archive.archive, GOES));
    const result = await prune(config);
    expect([result.status, outcomes(result)[GOES]]).toEqual([3, 'failed']);
    expect(errors(result)).toContain(why);
    expect(digest(join(archive.archive, GOES))).toBe(before);
    expect(lstatSync(dirname(disk)).ino).toBe(256);
    expect(archive.names()).toEqual([GOES, ...also, STAYS]);
    await then();
    const done = await prune(config);
    expect([done.status, outcomes(done)[GOES]]).toEqual([0, 'removed']);
    expect(archive.names()).toEqual([STAYS]);
  };

  it('goes with all that is nested in it when it can, and that is told', async () => {
    const note = 'with what was nested in it: var/machines/inner, var/machines';
    const { status, stdout } = await roots(['prune', '--yes', '--config', config]);
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^removed {2}root:${GOES} {2}not kept by any rule\n +${note}$`, 'm')),
    ]);
    expect(archive.names()).toEqual([STAYS]);
    expect(logOf(archive).find((line) => line.event === 'removed' && line.name === GOES)).toMatchObject({ notes: [note] });
  });

  it('because it is the default one keeps what is nested in it', async () => {
    tool('btrfs', 'subvolume', 'set-default', archive.idOf(`old_roots/${GOES}`), archive.top);
    await staysWithAll('cannot be removed', () => tool('btrfs', 'subvolume', 'set-default', '5', archive.top));
  });

  it('because it is being sent keeps what is nested in it', async () => {
    // More than the pipe takes, and nobody reads it.
    writeFileSync(join(archive.archive, GOES, 'large'), Buffer.alloc(2 << 20, 1));
    tool('btrfs', 'property', 'set', '-ts', join(archive.archive, GOES), 'ro', 'true');
    const sender = spawn('btrfs', ['--quiet', 'send', join(archive.archive, GOES)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const forget = atProcessEnd(() => sender.kill('SIGKILL'));
    const gone = once(sender, 'exit');
    const end = async (): Promise<void> => {
      sender.kill('SIGKILL');
      await gone;
      forget();
    };
    closers.push(end);
    await once(sender.stdout, 'readable');
    await staysWithAll('Operation not permitted', end);
  });

  it('because the archive is immutable keeps what is nested in it', async () => {
    tool('chattr', '+i', archive.archive);
    closers.push(() => tool('chattr', '-i', archive.archive));
    await staysWithAll('it may not be renamed', () => tool('chattr', '-i', archive.archive), [GOES_TOO]);
  });
});

requires.btrfs('a subvolume of a user whose name imitates `btrfs subvolume list`', () => {
  it.each(['root', `old_roots/${GOES}`, `old_roots/${STAYS}`])('in %s stops no prune, and takes nothing else with it', async (where) => {
    const archive = closing(smallBtrfs());
    const [own, stays, blank, live] = [`old_roots/${GOES}`, `old_roots/${STAYS}`, 'root-blank', 'root'].map((path) => archive.idOf(path));
    const line = (id: string | undefined, parent: string | undefined): string =>
      `x\nID ${id ?? ''} gen 8 parent ${parent ?? ''} top level ${parent ?? ''} uuid 99999999-9999-4999-8999-999999999999 path y`;
    const names = [line(own, '5'), line(own, own), line(stays, own), line(blank, own), line(live, own), line('999', own), line('5', own)];
    for (const name of names) archive.create(join(where, 'home/alice', name));
    const before = ['root', 'root-blank', `old_roots/${STAYS}`].map((path) => digest(join(archive.top, path)));
    const result = await prune(archive.config());
    expect([result.status, outcomes(result), errors(result).trim()]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }, '']);
    expect(archive.names()).toEqual([STAYS]);
    expect(['root', 'root-blank', `old_roots/${STAYS}`].map((path) => digest(join(archive.top, path)))).toEqual(before);
  });
});
