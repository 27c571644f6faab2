/**
 * What only ZFS has: clones and their origins, holds, snapshots of the live root beside datasets, delegation; and what its programs say, which
 * src/backend/zfs relies on, from the real ones.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import { detect } from '../../src/backend/detect.ts';
import { understand } from '../../src/backend/old-root.ts';
import type { ZfsLocation } from '../../src/backend/zfs/adapter.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run, type Run } from '../../src/system/run.ts';
import { tool } from '../support/scratch.ts';
import { Tally, expectAgreement, inRounds } from './engines.ts';
import { ownTests, type Own, type Register } from './own.ts';
import { applyAll, makeGarden } from './random-operations.ts';
import { FOLDER, POOL, clean, dropPool, makePool, names, originOf, write, zfs } from './zfs-pool.ts';
import { removeOne, discardOne, treeNamed, trashedNamed } from './steps.ts';

const [FIRST, SECOND, THIRD] = ['2026-10-01_08:00:00', '2026-10-02_08:00:00', '2026-10-03_08:00:00'].map(fromText) as [
  BytePath,
  BytePath,
  BytePath,
];

const location = (more: Partial<ZfsLocation> = {}): ZfsLocation => ({
  backend: 'zfs',
  live: fromText(`${POOL}/root`),
  blank: fromText(`${POOL}/blank@blank`),
  archive: fromText(`${POOL}/old_roots`),
  ...more,
});

/** A blank of its own, old roots that were the live root, and a live root. */
function makeArchive(...old: readonly BytePath[]): void {
  zfs('create', `${POOL}/blank`);
  zfs('snapshot', `${POOL}/blank@blank`);
  zfs('create', `${POOL}/old_roots`);
  for (const name of old) zfs('clone', `${POOL}/blank@blank`, `${POOL}/old_roots/${name}`);
  zfs('clone', `${POOL}/blank@blank`, `${POOL}/root`);
}

/** The blank is a snapshot of the live root, which is renamed away with it. */
function makeArchiveWithBlankInside(): void {
  zfs('create', `${POOL}/old_roots`);
  zfs('create', `${POOL}/root`);
  zfs('snapshot', `${POOL}/root@blank`);
  for (const name of [FIRST, SECOND, THIRD]) {
    zfs('rename', '-u', `${POOL}/root`, `${POOL}/old_roots/${name}`);
    zfs('clone', `${POOL}/old_roots/${FIRST}@blank`, `${POOL}/root`);
  }
}

const INSIDE = location({ blank: fromText(`${POOL}/root@blank`) });
const SNAPSHOTS = location({ blank: fromText(`${POOL}/root@blank`), archive: null });

/** What a user of this number may do. */
const asUser =
  (uid: number): Run =>
  (program, args, options) =>
    run('setpriv', ['--reuid', String(uid), '--clear-groups', '--', program, ...args], options);

function zfsSuite(): void {
  describe('ZFS itself', () => {
    beforeAll(() => {
      dropPool();
      makePool();
    });
    afterAll(() => {
      dropPool();
      rmSync(FOLDER, { recursive: true, force: true });
    });
    zfsTests(it);
  });
}

function zfsTests(register: Register): void {
  const { open, close, test } = ownTests(register, clean);

  test('an old root that has the blank goes once the live root has taken it over, and all others stay as they are', async () => {
    makeArchiveWithBlankInside();
    write(`${POOL}/old_roots/${SECOND}`, 'kept', 'kept');
    const backend = await open(INSIDE);
    expect((await backend.list()).trees.map(({ name }) => name).sort()).toEqual([FIRST, SECOND, THIRD]);
    expect(readFileSync(toBytes(joinPath(await backend.pathOf(await treeNamed(backend, SECOND)), fromText('kept'))), 'utf8')).toBe('kept');
    await close();
    const again = await open(INSIDE);
    const { notes } = await removeOne(again, await treeNamed(again, FIRST));
    expect(notes.join()).toContain(`promoted ${POOL}/root`);
    expect(names()).not.toContain(`${POOL}/old_roots/${FIRST}`);
    for (const each of [SECOND, THIRD]) expect(originOf(`${POOL}/old_roots/${each}`)).toBe(`${POOL}/root@blank`);
    // The blank is the live root's now, and still the blank.
    expect((await again.list()).trees.map(({ name }) => name).sort()).toEqual([SECOND, THIRD]);
    expect(existsSync(toBytes(await again.pathOf('blank')))).toBe(true);
    await removeOne(again, await treeNamed(again, SECOND));
    expect(names()).toContain(`${POOL}/root@blank`);
  });

  test('an old root that has the blank goes into the trash and comes back with its clones', async () => {
    makeArchiveWithBlankInside();
    const backend = await open(INSIDE);
    await discardOne(backend, await treeNamed(backend, FIRST));
    expect(originOf(`${POOL}/root`)).toMatch(/\.roots-trash\.[^/]*@blank$/);
    expect(existsSync(toBytes(await backend.pathOf('blank')))).toBe(true);
    await close();
    const again = await open(INSIDE);
    await again.undelete(await trashedNamed(again, FIRST));
    expect(originOf(`${POOL}/root`)).toBe(`${POOL}/old_roots/${FIRST}@blank`);
  });

  test('the origin of a clone that is not the live root stays, whole and under its name', async () => {
    makeArchive(FIRST);
    zfs('snapshot', `${POOL}/old_roots/${FIRST}@mine`);
    zfs('snapshot', `${POOL}/old_roots/${FIRST}@other`);
    zfs('clone', `${POOL}/old_roots/${FIRST}@mine`, `${POOL}/mine`);
    const before = names();
    const backend = await open(location());
    await expect(removeOne(backend, await treeNamed(backend, FIRST))).rejects.toThrow(`${POOL}/mine is a clone of`);
    expect(names()).toEqual(before);
  });

  test('a clone that somebody makes right before the removal keeps its origin', async () => {
    makeArchive(FIRST);
    zfs('snapshot', `${POOL}/old_roots/${FIRST}@mine`);
    const cloning: Run = async (program, args, options) => {
      const destroyed = args.find((each) => typeof each === 'string' && each.endsWith('@mine'));
      if (program === 'zfs' && args[0] === 'destroy' && typeof destroyed === 'string') zfs('clone', destroyed, `${POOL}/mine`);
      return run(program, args, options);
    };
    const backend = await open(location(), { run: cloning });
    await expect(removeOne(backend, await treeNamed(backend, FIRST))).rejects.toThrow('snapshot has dependent clones');
    expect(originOf(`${POOL}/mine`)).toMatch(/@mine$/);
    // Nothing of it was gone, so it has its name again.
    expect(originOf(`${POOL}/mine`)).toBe(`${POOL}/old_roots/${FIRST}@mine`);
    zfs('promote', `${POOL}/mine`);
    await removeOne(await open(location()), await treeNamed(backend, FIRST));
    expect(names().filter((name) => name.startsWith(`${POOL}/old_roots/`))).toEqual([]);
  });

  test('a snapshot in an old root that is pinned keeps the whole', async () => {
    makeArchive(FIRST);
    zfs('snapshot', `${POOL}/old_roots/${FIRST}@mine`);
    zfs('set', 'roots:pin=by hand', `${POOL}/old_roots/${FIRST}@mine`);
    const backend = await open(location());
    const tree = await treeNamed(backend, FIRST);
    expect(tree.pin).toBeNull();
    await expect(removeOne(backend, tree)).rejects.toThrow('@mine, which is pinned');
    zfs('inherit', 'roots:pin', `${POOL}/old_roots/${FIRST}@mine`);
    expect((await removeOne(backend, tree)).notes).toEqual(['its snapshots went with it: mine']);
  });

  test('a pin of the archive or of the live root is not one of all that is in it', async () => {
    makeArchive(FIRST);
    zfs('snapshot', `${POOL}/root@2026-10-05_08:00:00`);
    for (const each of ['old_roots', 'root']) zfs('set', 'roots:pin=mine', `${POOL}/${each}`);
    const backend = await open(location());
    for (const { pin } of (await backend.list()).trees) expect(pin).toBeNull();
    zfs('set', 'roots:pin=by hand\nsecond line', `${POOL}/old_roots/${FIRST}`);
    expect((await treeNamed(backend, FIRST)).pin?.note).toBe('by hand');
    // As a pool is moved to another disk.
    zfs('snapshot', `${POOL}/old_roots/${FIRST}@moving`);
    const [source, copy] = [`${POOL}/old_roots/${FIRST}@moving`, `${POOL}/old_roots/${SECOND}`];
    tool('sh', '-c', 'zfs send -p "$1" | zfs receive -u "$2"', 'sh', source, copy);
    expect((await treeNamed(backend, SECOND)).pin?.note).toBe('by hand');
  });

  test('a snapshot of the same name below the live root that was not taken with it keeps its name and stays', async () => {
    makeArchive();
    zfs('create', `${POOL}/root/home`);
    zfs('create', `${POOL}/root/var`);
    zfs('snapshot', `${POOL}/root@${FIRST}`, `${POOL}/root/var@${FIRST}`);
    zfs('snapshot', `${POOL}/root/home@${FIRST}`);
    const backend = await open(location());
    const tree = await treeNamed(backend, fromText(`@${FIRST}`));
    await discardOne(backend, tree);
    expect(names()).toContain(`${POOL}/root/home@${FIRST}`);
    await backend.undelete(await trashedNamed(backend, fromText(`@${FIRST}`)));
    await removeOne(backend, tree);
    expect(names()).not.toContain(`${POOL}/root@${FIRST}`);
    expect(names()).toContain(`${POOL}/root/home@${FIRST}`);
  });

  test('an old root with clones of what is in it goes as a whole; one with a volume in it stays as a whole', async () => {
    makeArchive(FIRST, SECOND);
    const [first, second] = [FIRST, SECOND].map((name) => `${POOL}/old_roots/${name}`) as [string, string];
    zfs('create', `${first}/one`);
    zfs('snapshot', `${first}/one@1`);
    zfs('clone', `${first}/one@1`, `${first}/two`);
    zfs('create', '-s', '-V', '1M', '-o', 'volmode=none', `${second}/disk`);
    zfs('snapshot', `${second}/disk@1`);
    const before = names().filter((name) => name.startsWith(second));
    const backend = await open(location());
    expect((await treeNamed(backend, FIRST)).heldBy).toEqual([]);
    await removeOne(backend, await treeNamed(backend, FIRST));
    expect(names().filter((name) => name.startsWith(first))).toEqual([]);
    const other = await treeNamed(backend, SECOND);
    expect(other.heldBy).toEqual([`it holds the volume ${second}/disk`]);
    await expect(removeOne(backend, other)).rejects.toThrow(`it holds the volume ${second}/disk`);
    expect(names().filter((name) => name.startsWith(second))).toEqual(before);
  });

  test('what is freed while the pool has a checkpoint does not count', async () => {
    makeArchive(FIRST);
    const backend = await open(location());
    expect(await backend.settle(20_000)).toBe(true);
    tool('zpool', 'checkpoint', POOL);
    try {
      await removeOne(backend, await treeNamed(backend, FIRST));
      expect(await backend.settle(2000)).toBe(false);
    } finally {
      tool('zpool', 'checkpoint', '-d', '-w', POOL);
    }
    expect(await backend.settle(20_000)).toBe(true);
  });

  test('a path is that of what was listed, or none', async () => {
    makeArchive(FIRST);
    const backend = await open(location());
    const tree = await treeNamed(backend, FIRST);
    zfs('rename', '-u', `${POOL}/old_roots/${FIRST}`, `${POOL}/old_roots/${SECOND}`);
    zfs('create', `${POOL}/old_roots/${FIRST}`);
    await expect(backend.pathOf(tree)).rejects.toThrow('another has this name now');
  });

  test('snapshots of the live root are old roots beside datasets, told apart, with the times that they were taken at', async () => {
    makeArchive(FIRST);
    for (const each of [FIRST, 'lastboot', 'today', '2daysago', 'mine']) zfs('snapshot', `${POOL}/root@${each}`);
    const backend = await open(location());
    const { roots, unrecognised, warnings } = understand(await backend.list(), {
      nameZone: 'UTC',
      isSlot: (name) => ['lastboot', 'today', '2daysago'].includes(name),
    });
    expect(roots.map(({ name, archivedAtSource }) => [name, archivedAtSource]).sort()).toEqual(
      [
        [FIRST, 'name'],
        [`@${FIRST}`, 'name'],
        ['@lastboot', 'creation'],
        ['@today', 'creation'],
        ['@2daysago', 'creation'],
      ].sort(),
    );
    expect(roots.filter(({ name }) => name.startsWith('@')).map(({ bootedAt }) => bootedAt)).toEqual([null, null, null, null]);
    expect(unrecognised.map(({ name }) => name)).toEqual(['@mine']);
    // The live root is put aside here: no rollback destroys anything, and they go with it.
    expect(warnings).toEqual([expect.stringContaining('5 snapshots of')]);
    const [one, other] = [await treeNamed(backend, FIRST), await treeNamed(backend, fromText(`@${FIRST}`))];
    await removeOne(backend, other);
    expect(names()).toContain(`${POOL}/old_roots/${FIRST}`);
    await removeOne(backend, one);
    expect(names()).toContain(`${POOL}/root@mine`);
  });

  test('snapshots that a rollback to the blank destroys are warned of', async () => {
    zfs('create', `${POOL}/root`);
    zfs('snapshot', `${POOL}/root@blank`);
    const backend = await open(SNAPSHOTS);
    expect((await backend.list()).warnings).toEqual([]);
    zfs('snapshot', `${POOL}/root@lastboot`);
    const { warnings } = await backend.list();
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).toContain(`zfs rollback -r ${POOL}/root@blank`);
    zfs('rollback', '-r', `${POOL}/root@blank`);
    expect(names()).not.toContain(`${POOL}/root@lastboot`);
  });

  test('what all old roots are snapshots of has its log where a rollback does not reach it', async () => {
    zfs('create', `${POOL}/root`);
    zfs('snapshot', `${POOL}/root@blank`);
    const backend = await open(SNAPSHOTS);
    const lock = await backend.lock('exclusive');
    await backend.appendLog(['one']);
    await lock.release();
    await close();
    zfs('rollback', '-r', `${POOL}/root@blank`);
    expect(await (await open(SNAPSHOTS, {}, 'read')).readLog()).toEqual(['one']);
  });

  test('a recursive snapshot is renamed and removed with those of the filesystems below', async () => {
    makeArchive();
    zfs('create', `${POOL}/root/var`);
    const backend = await open(location());
    const [today, yesterday] = [backend.snapshotName('today'), backend.snapshotName('yesterday')];
    expect(await backend.snapshot(today)).toEqual([]);
    await expect(backend.snapshot(today)).rejects.toThrow('dataset already exists');
    await backend.rename(await treeNamed(backend, today), yesterday);
    for (const each of ['root@yesterday', 'root/var@yesterday']) expect(names()).toContain(`${POOL}/${each}`);
    zfs('snapshot', `${POOL}/root/var@other`);
    expect((await removeOne(backend, await treeNamed(backend, yesterday))).nested).toEqual(['var']);
    expect(names().filter((name) => name.includes('@'))).toEqual([`${POOL}/blank@blank`, `${POOL}/root/var@other`]);
  });

  test('a user to whom nothing is allowed can list, and is told what to do about the rest', async () => {
    makeArchive(FIRST);
    tool('chmod', '666', '/dev/zfs');
    const backend = await open(location(), { run: asUser(65534) });
    const tree = await treeNamed(backend, FIRST);
    expect(backend.knownSizes([tree]).get(tree.id)?.sizeBytes).toBeGreaterThan(0);
    await expect(backend.setPin(tree, { note: '', at: new Date() })).rejects.toMatchObject({ kind: 'not-permitted' });
    await expect(backend.snapshot(backend.snapshotName('today'))).rejects.toMatchObject({ kind: 'not-permitted' });
    await expect(discardOne(backend, tree)).rejects.toThrow('permission denied');
    zfs('allow', '-u', '65534', 'userprop', `${POOL}/old_roots`);
    await backend.setPin(tree, { note: 'allowed', at: new Date() });
    expect((await treeNamed(backend, FIRST)).pin?.note).toBe('allowed');
    tool('chmod', '600', '/dev/zfs');
    await expect(open(location(), { run: asUser(65534) })).rejects.toMatchObject({ kind: 'not-permitted' });
  });

  test('a pool that is read-only can be read, and refuses with its name', async () => {
    makeArchive(FIRST);
    tool('zpool', 'export', POOL);
    tool('zpool', 'import', '-d', '/var/tmp', '-o', 'readonly=on', POOL);
    const reading = await open(location(), {}, 'read');
    expect(existsSync(toBytes(await reading.pathOf(await treeNamed(reading, FIRST))))).toBe(true);
    await close();
    const backend = await open(location());
    const tree = await treeNamed(backend, FIRST);
    const lock = await backend.lock('exclusive');
    await expect(removeOne(backend, tree)).rejects.toThrow('pool is read-only');
    await expect(discardOne(backend, tree)).rejects.toThrow('pool is read-only');
    await expect(backend.setPin(tree, { note: '', at: new Date() })).rejects.toThrow('pool is read-only');
    await expect(backend.appendLog(['x'])).rejects.toMatchObject({ kind: 'failed' });
    await lock.release();
    expect(await treeNamed(backend, FIRST)).toEqual(tree);
  });

  test('a pool that is suspended is said to be, and nothing waits for it', async () => {
    dropPool();
    const small = join(FOLDER, 'small');
    mkdirSync(small, { recursive: true });
    tool('mount', '-t', 'tmpfs', '-o', 'size=40M', 'roots-test', small);
    tool('truncate', '-s', '200M', join(small, 'disk'));
    tool('zpool', 'create', '-f', '-m', 'none', POOL, join(small, 'disk'));
    makeArchive(FIRST);
    const at = join(FOLDER, 'live');
    mkdirSync(at, { recursive: true });
    tool('mount', '-i', '-t', 'zfs', `${POOL}/root`, at);
    const backend = await open(location());
    // More than there is room for below the pool.
    const writing = run('dd', ['if=/dev/urandom', `of=${at}/large`, 'bs=1M', 'count=60', 'conv=fsync']);
    const state = (): string => readFileSync(`/proc/spl/kstat/zfs/${POOL}/state`, 'utf8').trim();
    try {
      for (let wait = 0; state() !== 'SUSPENDED' && wait < 60; wait += 1) await run('sleep', ['1']);
      expect(state()).toBe('SUSPENDED');
      await expect(open(location())).rejects.toThrow('is suspended');
      await expect(backend.list()).rejects.toThrow('pool I/O is currently suspended');
    } finally {
      tool('mount', '-o', 'remount,size=300M', small);
      tool('zpool', 'clear', POOL);
      await writing;
      await close();
      tool('umount', at);
      tool('zpool', 'destroy', '-f', POOL);
    }
  });

  test('what is encrypted and has no key is listed, and is said to need it', async () => {
    zfs('create', `${POOL}/old_roots`);
    writeFileSync(join(FOLDER, 'key'), '12345678\n');
    const key = ['-o', 'encryption=on', '-o', 'keyformat=passphrase', '-o', `keylocation=file://${join(FOLDER, 'key')}`];
    zfs('create', '-u', ...key, `${POOL}/old_roots/${FIRST}`);
    zfs('unload-key', `${POOL}/old_roots/${FIRST}`);
    const backend = await open(location({ live: null, blank: null }));
    await expect(backend.pathOf(await treeNamed(backend, FIRST))).rejects.toThrow('its key is not loaded');
  });

  test('what is not there is said to be missing, with the exit status for that', async () => {
    makeArchive(FIRST);
    await expect(open(location({ archive: fromText(`${POOL}/nothing`) }))).rejects.toMatchObject({ kind: 'not-found' });
    await expect(open(location({ archive: fromText('nothing/old_roots') }))).rejects.toMatchObject({ kind: 'not-found' });
    const withoutLive = await open(location({ live: fromText(`${POOL}/nothing`) }));
    expect((await withoutLive.list()).trees.map(({ name }) => name)).toEqual([FIRST]);
    const withoutBlank = await open(location({ blank: fromText(`${POOL}/blank@nothing`) }));
    await expect(withoutBlank.pathOf('blank')).rejects.toMatchObject({ kind: 'not-found' });
  });

  test('a machine without the programs or without the module is told so', async () => {
    makeArchive();
    const without: Run = (program, args, options) => run(program === 'zfs' ? 'zfs-that-is-not-installed' : program, args, options);
    await expect(open(location(), { run: without })).rejects.toMatchObject({ kind: 'unsupported' });
    tool('zpool', 'export', POOL);
    const modprobe = tool('sh', '-c', 'readlink -f "$(command -v modprobe)"').trim();
    tool('rmmod', 'zfs');
    renameSync(modprobe, `${modprobe}.aside`);
    try {
      await expect(open(location())).rejects.toMatchObject({ kind: 'unsupported' });
    } finally {
      renameSync(`${modprobe}.aside`, modprobe);
      tool('modprobe', 'zfs');
    }
  });

  test('a dataset that is mounted is read all the same, and a snapshot that is mounted does not go', async () => {
    makeArchive(FIRST);
    zfs('snapshot', `${POOL}/root@${SECOND}`);
    const at = ['live', 'snapshot'].map((each) => join(FOLDER, each));
    for (const each of at) mkdirSync(each, { recursive: true });
    tool('mount', '-i', '-t', 'zfs', `${POOL}/root`, at[0] ?? '');
    tool('mount', '-i', '-t', 'zfs', '-o', 'ro', `${POOL}/root@${SECOND}`, at[1] ?? '');
    writeFileSync(join(at[0] ?? '', 'written'), 'after it was taken');
    const backend = await open(location());
    expect(backend.liveMountPoint).toBe(at[0]);
    const live = await backend.pathOf('live');
    expect(existsSync(join(live, 'written'))).toBe(true);
    expect(() => {
      writeFileSync(join(live, 'never'), '');
    }).toThrow('EROFS');
    writeFileSync(join(at[0] ?? '', 'written'), 'it is still mounted for writing');
    const tree = await treeNamed(backend, fromText(`@${SECOND}`));
    expect(tree.mountPoints).toEqual([at[1]]);
    await expect(removeOne(backend, tree)).rejects.toThrow('it is mounted');
    const direct = await run('zfs', ['destroy', `${POOL}/root@${SECOND}`]);
    expect(direct.stderr).toContain('dataset is busy');
  });

  test('`zfs diff` names all that differs, whichever is the older, and a walk and rsync find the same', async () => {
    const tally = new Tally();
    zfs('create', '-o', 'acltype=posix', '-o', 'xattr=sa', `${POOL}/blank`);
    zfs('create', `${POOL}/old_roots`);
    const [blankAt, rootAt] = ['blank', 'root'].map((each) => join(FOLDER, each)) as [string, string];
    for (const each of [blankAt, rootAt]) mkdirSync(each, { recursive: true });
    const garden = join(FOLDER, 'garden');
    mkdirSync(garden, { recursive: true });
    tool('mount', '-i', '-t', 'zfs', `${POOL}/blank`, garden);
    makeGarden(garden, 20);
    tool('umount', garden);
    zfs('snapshot', `${POOL}/blank@blank`);
    tool('mount', '-i', '-t', 'zfs', `${POOL}/blank@blank`, blankAt);
    await inRounds({ rounds: 3, atOnce: 20 }, async (all) => {
      zfs('clone', '-o', 'acltype=posix', '-o', 'xattr=sa', `${POOL}/blank@blank`, `${POOL}/root`);
      tool('mount', '-i', '-t', 'zfs', `${POOL}/root`, rootAt);
      applyAll(rootAt, all);
      tally.sequences += all.length;
      const backend = await open(location());
      const [blank, live] = [{ tree: 'blank', path: blankAt } as const, { tree: 'live', path: rootAt } as const];
      await expectAgreement(backend, blank, live, tally);
      await expectAgreement(backend, live, blank, tally);
      await close();
      // What it takes for itself goes with it.
      expect(names()).toEqual([POOL, `${POOL}/blank`, `${POOL}/blank@blank`, `${POOL}/old_roots`, `${POOL}/root`]);
      tool('umount', rootAt);
      zfs('destroy', `${POOL}/root`);
    });
    tool('umount', blankAt);
    console.log(tally.toString());
    for (const each of ['added', 'removed', 'modified']) expect(tally.count(each), each).toBeGreaterThan(20);
  });

  test('`zfs diff` compares two snapshots of one, and says why where it cannot', async () => {
    makeArchive(FIRST, SECOND);
    zfs('snapshot', `${POOL}/root@${FIRST}`);
    write(`${POOL}/root`, 'line\nbreak \u00fc', 'new');
    zfs('snapshot', `${POOL}/root@${SECOND}`);
    const said: string[] = [];
    const listening: Run = async (program, args, options) => {
      const result = await run(program, args, options);
      said.push(result.stderr);
      return result;
    };
    const backend = await open(location(), { run: listening }, 'read');
    const [older, newer] = [await treeNamed(backend, fromText(`@${FIRST}`)), await treeNamed(backend, fromText(`@${SECOND}`))];
    for (const [from, to] of [
      [older, newer],
      [newer, older],
    ] as const) {
      const narrowing = await backend.narrow(from, to);
      expect('candidates' in narrowing && [...narrowing.candidates.below.keys()]).toEqual([fromText('line\nbreak \u00fc')]);
    }
    expect(await backend.narrow(await treeNamed(backend, FIRST), await treeNamed(backend, SECOND))).toEqual({
      why: '`zfs diff` compares a snapshot with what came after it, and neither is one',
    });
    expect(await backend.narrow(older, await treeNamed(backend, FIRST))).toEqual({
      why: 'neither came of the other, or is a snapshot of what that came of',
    });
    expect(said.join('\n')).toContain('Not an earlier snapshot from the same fs');
    expect(said.join('\n')).toContain("snapshot delimiter '@' is not expected here");
  });

  test('is recognised without configuration, by root and by others', async () => {
    makeArchive(FIRST);
    const at = join(FOLDER, 'live');
    mkdirSync(at, { recursive: true });
    tool('mount', '-i', '-t', 'zfs', `${POOL}/root`, at);
    tool('chmod', '666', '/dev/zfs');
    const pool = new PrivateMountPool(run, 'read');
    for (const [privileged, services] of [
      [true, run],
      [false, asUser(65534)],
    ] as const) {
      const { found } = await detect(
        { run: services, signal: new AbortController().signal, privateMounts: pool },
        { nameZone: 'UTC', privileged },
      );
      expect(found.map((each) => each.location)).toContainEqual(location());
    }
    await pool.close();
  });
}

export const ZFS_OWN: Own = { suite: zfsSuite, tests: zfsTests };
