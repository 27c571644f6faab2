/**
 * What only bcachefs has: subvolumes that are known by a number in a file handle; and what its programs and setfattr(1) say, which src/backend/bcachefs
 * relies on, from the real ones.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import type { BcachefsLocation } from '../../src/backend/bcachefs/adapter.ts';
import { NOT_PERMITTED, parseProbe, wordsOf } from '../../src/backend/bcachefs/parse.ts';
import { TELLING, identify } from '../../src/backend/bcachefs/subvolumes.ts';
import type { Backend, Services } from '../../src/backend/backend.ts';
import { detect } from '../../src/backend/detect.ts';
import { NOT_EMPTY } from '../../src/backend/subvolume-removal.ts';
import { readNames } from '../../src/system/names.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run, type Run, type RunResult } from '../../src/system/run.ts';
import { tool } from '../support/scratch.ts';
import { ownTests, type Own, type Register } from './own.ts';
import { discardOne, removeOne, treeNamed } from './steps.ts';

/** In the test machine, where it is empty and nobody else's. */
const DISK = '/dev/vdb';
const TOP = '/run/roots-bcachefs-own';
const LIVE = '/run/roots-bcachefs-live';
const [FIRST, SECOND] = ['2026-10-01_08:00:00', '2026-10-02_08:00:00'].map(fromText) as [BytePath, BytePath];
const NOT_UTF8 = Buffer.from('line\nbreak \xff', 'latin1');

const LOCATION: BcachefsLocation = {
  backend: 'bcachefs',
  device: DISK,
  live: fromText('root'),
  blank: fromText('blank_root'),
  archive: fromText('old_roots'),
};

const at = (...names: readonly string[]): string => join(TOP, ...names);
const old = (name: BytePath): string => at('old_roots', name);
const subvolume = (...args: readonly string[]): void => void tool('bcachefs', 'subvolume', ...args);
const mountTop = (...options: readonly string[]): void => void tool('mount', '-t', 'bcachefs', ...options, DISK, TOP);

async function remove(path: string): Promise<RunResult> {
  return run('bcachefs', ['subvolume', 'delete', path]);
}

function makeFilesystem(): void {
  mkdirSync(TOP, { recursive: true });
  mkdirSync(LIVE, { recursive: true });
  // It may crash when all is done (bcachefs-tools 1.13): what counts is whether it can be mounted.
  spawnSync('bcachefs', ['format', '--quiet', '--force', DISK]);
  mountTop();
}

function dropFilesystem(): void {
  tool('umount', TOP);
  for (const each of [LIVE, TOP]) rmSync(each, { recursive: true });
}

/** A blank, old roots made from it, and a live root. */
function makeArchive(...names: readonly BytePath[]): void {
  mkdirSync(at('old_roots'));
  subvolume('create', at('blank_root'));
  for (const path of [...names.map(old), at('root')]) subvolume('snapshot', at('blank_root'), path);
}

function clean(): void {
  // Deepest first; plain directories in them are no obstacle.
  for (const name of ['old_roots/*/*', 'old_roots/.[!.]*', 'old_roots/*', '*'])
    tool(
      'sh',
      '-c',
      `cd "$1" && for each in ${name}; do chattr -ia "$each"; bcachefs subvolume delete "$each"; rm -rf "$each"; done 2>/dev/null; :`,
      'sh',
      TOP,
    );
}

function bcachefsSuite(): void {
  describe('bcachefs itself', () => {
    beforeAll(makeFilesystem);
    afterAll(dropFilesystem);
    bcachefsTests(it);
  });
}

function bcachefsTests(register: Register): void {
  const { open: openAt, close, test } = ownTests(register, clean);
  const open = (services?: Partial<Services>, access?: 'read' | 'write'): Promise<Backend> =>
    openAt(LOCATION, { ...services, mountsBy: services?.run ?? run }, access);

  test('the program says of one that holds another, and of one that is immutable, what is looked for', async () => {
    subvolume('create', at('outer'));
    subvolume('create', at('outer', 'nested'));
    const holding = await remove(at('outer'));
    expect([holding.status === 0, wordsOf(holding)]).toEqual([false, expect.stringContaining(NOT_EMPTY)]);
    subvolume('delete', at('outer', 'nested'));
    tool('chattr', '+i', at('outer'));
    const immutable = await remove(at('outer'));
    expect([immutable.status === 0, wordsOf(immutable)]).toEqual([false, expect.stringContaining(NOT_PERMITTED)]);
    const plain = await remove(at('nothing'));
    expect([plain.status === 0, wordsOf(plain)]).toEqual([false, expect.stringContaining('No such file or directory')]);
  });

  test('the program follows links and deletes what is mounted, which is why it is never asked by a name', async () => {
    for (const name of ['one', 'two']) subvolume('create', at(name));
    symlinkSync('one', at('link'));
    expect((await remove(at('link'))).status).toBe(0);
    expect([existsSync(at('one')), lstatSync(at('link')).isSymbolicLink()]).toEqual([false, true]);
    tool('mount', '--bind', at('two'), LIVE);
    expect((await remove(at('two'))).status).toBe(0);
    expect(existsSync(at('two'))).toBe(false);
    tool('umount', LIVE);
  });

  test('a subvolume and its snapshots have numbers of their own, and one inode', () => {
    makeArchive(FIRST, SECOND);
    const paths = [at('blank_root'), old(FIRST), old(SECOND), at('root')];
    const identities = identify(paths.map(fromText));
    expect(new Set(identities.map((each) => each?.subvolume)).size).toBe(paths.length);
    expect(new Set(identities.map((each) => each?.inum)).size).toBe(1);
    expect(new Set(paths.map((path) => lstatSync(path).ino)).size).toBe(1);
    expect([...paths, at('old_roots')].map((path) => TELLING.isSubvolume(fromText(path)))).toEqual([...paths.map(() => true), false]);
    return Promise.resolve();
  });

  test('setfattr says what is read-only, of any name', () => {
    makeArchive();
    subvolume('snapshot', '-r', at('blank_root'), at('read-only'));
    subvolume('create', at('odd'));
    const odd = Buffer.concat([Buffer.from(`${TOP}/`), NOT_UTF8]);
    renameSync(at('odd'), odd);
    const paths = [Buffer.from(at('read-only')), odd, Buffer.from(at('nothing')), Buffer.from(at('blank_root'))];
    // Node gives programs text only.
    const octal = paths.map((path) => [...path].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join(''));
    const words = 'set -- "$(printf %b "$1")" "$(printf %b "$2")" "$(printf %b "$3")" "$(printf %b "$4")"';
    const { stderr } = spawnSync('sh', ['-c', `${words}; exec setfattr -h -x user.roots.absent -- "$@"`, 'sh', ...octal], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    expect(parseProbe(stderr, paths)).toEqual([true, false, undefined, false]);
    tool('sh', '-c', 'cd "$1" && mv line* odd', 'sh', TOP);
    return Promise.resolve();
  });

  test('a directory is read whole, whatever signals arrive meanwhile', async () => {
    makeArchive(FIRST);
    for (let number = 0; number < 40; number += 1) writeFileSync(at('root', String(number)), '');
    const ignore = (): void => undefined;
    process.on('SIGUSR2', ignore);
    const sender = spawn('sh', ['-c', 'while kill -USR2 "$1"; do :; done', 'sh', String(process.pid)], { stdio: 'ignore' });
    const lengths = new Set<number>();
    try {
      for (const end = Date.now() + 15_000; Date.now() < end;) {
        lengths.add(readNames(fromText(at('root'))).length);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      sender.kill('SIGKILL');
      process.off('SIGUSR2', ignore);
    }
    expect([...lengths]).toEqual([40]);
  });

  test('one whose name the program cannot take goes all the same', async () => {
    makeArchive(FIRST);
    const odd = Buffer.concat([Buffer.from(`${at('old_roots')}/`), NOT_UTF8]);
    renameSync(old(FIRST), odd);
    const backend = await open();
    const [tree] = (await backend.list()).trees;
    expect(tree?.name).toBe(NOT_UTF8.toString('latin1'));
    await removeOne(backend, tree!);
    expect(existsSync(odd)).toBe(false);
  });

  test('is recognised without configuration by the live root that is mounted', async () => {
    makeArchive(FIRST);
    tool('mount', '-t', 'bcachefs', '-o', 'X-mount.subdir=root', DISK, LIVE);
    const pool = new PrivateMountPool(run, 'read');
    try {
      const services = { run, signal: new AbortController().signal, privateMounts: pool };
      const { found } = await detect(services, { nameZone: 'UTC', privileged: true });
      expect(found.map((each) => each.location)).toContainEqual(LOCATION);
    } finally {
      await pool.close();
      tool('umount', LIVE);
    }
  });

  test('a machine without the program is told so, and nothing is changed', async () => {
    makeArchive(FIRST);
    const without: Run = (program, args, options) =>
      run(
        program,
        args.map((each) => (each === 'bcachefs' && args.includes('subvolume') ? 'bcachefs-that-is-not-installed' : each)),
        options,
      );
    const backend = await open({ run: without });
    await expect(removeOne(backend, await treeNamed(backend, FIRST))).rejects.toThrow('`bcachefs` is not installed');
    expect(existsSync(old(FIRST))).toBe(true);
  });

  test('a full filesystem has an old root removed all the same, and one put into the trash', async () => {
    makeArchive(FIRST, SECOND);
    writeFileSync(join(old(FIRST), 'large'), Buffer.alloc(8 << 20, 'x'));
    await run('dd', ['if=/dev/zero', `of=${at('root', 'fill')}`, 'bs=1M']);
    expect(() => writeFileSync(at('root', 'more'), Buffer.alloc(4 << 20, 'y'), { flush: true })).toThrow('ENOSPC');
    const backend = await open();
    await removeOne(backend, await treeNamed(backend, FIRST));
    await discardOne(backend, await treeNamed(backend, SECOND));
    expect([existsSync(old(FIRST)), existsSync(old(SECOND))]).toEqual([false, false]);
    expect((await backend.list()).trashed).toHaveLength(1);
  });

  test('one that is mounted read-only is read, and refuses changes with what to do', async () => {
    makeArchive(FIRST);
    tool('umount', TOP);
    try {
      mountTop('-o', 'ro');
      const reading = await open({}, 'read');
      const path = await reading.pathOf(await treeNamed(reading, FIRST));
      expect(existsSync(toBytes(joinPath(path, fromText('.'))))).toBe(true);
      await close();
      await expect(open()).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringContaining('mounted read-only') as string,
        hint: expect.stringContaining('remount,rw') as string,
      });
    } finally {
      await close();
      tool('umount', TOP);
      mountTop();
    }
  });

  test('one that is not mounted is left so and said to be; without the module that is said as well', async () => {
    makeArchive(FIRST);
    tool('umount', TOP);
    try {
      await expect(open()).rejects.toMatchObject({ kind: 'failed', message: `there is no bcachefs mounted from ${DISK}` });
      tool('rmmod', 'bcachefs');
      await expect(open()).rejects.toMatchObject({ kind: 'unsupported', hint: expect.stringContaining('modprobe bcachefs') as string });
    } finally {
      tool('modprobe', 'bcachefs');
      mountTop();
    }
  });
}

export const BCACHEFS_OWN: Own = { suite: bcachefsSuite, tests: bcachefsTests };
