/** What must hold of the place of an archive, because somebody could lose data where it does not. */
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { missing, requires } from '../support/requirements.ts';
import { digest, errors, listed, ls, outcomes, pin, prune, targetOf } from './answers.ts';
import { closing } from './closing.ts';
import type { Failure, List, Prune } from './contracts.ts';
import { roots } from './roots.ts';
import {
  FILE,
  GOES,
  GOES_TOO,
  KEEP_ONE,
  STAYS,
  fillRoot,
  smallBtrfs,
  smallDirectory,
  type SmallArchive,
  type SmallBtrfs,
} from './small-archives.ts';

const ANYBODY = 1000;

requires.btrfs('the path of an archive on btrfs', () => {
  let [first, second] = [] as unknown as [SmallBtrfs, SmallBtrfs];
  beforeEach(() => {
    first = closing(smallBtrfs());
    second = closing(smallBtrfs());
  });

  it('is refused where a part of it is a link that leads to another disk, and what has the same number on the first one stays', async () => {
    expect([GOES, GOES_TOO].map((name) => first.idOf(`old_roots/${name}`))).toEqual(
      [GOES, GOES_TOO].map((name) => second.idOf(`old_roots/${name}`)),
    );
    symlinkSync(second.archive, join(first.top, 'whole'));
    symlinkSync(second.top, join(first.top, 'part'));
    symlinkSync('old_roots', join(first.top, 'own'));
    const before = [digest(first.top), digest(second.top)];
    for (const path of ['whole', 'part/old_roots', 'own']) {
      const config = first.config().replace(/[^/]+$/, `${path.replace('/', '-')}.toml`);
      writeFileSync(config, `[targets.root]\n${first.place.replace('"old_roots"', `"${path}"`)}\n${KEEP_ONE}\n`);
      for (const result of [await ls(config), await pin(config), await prune(config)]) {
        expect([path, result.status, (result.json as Failure).error.kind]).toEqual([path, 10, 'not-found']);
      }
    }
    expect([digest(first.top), digest(second.top)]).toEqual(before);
  });

  it('that is given without a device is that of the disk where its links lead', async () => {
    symlinkSync(second.top, join(first.top, 'alias'));
    second.add('2020-01-03_00:00:00');
    const config = join(first.scratch, 'alias.toml');
    const [live, archive] = ['root', 'old_roots'].map((name) => join(first.top, 'alias', name));
    writeFileSync(config, `[targets.root]\nlive = "${live ?? ''}"\narchive = "${archive ?? ''}"\n${KEEP_ONE}\n`);
    const before = digest(first.top);
    expect(listed(await ls(config))).toEqual([GOES, GOES_TOO, '2020-01-03_00:00:00', STAYS]);
    expect((await prune(config)).status).toBe(0);
    expect(second.names()).toEqual([STAYS]);
    expect(digest(first.top)).toBe(before);
  });
});

describe('what is ours in an archive of directories', () => {
  let archive: SmallArchive;
  let outside: string;
  const LEFT = `.roots-removing.0.${GOES}`;
  beforeEach(() => {
    archive = closing(smallDirectory());
    outside = join(archive.scratch, 'outside');
    fillRoot(outside, 'somebody');
  });

  it.each([LEFT, `.roots-trash.20200101T000000Z.${GOES}`])('as a link, %s: nothing that it leads to is deleted', async (entry) => {
    symlinkSync(outside, join(archive.archive, entry));
    const before = digest(outside);
    const config = archive.config();
    expect(listed(await ls(config))).toEqual([GOES, GOES_TOO, STAYS]);
    expect((await prune(config)).status).toBe(0);
    expect((await prune(config)).status).toBe(0);
    expect(digest(outside)).toBe(before);
    expect(archive.names()).toEqual([entry, STAYS]);
  });

  it('is not followed where `.roots` is a link: nothing is written there, and it is told that there is no log', async () => {
    symlinkSync(outside, join(archive.archive, '.roots'));
    const before = digest(outside);
    expect(listed(await ls(archive.config()))).toEqual([GOES, GOES_TOO, STAYS]);
    // Where pins cannot be read, all counts as pinned.
    expect(targetOf(await prune(archive.config())).remove).toEqual([]);
    expect(digest(outside)).toBe(before);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });

  it("is cleared of what an earlier run has begun to delete; of what is whole nothing is lost, and the rest is nobody's", async () => {
    const others = [
      '.roots-removing.x.mine',
      '.roots-removing.1.',
      '.roots-removing',
      `.roots-removing.${GOES}`,
      `x.roots-removing.0.${GOES}`,
      '.roots-deleting.x.mine',
      '.roots-deleting',
    ];
    for (const name of [...others, LEFT, '.roots-removing.17.of another name', '.roots-deleting.0.begun'])
      fillRoot(join(archive.archive, name), 'somebody');
    const before = [LEFT, '.roots-removing.17.of another name'].map((name) => digest(join(archive.archive, name)));
    const result = await prune(archive.config());
    expect(result.status).toBe(0);
    expect(targetOf(result).leftovers?.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: GOES, result: 'restored', error: expect.stringContaining('nothing says that it was to go') as string },
      { name: 'begun', result: 'removed', error: null },
      { name: 'of another name', result: 'restored', error: expect.stringContaining('nothing says that it was to go') as string },
    ]);
    // Its name was taken then.
    const trashed = archive.names().find((name) => /^\.roots-trash\.\w+\./.test(name) && name.endsWith(`.${GOES}`)) ?? '';
    expect(archive.names()).toEqual([...others, trashed, 'of another name', STAYS].sort());
    expect([trashed, 'of another name'].map((name) => digest(join(archive.archive, name)))).toEqual(before);
  });

  it('is not cleared by a prune without a policy', async () => {
    fillRoot(join(archive.archive, LEFT), 'somebody');
    expect((await prune(archive.config(''))).status).toBe(0);
    expect(existsSync(join(archive.archive, LEFT, FILE))).toBe(true);
    expect(archive.names()).toEqual([LEFT, GOES, GOES_TOO, STAYS]);
  });

  const PLAIN = 0o755;
  const foreign: readonly (readonly [what: string, make: (path: string) => void])[] = [
    ['its group can write to', (path) => chmodSync(path, 0o775)],
    ['all can write to', (path) => chmodSync(path, 0o757)],
    ['all can write to, sticky or not', (path) => chmodSync(path, 0o1777)],
    ...(missing('root') === false ? [['belongs to somebody else', (path: string) => chownSync(path, ANYBODY, ANYBODY)] as const] : []),
  ];
  it.each(foreign)('in an archive that %s is not worked with: 13, and it can still be listed', async (_, make) => {
    const config = archive.config();
    make(archive.archive);
    for (const result of [await prune(config), await pin(config)])
      expect([result.status, (result.json as Failure).error.kind]).toEqual([13, 'not-permitted']);
    expect(listed(await ls(config))).toEqual([GOES, GOES_TOO, STAYS]);
    expect(existsSync(join(archive.archive, '.roots'))).toBe(false);
    if (process.geteuid?.() === 0) chownSync(archive.archive, 0, 0);
    chmodSync(archive.archive, PLAIN);
    const done = await prune(config);
    expect([done.status, errors(done).trim()]).toEqual([0, '']);
    expect(archive.names()).toEqual([STAYS]);
  });
});

describe('two targets that have one archive', () => {
  const refused = async (archive: SmallArchive, other: string): Promise<void> => {
    const config = archive.config(KEEP_ONE, `[targets.other]\n${other}\nkeep = { last = 2 }`);
    const before = digest(archive.archive);
    for (const result of [await prune(config), await ls(config)])
      expect([result.status, (result.json as Failure).error.kind]).toEqual([2, 'usage']);
    expect(digest(archive.archive)).toBe(before);
  };

  it('by a link are refused', async () => {
    const archive = closing(smallDirectory());
    symlinkSync(archive.scratch, join(archive.scratch, 'alias'));
    await refused(archive, archive.place.replaceAll(archive.scratch, join(archive.scratch, 'alias')));
    await refused(archive, archive.place.replace(archive.archive, `${archive.scratch}/./live/../old_roots/`));
  });

  it.skipIf(missing('btrfs'))('by two names of the device are refused', { meta: { needs: String(missing('btrfs')) } }, async () => {
    const archive = closing(smallBtrfs());
    const { device } = archive.image;
    symlinkSync(device, join(archive.scratch, 'disk'));
    await refused(archive, archive.place.replace(device, join(archive.scratch, 'disk')));
    await refused(archive, archive.place.replace(device, device.replace('/dev/', '/dev/../dev/')));
    await refused(archive, `backend = "directory"\nlive = "${archive.live}"\narchive = "${archive.archive}"`);
    await refused(archive, `archive = "${archive.archive}"`);
  });
});

describe('a target that cannot be opened', () => {
  const staysAside = async (archive: SmallArchive, broken: string, words: string): Promise<void> => {
    for (const config of [
      archive.config(KEEP_ONE, `[targets.broken]\n${broken}\nkeep = { last = 1 }`),
      first(archive, `[targets.broken]\n${broken}\nkeep = { last = 1 }\n`),
    ]) {
      const told = await ls(config);
      expect([told.status, listed(told)]).toEqual([3, archive.names()]);
      expect((told.json as List).warnings.join('\n')).toMatch(new RegExp(`^broken: .*${words}`, 'm'));
      const text = await roots(['ls', '--config', config]);
      expect(text.status).toBe(3);
      expect(text.stdout + text.stderr).toMatch(new RegExp(`broken[ :][^]*${words}`));
      expect(text.stdout).toContain('2021-06-01');
      const dry = await roots(['prune', '--dry-run', '--json', '--config', config]);
      expect([dry.status, Object.keys(outcomes(dry))]).toEqual([3, archive.names().filter((name) => name !== STAYS)]);
      const result = await prune(config);
      expect([result.status, archive.names()]).toEqual([3, [STAYS]]);
      expect((result.json as Prune).problems).toEqual([
        expect.objectContaining({ target: 'broken', message: expect.stringMatching(words) as string }),
      ]);
      const done = await roots(['prune', '--yes', '--config', config]);
      expect(done.status).toBe(3);
      expect(done.stdout + done.stderr).toMatch(new RegExp(`broken[ :][^]*${words}`));
    }
  };

  /** With the broken one before the other. */
  function first(archive: SmallArchive, broken: string): string {
    const config = archive.config();
    writeFileSync(config, `${broken}${readFileSync(config, 'utf8')}`);
    return config;
  }

  it('because its directory is absent stops no other', async () => {
    const archive = closing(smallDirectory());
    await staysAside(archive, `backend = "directory"\narchive = "${archive.scratch}/absent"`, 'absent');
  });

  it('because its archive, given without more, is absent stops no other', async () => {
    const archive = closing(smallDirectory());
    await staysAside(archive, `archive = "${archive.scratch}/absent"`, 'absent');
  });

  it.skipIf(missing('btrfs'))(
    'because its device or the archive there is absent stops no other',
    { meta: { needs: String(missing('btrfs')) } },
    async () => {
      const archive = closing(smallBtrfs());
      await staysAside(archive, archive.place.replace('"old_roots"', '"absent"'), 'absent');
      await staysAside(archive, archive.place.replace(archive.image.device, '/dev/roots-absent'), 'absent');
    },
  );

  it('alone is what the command ends with', async () => {
    const archive = closing(smallDirectory());
    const config = archive.config();
    rmSync(archive.archive, { recursive: true });
    for (const result of [await ls(config), await prune(config)])
      expect([result.status, (result.json as Failure).error.kind]).toEqual([10, 'not-found']);
  });
});
