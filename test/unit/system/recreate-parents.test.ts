import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { recreateMissingParents, restoreTimes } from '../../../src/system/recreate-parents.ts';
import { run, type Run } from '../../../src/system/run.ts';
import { missing, requires } from '../../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let root: string;
let live: string;
beforeEach(() => {
  scratch = makeScratch();
  [root, live] = [join(scratch.path, 'root'), join(scratch.path, 'live')];
  for (const path of [live, root, join(root, 'home'), join(root, 'home/alice'), join(root, 'home/alice/docs')]) mkdirSync(path);
  chmodSync(join(root, 'home/alice'), 0o700);
  chmodSync(join(root, 'home/alice/docs'), 0o2775);
  if (missing('root') === false) for (const path of ['home/alice', 'home/alice/docs']) chownSync(join(root, path), 1000, 1001);
});
afterEach(() => scratch.remove());

const recreate = async (source: string, destination: string): ReturnType<typeof recreateMissingParents> =>
  recreateMissingParents(run, fromText(root), source as BytePath, destination as BytePath);

describe('parents that are missing', () => {
  it('are made as they were, and those that are there stay as they are', async () => {
    mkdirSync(join(live, 'home'));
    chmodSync(join(live, 'home'), 0o711);
    await recreate('home/alice/docs/file', join(live, 'home/alice/docs/file'));
    const of = (path: string): (number | string)[] => [
      (lstatSync(path).mode & 0o7777).toString(8),
      lstatSync(path).uid,
      lstatSync(path).gid,
    ];
    expect(of(join(live, 'home'))[0]).toBe('711');
    for (const path of ['home/alice', 'home/alice/docs']) expect(of(join(live, path))).toEqual(of(join(root, path)));
    expect(readdirSync(join(live, 'home/alice/docs'))).toEqual([]);
    await recreate('home/alice/docs/file', join(live, 'home/alice/docs/file'));
    await recreate('file', join(live, 'file'));
  });

  it('are there as they were, or not at all, whenever it is ended', async () => {
    const seen = new Set<string>();
    const watched: Run = async (program, args, options) => {
      seen.add(existsSync(join(live, 'home/alice')) ? (lstatSync(join(live, 'home/alice')).mode & 0o7777).toString(8) : 'absent');
      return run(program, args, options);
    };
    chmodSync(join(root, 'home/alice'), 0o751);
    await recreateMissingParents(watched, fromText(root), fromText('home/alice/docs/file'), fromText(join(live, 'home/alice/docs/file')));
    expect([...seen]).toEqual(['absent', '751']);
    expect(['.', 'home', 'home/alice', 'home/alice/docs'].map((path) => readdirSync(join(live, path)))).toEqual([
      ['home'],
      ['alice'],
      ['docs'],
      [],
    ]);
  });

  it('are made of the old root itself for the place of its live root, and of nothing above that', async () => {
    chmodSync(root, 0o711);
    const { made } = await recreate('home/file', join(live, 'home-of-all/home/file'));
    expect(made.map(({ to }) => to)).toEqual([join(live, 'home-of-all'), join(live, 'home-of-all/home')]);
    expect((lstatSync(join(live, 'home-of-all')).mode & 0o7777).toString(8)).toBe('711');
    await expect(recreate('home/file', join(live, 'none/of-it/home/file'))).rejects.toThrow('does not exist');
    expect(readdirSync(live)).toEqual(['home-of-all']);
  });

  it('get no times if they are not there any more, but others in their place', async () => {
    const { made } = await recreate('home/alice/file', join(live, 'home/alice/file'));
    renameSync(join(live, 'home'), join(live, 'moved'));
    mkdirSync(join(live, 'home/alice'), { recursive: true });
    const before = lstatSync(join(live, 'home/alice')).mtimeMs;
    await restoreTimes(run, made);
    expect(lstatSync(join(live, 'home/alice')).mtimeMs).toBe(before);
  });

  it('keep the times that they have if those of the old root are not to be had any more', async () => {
    const { made } = await recreate('home/alice/file', join(live, 'home/alice/file'));
    renameSync(join(root, 'home/alice'), join(root, 'gone'));
    tool('touch', '-d', '2020-02-02T02:02:02Z', join(root, 'home'));
    await restoreTimes(run, made);
    expect(lstatSync(join(live, 'home')).mtimeMs).toBe(Date.parse('2020-02-02T02:02:02Z'));
  });

  it('are bytes', async () => {
    const name = 'caf\xe9\n';
    mkdirSync(toBytes(`${root}/${name}` as BytePath));
    await recreate(`${name}/file`, `${live}/${name}/file`);
    expect(readdirSync(live, { encoding: 'latin1' })).toEqual([name]);
  });

  it('are not made where a file or a dangling link has the name, nor where the source has none', async () => {
    writeFileSync(join(live, 'home'), '');
    await expect(recreate('home/alice/file', join(live, 'home/alice/file'))).rejects.toThrow();
    expect(lstatSync(join(live, 'home')).isFile()).toBe(true);
    mkdirSync(join(scratch.path, 'other'));
    symlinkSync('nowhere', join(scratch.path, 'other/home'));
    await expect(recreate('home/alice/file', join(scratch.path, 'other/home/alice/file'))).rejects.toThrow();
    expect(readdirSync(join(scratch.path, 'other'))).toEqual(['home']);
    mkdirSync(join(scratch.path, 'third'));
    await expect(recreate('none/file', join(scratch.path, 'third/none/file'))).rejects.toThrow();
    expect(readdirSync(join(scratch.path, 'third'))).toEqual([]);
  });
});

requires.acl('parents that are missing', () => {
  it('let nobody in who could not enter them in the old root, whatever the directory around them hands down', async () => {
    tool('setfacl', '-d', '-m', 'u:1234:rwx', live);
    chmodSync(join(root, 'home'), 0o750);
    expect((await recreate('home/alice/docs/file', join(live, 'home/alice/docs/file'))).lost).toEqual([]);
    const acls = (tree: string): string[] =>
      ['home', 'home/alice', 'home/alice/docs'].map((path) => tool('sh', '-c', 'cd "$0" && getfacl "$1"', tree, path));
    expect(acls(live)).toEqual(acls(root));
  });

  it('have the ACLs and extended attributes that they had, and their times when all is in them', async () => {
    tool('setfattr', '-n', 'user.note', '-v', 'kept', join(root, 'home/alice'));
    tool('setfacl', '-m', 'u:1234:rx', '-m', 'd:u:1234:rwx', join(root, 'home/alice/docs'));
    const parents = ['home', 'home/alice', 'home/alice/docs'];
    for (const path of parents.toReversed()) tool('touch', '-d', '2020-02-02T02:02:02.123456789Z', join(root, path));
    const { made, lost } = await recreate('home/alice/docs/file', join(live, 'home/alice/docs/file'));
    expect([made.map(({ to }) => to), lost]).toEqual([parents.map((path) => join(live, path)), []]);
    writeFileSync(join(live, 'home/alice/docs/file'), '');
    await restoreTimes(run, made);
    const of = (tree: string): unknown[] =>
      parents.map((path) => [
        lstatSync(join(tree, path), { bigint: true }).mtimeNs,
        tool('sh', '-c', 'cd "$0" && getfattr -h -d -m - "$1" && getfacl "$1"', tree, path),
      ]);
    expect(of(live)).toEqual(of(root));
  });
});
