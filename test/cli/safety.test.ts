/** What must hold because somebody could lose data, or their machine, where it does not: one test for each way in which that could happen. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import { inOtherNamespace, ready, start, type Started as Running } from '../backend-suite/processes.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { missing, requires } from '../support/requirements.ts';
import { atProcessEnd, tool } from '../support/scratch.ts';
import type { Failure, List, Prune as PruneJson, RemovedRoot, Restore as RestoreJson } from './contracts.ts';
import { makeGate, standIn, type Gate } from './gate.ts';
import { roots, startRoots, type Result } from './roots.ts';
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

interface Problem {
  readonly target?: string;
  readonly path?: string;
  readonly kind: string;
  readonly message: string;
}
type Prune = PruneJson & { readonly problems?: readonly Problem[] };
type Restore = RestoreJson & { readonly problems: readonly Problem[] };
type Removed = RemovedRoot & { readonly notes?: readonly string[] };

const AN_OLD_AGE = 'prune = { max_age = "1y" }';
const ANYBODY = 1000;
const STAGING = '.roots-restore-';

const prune = (config: string, ...args: string[]): Promise<Result> => roots(['prune', '--yes', '--json', '--config', config, ...args]);
const pin = (config: string): Promise<Result> => roots(['pin', GOES, '--json', '--config', config]);
const ls = (config: string): Promise<Result> => roots(['ls', '--json', '--config', config]);
const listed = (result: Result): string[] => (result.json as List).roots.map(({ name }) => name).sort();
const reasonsOf = (result: Result, name: string): readonly string[] =>
  (result.json as Prune).targets.flatMap(({ keep }) => keep).find((each) => each.name === name)?.reasons ?? [];
const removals = (result: Result): readonly Removed[] => (result.json as Prune).targets.flatMap(({ remove }) => remove);
const outcomes = (result: Result): Record<string, string | undefined> =>
  Object.fromEntries(removals(result).map((each) => [each.name, each.result]));
const errors = (result: Result): string =>
  removals(result)
    .map(({ error }) => error ?? '')
    .join('\n');
const digest = (path: string): string => treeDigest(fromText(path));

/** Archives, gates and processes of a test, closed whatever happens. */
const closers: (() => unknown)[] = [];
function closing<T extends { close(): unknown }>(made: T): T {
  closers.push(() => made.close());
  return made;
}
function gate(archive: SmallArchive, program: string, calls?: string): Gate {
  const made = makeGate(archive.scratch, program, calls);
  closers.push(() => made.open());
  return made;
}
function killing(running: Running): Running {
  closers.push(() => running.kill());
  return running;
}
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** `step`: the call that takes an old root away, as the program makes it. */
type Kind = readonly [name: string, make: () => SmallArchive, step: readonly [program: string, calls: string]];
const BTRFS: Kind = ['btrfs', smallBtrfs, ['nsenter', '*"subvolume delete"*']];
const DIRECTORIES: Kind = ['directories', smallDirectory, ['rm', '*/.roots/removing/*']];
const KINDS = missing('btrfs') === false ? [BTRFS, DIRECTORIES] : [DIRECTORIES];

requires.root('programs of a user', () => {
  it('that they bind over ours in a namespace of their own are never started', async ({ skip }) => {
    const archive = closing(smallDirectory());
    // Others may pass, not look.
    chmodSync(archive.scratch, 0o711);
    const theirs = join(archive.scratch, 'theirs');
    const marker = join(theirs, 'marker');
    mkdirSync(join(theirs, 'jail'), { recursive: true });
    writeFileSync(join(theirs, 'cat'), `#!/bin/sh\nid -u >>${marker}\nexec /usr/bin/sed -n p "$@"\n`);
    for (const path of ['', 'jail', 'cat']) chownSync(join(theirs, path), ANYBODY, ANYBODY);
    chmodSync(join(theirs, 'cat'), 0o755);
    const asUser = ['--reuid', String(ANYBODY), '--regid', String(ANYBODY), '--clear-groups', '--'];
    const bind = `for each in $(which -a cat); do mount --bind ${theirs}/cat "$each"; done`;
    const script = `set -e; ${bind}; mount --rbind / ${theirs}/jail; cat /dev/null; echo ready; exec chroot ${theirs}/jail sleep 600`;
    const attacker = killing(start('setpriv', [...asUser, 'unshare', '--user', '--map-root-user', '--mount', '--', 'sh', '-c', script]));
    try {
      await ready(attacker);
    } catch {
      return skip(`needs a kernel on which users have namespaces: ${attacker.output()}`);
    }
    // They can start it themselves, and then they are nobody but themselves.
    expect(lstatSync(marker).uid).toBe(ANYBODY);
    rmSync(marker);
    await untilJailed(attacker);

    expect((await ls(archive.config())).status).toBe(0);
    const result = await prune(archive.config());
    expect(existsSync(marker) ? readFileSync(marker, 'utf8') : 'never started').toBe('never started');
    // Nor can they stop root from pruning.
    expect(result.status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });
});

async function untilJailed({ pid }: Running): Promise<void> {
  for (let tries = 0; readFileSync(`/proc/${String(pid)}/comm`, 'utf8') !== 'sleep\n'; tries += 1) {
    if (tries > 500) throw new Error('it is not in its jail');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

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

describe('the folder of our own in an archive of directories', () => {
  let archive: SmallArchive;
  let outside: string;
  beforeEach(() => {
    archive = closing(smallDirectory());
    outside = join(archive.scratch, 'outside');
    fillRoot(join(outside, 'removing', `${GOES}.12.0`), 'somebody');
    fillRoot(join(outside, `${GOES}.12.0`), 'somebody');
  });

  it.each([
    ['.roots', 'outside'],
    ['.roots/removing', 'outside'],
  ])('as a link, %s: nothing that it leads to is deleted, nor any old root', async (path, to) => {
    mkdirSync(dirname(join(archive.archive, path)), { recursive: true });
    symlinkSync(join(archive.scratch, to), join(archive.archive, path));
    const before = digest(outside);
    const config = archive.config();
    expect(listed(await ls(config))).toEqual([GOES, GOES_TOO, STAYS]);
    await prune(config);
    await prune(config);
    expect(digest(outside)).toBe(before);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });

  it('is cleared of what an earlier run left, and of nothing else', async () => {
    const removing = join(archive.archive, '.roots/removing');
    const mine = ['mine', GOES, `${GOES}.12`, `${GOES}.12.0.bak`, '.12'];
    for (const name of [...mine, `${GOES}.12.0`]) fillRoot(join(removing, name), 'somebody');
    expect((await prune(archive.config())).status).toBe(0);
    expect(readdirSync(removing).sort()).toEqual([...mine].sort());
    expect(archive.names()).toEqual([STAYS]);
  });

  it('is not cleared by a prune without a policy', async () => {
    const left = join(archive.archive, '.roots/removing', `${GOES}.12.0`);
    fillRoot(left, 'somebody');
    expect((await prune(archive.config(''))).status).toBe(0);
    expect(existsSync(join(left, FILE))).toBe(true);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
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
    expect((await prune(config)).status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });
});

requires.btrfs('in a container, which sees no processes but its own', () => {
  it('nothing is removed, because it may be mounted outside', async () => {
    const archive = closing(smallBtrfs());
    const at = join(archive.scratch, 'at');
    mkdirSync(at);
    killing(await inOtherNamespace(`mount -t btrfs -o 'subvol=/old_roots/${GOES}' '${archive.image.device}' '${at}'`));
    const config = archive.config();
    const before = digest(archive.top);
    const args = ['prune', '--yes', '--json', '--config', config];
    const inside = await roots(args, { within: ['unshare', '--pid', '--fork', '--mount-proc', '--'] });
    expect([inside.status, outcomes(inside)]).toEqual([3, { [GOES]: 'failed', [GOES_TOO]: 'failed' }]);
    expect(errors(inside)).toMatch(/^(.*it may be mounted: processes outside of this container cannot be seen.*\n?){2}$/);
    expect(digest(archive.top)).toBe(before);
    // Outside of it the mount is seen, and only it counts.
    const result = await roots(args);
    expect(reasonsOf(result, GOES)).toContain('mounted');
    expect(outcomes(result)).toEqual({ [GOES_TOO]: 'removed' });
    expect(archive.names()).toEqual([GOES, STAYS]);
  });
});

describe('a destination that somebody works on while it is being restored', () => {
  const edits: readonly (readonly [what: string, edit: (file: string) => void])[] = [
    ['written to', (file) => writeFileSync(file, 'what I have just written\n')],
    [
      'written to, with the same length and time',
      (file) => {
        const { atime, mtime, size } = lstatSync(file);
        writeFileSync(file, 'x'.repeat(size));
        utimesSync(file, atime, mtime);
      },
    ],
    [
      'replaced as editors do',
      (file) => {
        writeFileSync(`${file}.new`, 'what I have just written\n');
        renameSync(`${file}.new`, file);
      },
    ],
    ['removed', (file) => rmSync(file)],
  ];
  it.each(edits)('%s: it is left as it is', async (_, edit) => {
    const archive = closing(smallDirectory());
    const file = join(archive.live, FILE);
    const { env, reached, open } = gate(archive, 'cp');
    const args = ['restore', file, '--from', GOES, '--overwrite', '--yes', '--json', '--config', archive.config()];
    const { end } = startRoots(args, { env });
    await reached();
    edit(file);
    const before = contents(file);
    open();
    const result = await end;
    expect([result.status, (result.json as Restore).items[0]?.result]).toEqual([1, 'failed']);
    expect((result.json as Restore).items[0]?.error).toContain('changed meanwhile');
    expect(contents(file)).toEqual(before);
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith(STAGING))).toEqual([]);
  });

  it('made where there was nothing: it is left as it is', async () => {
    const archive = closing(smallDirectory());
    const file = join(archive.live, FILE);
    rmSync(file);
    const { env, reached, open } = gate(archive, 'cp');
    const { end } = startRoots(['restore', file, '--from', GOES, '--overwrite', '--yes', '--json', '--config', archive.config()], { env });
    await reached();
    writeFileSync(file, 'what I have just written\n');
    open();
    const result = await end;
    expect([result.status, (result.json as Restore).items[0]?.result]).toEqual([1, 'failed']);
    expect(readFileSync(file, 'utf8')).toBe('what I have just written\n');
  });

  /** Of all that is in the directory of the file, but for the copy that is being made. */
  function contents(file: string): Record<string, string> {
    const names = readdirSync(dirname(file)).filter((name) => !name.startsWith(STAGING));
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(dirname(file), name), 'utf8')]));
  }
});

describe.each(KINDS)('an old root of %s that is being restored from', (_, make) => {
  it('is not pruned meanwhile: 11, and it stays; two restores go side by side', async () => {
    const archive = closing(make());
    const config = archive.config();
    const { env, reached, open } = gate(archive, 'cp');
    const restore = (to: string): ReturnType<typeof startRoots> =>
      startRoots(['restore', join(archive.live, FILE), '--from', GOES, '--to', join(archive.scratch, to), '--json', '--config', config], {
        env,
      });
    const one = restore('one');
    await reached();
    const before = digest(archive.archive);
    for (const result of [await prune(config), await pin(config)])
      expect([result.status, (result.json as Failure).error.kind]).toEqual([11, 'locked']);
    expect(digest(archive.archive)).toBe(before);
    const other = restore('other');
    open();
    for (const { end } of [one, other]) expect((await end).status).toBe(0);
    for (const to of ['one', 'other']) expect(readFileSync(join(archive.scratch, to), 'utf8')).toBe(`notes of ${GOES}\n`);
    expect((await prune(config)).status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });

  it('two restores that copy at the same time do not exclude each other', async () => {
    const archive = closing(make());
    const config = archive.config();
    const restore = (to: string, env: Gate['env']): ReturnType<typeof startRoots> =>
      startRoots(['restore', join(archive.live, FILE), '--from', GOES, '--to', join(archive.scratch, to), '--json', '--config', config], {
        env,
      });
    const { env, reached, open } = gate(archive, 'cp');
    const waiting = restore('one', env);
    await reached();
    const result = await restore('other', { PATH: process.env['PATH'] ?? '' }).end;
    expect(result.status).toBe(0);
    open();
    expect((await waiting.end).status).toBe(0);
  });
});

describe.each(KINDS)('the plan for an archive of %s', (kind, make) => {
  it('keeps what was archived when the clock had not been set: implausible time', async () => {
    const archive = closing(make());
    const names = ['1970-01-01_00:00:12', '1970-01-01T00:00:12Z', '2014-12-31_23:59:59', '1000000000'];
    for (const name of names) archive.add(name);
    for (const rules of [AN_OLD_AGE, KEEP_ONE, `${AN_OLD_AGE}\nkeep = { last = 1 }`]) {
      const result = await roots(['prune', '--dry-run', '--json', '--config', archive.config(rules)]);
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

requires.btrfs('a filesystem that is mounted read-only', () => {
  it('stays so, whatever is asked for; what would have to write says why it does not', async () => {
    const archive = closing(smallBtrfs());
    const { device } = archive.image;
    for (const at of [archive.live, archive.top]) archive.image.unmount(at);
    archive.image.mount({ readOnly: true }, archive.top);
    symlinkSync(device, join(archive.scratch, 'disk'));
    const options = (): string[] =>
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes(` btrfs ${device} `))
        .map((line) => `${line.split(' ')[5]?.split(',')[0] ?? ''} ${line.split(' ').at(-1)?.split(',')[0] ?? ''}`);
    expect(options()).toEqual(['ro ro']);
    const aliased = archive.config();
    writeFileSync(aliased, readFileSync(aliased, 'utf8').replace(device, join(archive.scratch, 'disk')));
    const unplaced = join(archive.scratch, 'unplaced.toml');
    writeFileSync(unplaced, `[targets.root]\nlive = "${archive.top}/root"\narchive = "${archive.archive}"\n${KEEP_ONE}\n`);
    for (const config of [archive.config(), aliased, unplaced]) {
      for (const args of [['ls'], ['prune', '--dry-run'], ['prune', '--at', '2046-01-01']]) {
        const result = await roots([...args, '--json', '--config', config]);
        expect([config, args, result.status]).toEqual([config, args, 0]);
        expect(options()).toEqual(['ro ro']);
      }
      for (const result of [await prune(config), await pin(config)]) {
        expect([result.status, (result.json as Failure).error.message]).toEqual([1, expect.stringContaining('mounted read-only')]);
        expect(options()).toEqual(['ro ro']);
      }
    }
    // Without a configuration it is looked at, and no more.
    expect(listed(await roots(['ls', '--json'], { onlyBtrfs: device }))).toEqual([GOES, GOES_TOO, STAYS]);
    expect(options()).toEqual(['ro ro']);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });
});

requires.btrfs('a filesystem on two disks that is mounted read-only', () => {
  it('stays so where the configuration names the disk that the mount table does not', async () => {
    const archive = closing(smallBtrfs());
    const second = makeBtrfsImage({ sizeMiB: 128, dir: archive.scratch });
    try {
      tool('btrfs', 'device', 'add', '-f', second.device, archive.top);
      for (const at of [archive.live, archive.top]) archive.image.unmount(at);
      archive.image.mount({ readOnly: true }, archive.top);
      const state = (): string | undefined =>
        readFileSync('/proc/self/mountinfo', 'utf8')
          .split('\n')
          .find((line) => line.includes(` ${archive.top} `))
          ?.replace(/.* - /, '')
          .replace(/,.*/, '');
      const before = state();
      expect(before).toMatch(/^btrfs \S+ ro$/);
      for (const device of [archive.image.device, second.device]) {
        const config = archive.config();
        writeFileSync(config, readFileSync(config, 'utf8').replace(archive.image.device, device));
        expect(listed(await ls(config))).toEqual([GOES, GOES_TOO, STAYS]);
        for (const result of [await prune(config), await pin(config)]) {
          expect([device, state()]).toEqual([device, before]);
          expect([result.status, (result.json as Failure).error.message]).toEqual([1, expect.stringContaining('mounted read-only')]);
        }
      }
    } finally {
      for (const at of [archive.live, archive.top]) archive.image.unmount(at);
      second.close();
    }
  });
});

describe.each(KINDS)('a prune of %s that is stopped in the middle of a step', (_, make, [program, calls]) => {
  const started = async (group: boolean) => {
    const archive = closing(make());
    const config = archive.config();
    const held = gate(archive, program, calls);
    const within = group ? { within: ['setsid'] } : {};
    const { child, end } = startRoots(['prune', '--yes', '--json', '--config', config], { env: held.env, ...within });
    await held.reached();
    return { archive, config, child, end, open: held.open };
  };
  const finishedOnlyThat = (result: Result, archive: SmallArchive): void => {
    expect(result.status).toBe(130);
    expect(removals(result).map(({ name, result: what, notes }) => [name, what, notes])).toEqual([
      [GOES, 'removed', []],
      [GOES_TOO, undefined, undefined],
    ]);
    expect(archive.names()).toEqual([GOES_TOO, STAYS]);
    const removing = join(archive.archive, '.roots/removing');
    expect(existsSync(removing) ? readdirSync(removing) : []).toEqual([]);
  };

  it('by the signals that end a whole service keeps its lock until the step is over', async () => {
    const { archive, config, child, end, open } = await started(false);
    const keepers = keepersOf(child.pid ?? 0);
    expect(keepers.length).toBeGreaterThan(0);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) for (const keeper of keepers) process.kill(keeper, signal);
    child.kill('SIGTERM');
    const other = await prune(config);
    expect([other.status, (other.json as Failure).error.kind]).toEqual([11, 'locked']);
    expect(keepersOf(child.pid ?? 0)).toEqual(keepers);
    open();
    finishedOnlyThat(await end, archive);
  });

  it('by Ctrl-C, which the whole group gets, finishes the step, begins no other and says nothing that is not so', async () => {
    const { archive, child, end, open } = await started(true);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    open();
    finishedOnlyThat(await end, archive);
  });
});

/** The processes that hold something for another: they wait in cat(1). */
function keepersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return status.startsWith('Name:\tcat\n') && status.includes(`\nPPid:\t${String(parent)}\n`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('a copy', () => {
  it('whose program is killed without a word has failed, and is not one that lost attributes', async () => {
    const archive = closing(smallDirectory());
    const PATH = standIn(join(archive.scratch, 'bin'), 'cp', 'case "$*" in *--preserve=*) kill -9 $$ ;; esac\nexec "$real" "$@"');
    const to = join(archive.scratch, 'to');
    const args = ['restore', join(archive.live, FILE), '--from', GOES, '--to', to, '--json', '--config', archive.config()];
    const result = await roots(args, { env: { PATH } });
    expect([result.status, (result.json as Restore).items[0]?.result]).toEqual([1, 'failed']);
    expect(existsSync(to)).toBe(false);
    expect(readdirSync(archive.scratch).filter((name) => name.startsWith(STAGING))).toEqual([]);
  });
});

requires.btrfs('an outer subvolume that cannot go', () => {
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
    await staysWithAll('Operation not permitted', () => tool('chattr', '-i', archive.archive), [GOES_TOO]);
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

requires.btrfs('a file that differs only in what `ls -l` does not show', () => {
  const attributes: readonly (readonly [
    needs: 'attr' | 'acl' | 'capabilities',
    what: string,
    set: readonly string[],
    get: readonly string[],
  ])[] = [
    ['attr', 'an extended attribute', ['setfattr', '-n', 'user.note', '-v', 'mine'], ['getfattr', '-d', '--absolute-names']],
    ['acl', 'an ACL', ['setfacl', '-m', 'u:1234:r'], ['getfacl', '--absolute-names', '--omit-header']],
    ['capabilities', 'a capability', ['setcap', 'cap_net_bind_service+ep'], ['getcap', '-v']],
  ];
  for (const [needs, what, set, [get = '', ...options]] of attributes) {
    const why = missing(needs);
    it.skipIf(why)(
      `(${what}) is not the same: with --overwrite it is restored`,
      { meta: why === false ? {} : { needs: why } },
      async () => {
        const archive = closing(smallBtrfs());
        const [old, now] = [join(archive.archive, GOES, FILE), join(archive.live, FILE)];
        const read = (file: string): string => tool(get, ...options, file).replaceAll(file, '');
        const args = ['restore', now, '--from', GOES, '--json', '--config', archive.config()];
        const restore = async (...more: string[]): Promise<string | undefined> =>
          ((await roots([...args, ...more])).json as Restore).items[0]?.result;
        tool('cp', '-a', old, now);
        expect(await restore('--overwrite', '--yes')).toBe('same');
        const [program = '', ...words] = set;
        tool(program, ...words, old);
        expect(read(now)).not.toBe(read(old));
        expect(await restore()).toBe('refused');
        expect(await restore('--overwrite', '--yes')).toBe('restored');
        expect(read(now)).toBe(read(old));
        expect(await restore('--overwrite', '--yes')).toBe('same');
        // And the other way round: what the old one does not have.
        rmSync(old);
        tool('cp', '--preserve=mode,timestamps,ownership', now, old);
        if (needs === 'acl') tool('setfacl', '-b', old);
        expect(read(now)).not.toBe(read(old));
        expect(await restore('--overwrite', '--yes')).toBe('restored');
        expect(read(now)).toBe(read(old));
      },
    );
  }
});

describe('several paths to restore', () => {
  it('of which one is nowhere: the others come back, it is named, and the status is 3', async () => {
    const archive = closing(smallDirectory());
    writeFileSync(join(archive.archive, GOES, 'etc/one'), 'one\n');
    writeFileSync(join(archive.archive, GOES, 'etc/two'), 'two\n');
    const paths = ['etc/one', 'etc/nowhere', 'etc/two'].map((path) => join(archive.live, path));
    for (const from of [['--from', GOES], []]) {
      for (const json of [['--json'], []]) {
        for (const name of ['one', 'two']) rmSync(join(archive.live, 'etc', name), { force: true });
        const result = await roots(['restore', ...paths, ...from, ...json, '--config', archive.config()]);
        expect([from, result.status]).toEqual([from, 3]);
        expect(['one', 'two'].map((name) => readFileSync(join(archive.live, 'etc', name), 'utf8'))).toEqual(['one\n', 'two\n']);
        if (json.length === 0) {
          expect(result.stdout + result.stderr).toContain('etc/nowhere');
        } else {
          const { items, problems } = result.json as Restore;
          expect(items.map((item) => item.result)).toEqual(['restored', 'restored']);
          expect(problems).toEqual([expect.objectContaining({ path: paths[1], kind: 'not-found' })]);
        }
      }
    }
    const none = await roots(['restore', ...paths.slice(1, 2), join(archive.live, 'etc/nor-this'), '--json', '--config', archive.config()]);
    expect([none.status, (none.json as Failure).error.kind]).toEqual([10, 'not-found']);
  });
});
