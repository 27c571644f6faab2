/** `roots find`: by name, by path and by pattern, in all old roots, held against find(1) and grep(1). */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { ODD_NAMES, SPECIAL } from '../fixtures/special-files.ts';
import { missing, requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Failure, Find, FoundPath } from './contracts.ts';
import { onTerminal } from './on-terminal.ts';
import { roots, traces, writeConfig, writeDirectoryConfig, type Argument } from './roots.ts';

requires.btrfs('roots find on btrfs', () => {
  let field: FieldArchive;
  let config: string;
  let top: string;
  /** Newest first. */
  let names: string[];

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), odd: { future: false } });
    config = writeConfig(field, '');
    top = field.image.mount({}, join(field.scratch, 'kept'));
    names = field.boots.map(({ name }) => name).reverse();
  });
  afterAll(() => field.close());

  const old = (path: string, name: string): string => join(top, 'old_roots', name, path);
  const live = (path: string): string => join(field.sysroot, path);
  const find = async (...args: Argument[]): Promise<Find> => {
    const { status, stderr, json } = await roots(['find', '--json', '--config', config, ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return json as Find;
  };
  const pathsOf = ({ paths }: Find): string[] => paths.map(({ path }) => path);
  const refsOf = ({ roots: which }: FoundPath): string[] => which.map(({ ref }) => ref);
  /** What find(1) finds in one old root. */
  const foundByFind = (name: string, ...test: string[]): string[] =>
    spawnSync('find', [`${top}/old_roots/${name}`, '-mindepth', '1', ...test, '-printf', '%P\\0'], { encoding: 'latin1' })
      .stdout.split('\0')
      .slice(0, -1);

  it('finds a lost file by its name, and says in which old root it is', async () => {
    const found = await find('thesis-draft.txt');
    expect(found.searched).toBe(30);
    expect(found.paths).toMatchObject([{ target: 'root', path: field.lostFile.path, type: 'file', size: 24, versions: 1 }]);
    expect(refsOf(found.paths[0]!)).toEqual([`root:${field.lostFile.boot}`]);
  });

  it('finds a path, though its directory is not on the live root any more', async () => {
    expect(existsSync(live('home/alice/Documents'))).toBe(false);
    expect(pathsOf(await find(live(field.lostFile.path)))).toEqual([field.lostFile.path]);
    expect(pathsOf(await find(`/${field.lostFile.path}`))).toEqual([field.lostFile.path]);
    const relative = await roots(['find', '--json', '--config', config, 'alice/Documents/../Documents/thesis-draft.txt'], {
      cwd: live('home'),
    });
    expect(pathsOf(relative.json as Find)).toEqual([field.lostFile.path]);
  });

  it('tells how many versions there are, the newest old root first', async () => {
    const [notes] = (await find(live('home/alice/notes.txt'))).paths;
    expect(notes).toMatchObject({ versions: 6 });
    expect(refsOf(notes!)).toEqual(names.map((name) => `root:${name}`));
    const [pattern] = (await find(live('home/*/notes.*'))).paths;
    expect(pattern).toEqual(notes);
  });

  it('with a pattern finds all that find(1) does, in nested subvolumes too', async () => {
    const found = await find('*');
    const byRoot = new Map<string, string[]>();
    for (const { path, pathBase64, roots: which } of found.paths)
      for (const { ref } of which) {
        const bytes = pathBase64 === undefined ? Buffer.from(path) : Buffer.from(pathBase64, 'base64');
        byRoot.set(ref, [...(byRoot.get(ref) ?? []), fromBytes(bytes)]);
      }
    for (const name of names) expect(byRoot.get(`root:${name}`)?.sort()).toEqual(foundByFind(name).sort());
    expect(pathsOf(found)).toContain(field.odd.nested!.file);
  });

  it('a star does not cross a slash, two do', async () => {
    const [newest = ''] = names;
    const inNewest = (found: Find): string[] =>
      found.paths
        .filter((path) => refsOf(path).includes(`root:${newest}`))
        .map(({ path, pathBase64 }) => (pathBase64 === undefined ? path : Buffer.from(pathBase64, 'base64').toString('latin1')))
        .sort();
    expect(inNewest(await find('/etc/*'))).toEqual(
      readdirSync(old('etc', newest))
        .map((name) => `etc/${name}`)
        .sort(),
    );
    expect(inNewest(await find(live('home/*/album/*')))).toEqual(['home/alice/album/photo.jpg']);
    expect(inNewest(await find('/home/**/*.jpg'))).toEqual(
      foundByFind(newest, '-path', `${top}/old_roots/${newest}/home/*`, '-name', '*.jpg').sort(),
    );
    expect(inNewest(await find('**/alice/*.jpg'))).toEqual(['home/alice/photo.jpg']);
    expect(inNewest(await find('/var/lib/machines/a/*'))).toEqual([]);
  });

  it.each(['f', 'd', 'l', 'p', 's', 'c'])('--type %s', async (letter) => {
    const [newest = ''] = names;
    const found = await find('*', '--type', letter);
    const here = found.paths.filter((path) => refsOf(path).includes(`root:${newest}`));
    expect(here.length).toBe(foundByFind(newest, '-type', letter).length);
    expect(here.length).toBeGreaterThan(0);
  });

  it.each(['+1M', '-1k', '1k', '+20c'])('--size %s', async (size) => {
    const [newest = ''] = names;
    const found = await find('*', '--size', size);
    const here = found.paths.filter((path) => refsOf(path).includes(`root:${newest}`));
    expect(here.length).toBe(foundByFind(newest, '-type', 'f', '-size', size).length);
    expect(here.length).toBeGreaterThan(0);
  });

  it('--newer takes a time and how long ago', async () => {
    const [newest = '', next = ''] = names;
    const time = field.boots.at(-2)!.time.toISOString();
    const after = await find('*', '--newer', time);
    expect(new Set(after.paths.flatMap(refsOf))).toEqual(new Set([`root:${newest}`]));
    const week = await find('machine-id', '--newer', '12h');
    expect(refsOf(week.paths[0]!)).toEqual([`root:${newest}`, `root:${next}`]);
    for (const wrong of ['soon', '2026-13-01']) expect((await roots(['find', '*', '--newer', wrong, '--config', config])).status).toBe(2);
  });

  it('--content finds the old roots in which it is', async () => {
    const found = await find('*.txt', '--content', '^notes, edition [23]$');
    expect(pathsOf(found)).toEqual(['home/alice/notes.txt']);
    expect(found.paths[0]).toMatchObject({ versions: 2 });
    expect(refsOf(found.paths[0]!)).toEqual(names.slice(10, 20).map((name) => `root:${name}`));
    // The expression is no option, and no shell sees it.
    expect((await roots(['find', '*', '--content', '-rQQQQQQQ', '--config', config])).status).toBe(10);
    expect((await roots(['find', '*', '--content', "$(touch /tmp/x)'", '--config', config])).status).toBe(10);
    // GNU grep 3.8 warns of what has no meaning, and finds it all the same.
    expect(pathsOf(await find('*.txt', '--content', '*notes, edition [23]$'))).toEqual(pathsOf(found));
    const wrong = await roots(['find', '*', '--content', '(', '--json', '--config', config]);
    expect([wrong.status, (wrong.json as Failure).error.kind]).toEqual([2, 'usage']);
  });

  it('finds names that are no text, tells them byte for byte, and prints none raw', async () => {
    for (const name of ODD_NAMES) {
      const bytes = joinPath(fromText('/'), name);
      const { paths } = await find({ bytes: bytes.replaceAll(/[*?[{\\]/g, '\\$&') as BytePath });
      expect(
        paths.map(({ path, pathBase64 }) =>
          pathBase64 === undefined ? fromText(path) : Buffer.from(pathBase64, 'base64').toString('latin1'),
        ),
      ).toEqual([name]);
      expect(paths[0]!.roots.length).toBe(3);
    }
    const all = await roots(['find', '/home/alice/odd/*', '--config', config]);
    expect(all.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ufffd]/);
    const zero = await roots(['find', '/home/alice/odd/*', '-z', '--config', config]);
    const told = zero.stdoutBytes.toString('latin1').split('\0').slice(0, -1);
    expect(told.sort()).toEqual(ODD_NAMES.map((name) => joinPath(fromText(field.sysroot), name) as string).sort());
    expect(pathsOf(await find({ bytes: fromBytes(Buffer.from([0x63, 0x2a, 0xe9])) }))).toHaveLength(1);
  });

  it('--content reads files of such names', async () => {
    const found = await find('/home/alice/odd/*', '--content', '^[0-9]+$');
    expect(found.paths.length).toBe(ODD_NAMES.length);
  });

  it('one path a line with --ndjson', async () => {
    const { stdout } = await roots(['find', 'machine-id', 'shadow', '--ndjson', '--config', config]);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual((await find('machine-id', 'shadow')).paths);
    // With those of the root that was moved into another.
    expect(lines.length).toBe(4);
  });

  it('does not leave an old root by a link', async () => {
    expect((await roots(['find', `/${SPECIAL.linkedDirectory}/secret`, '--config', config])).status).toBe(10);
    expect((await roots(['find', `/${SPECIAL.linkedDirectory}/*`, '--config', config])).status).toBe(10);
    expect((await roots(['find', 'secret', '--config', config])).status).toBe(10);
    const link = await find(`/${SPECIAL.absoluteLink}`);
    expect(link.paths).toMatchObject([{ type: 'symlink' }]);
    expect((await roots(['find', `/${SPECIAL.absoluteLink}`, '--content', 'outside', '--config', config])).status).toBe(10);
  });

  it('looks beneath what is mounted, and warns that what is there now persists', async () => {
    tool('mount', '--bind', join(field.persist, 'etc'), live('home/bob'));
    try {
      const { paths, warnings } = await find(live('home/bob/todo.md'));
      expect(paths).toMatchObject([{ path: 'home/bob/todo.md' }]);
      expect(warnings).toEqual([
        `${live('home/bob')} is mounted from /persist/etc (${field.device}): what is there now persists, old roots hold only what was beneath the mount point`,
      ]);
      const { stderr } = await roots(['find', live('home/bob/*'), '--config', config]);
      expect(stderr).toBe(`warning: ${warnings[0]!}\n`);
    } finally {
      tool('umount', live('home/bob'));
    }
  });

  it('knows a bind mount of something on the live root', async () => {
    const at = join(field.scratch, 'bound');
    mkdirSync(at);
    tool('mount', '--bind', live('home/alice'), at);
    try {
      expect(pathsOf(await find(join(at, 'notes.txt')))).toEqual(['home/alice/notes.txt']);
      expect(pathsOf(await find(join(at, 'not*.txt')))).toEqual(['home/alice/notes.txt']);
    } finally {
      tool('umount', at);
    }
  });

  it('says with 10 that there is nothing, and how to go on', async () => {
    for (const glob of ['nothing-like-that', '/etc/nothing', '*.nothing', '/none/*']) {
      const { status, stdout, stderr } = await roots(['find', glob, '--config', config]);
      expect({ status, stdout }).toEqual({ status: 10, stdout: '' });
      expect(stderr).toContain('anywhere');
    }
    expect((await roots(['find', 'x', '--target', 'none', '--config', config])).status).toBe(10);
    expect((await roots(['find', '--config', config])).status).toBe(2);
    expect((await roots(['find', 'x', '--size', 'big', '--config', config])).status).toBe(2);
  });

  it('leaves no mount behind, and every old root as it was', async () => {
    const before = traces(field.device, field.scratch);
    const state = await field.snapshotState();
    await find('*', '--content', 'a');
    await roots(['find', '/none', '--config', config]);
    expect(traces(field.device, field.scratch)).toEqual(before);
    expect(await field.snapshotState()).toEqual(state);
  });

  it('is readable on a narrow terminal', async () => {
    const { output } = await onTerminal(['find', 'thesis-draft.txt', '--config', config], { columns: 60, env: { NO_COLOR: '1' } });
    const lines = output.split('\n');
    expect(output).toContain(field.lostFile.boot);
    expect(lines.slice(1).every((line) => line.length <= 60)).toBe(true);
  });
});

describe('roots find in directories', () => {
  let archive: DirectoryArchive;
  let config: string;
  const old = (at: number, ...path: string[]): string => join(archive.archive, archive.roots.at(at)!.name, ...path);
  beforeAll(async () => {
    archive = await buildDirectoryArchive({ now: new Date() });
    config = writeDirectoryConfig(archive, '');
  });
  afterAll(() => archive.close());

  it('what is the same in copies is one version, whatever its time is', async () => {
    for (const at of [-1, -2, -3]) {
      writeFileSync(old(at, 'etc/copied'), at === -3 ? 'other\n' : 'equal\n');
      utimesSync(old(at, 'etc/copied'), 1000 + at, 1000 + at);
    }
    for (const glob of ['/etc/copied', 'copied']) {
      const { json } = await roots(['find', glob, '--json', '--config', config]);
      expect((json as Find).paths).toMatchObject([{ versions: 2, compared: true }]);
    }
  });

  it('a directory on the way that is a link is one of the old root', async () => {
    mkdirSync(old(-1, 'moved'));
    writeFileSync(old(-1, 'moved/file'), '');
    symlinkSync('/moved', old(-1, 'linked'));
    for (const glob of ['/linked/file', '/linked/f*', join(archive.live, 'linked/file')]) {
      const { json } = await roots(['find', glob, '--json', '--config', config]);
      expect((json as Find).paths).toMatchObject([{ path: 'linked/file' }]);
    }
  });

  it.skipIf(missing('root'))('names what cannot be read, and goes on', { meta: { needs: 'root' } }, async () => {
    for (const path of [archive.path, archive.archive]) chmodSync(path, 0o755);
    const { status, stderr } = await roots(['find', '*.md', '--content', '.', '--config', config], { uid: 1000 });
    expect([status, stderr]).toEqual([3, expect.stringMatching(/^not searched: home\/bob in root:.*: permission denied$/m)]);
    const { json } = await roots(['find', '*.md', '--json', '--config', config], { uid: 1000 });
    expect((json as Find).problems).toContain(`home/bob in root:${archive.roots.at(-1)!.name}: permission denied`);
    const exact = await roots(['find', '/etc/hosts', '/home/bob/todo.md', '--json', '--config', config], { uid: 1000 });
    expect([exact.status, (exact.json as Find).paths.map(({ path }) => path)]).toEqual([3, ['etc/hosts']]);
    const content = await roots(['find', '/etc/*', '--content', '.', '--json', '--config', config], { uid: 1000 });
    expect(content.status).toBe(3);
    expect((content.json as Find).problems).toContainEqual(expect.stringMatching(/^etc\/shadow in root:.*: permission denied$/));
    expect((content.json as Find).paths.map(({ path }) => path)).toContain('etc/passwd');
  });

  it.skipIf(missing('root'))('does not enter what is mounted in an old root', { meta: { needs: 'root' } }, async () => {
    const at = old(-1, 'var/empty-mount');
    mkdirSync(at);
    tool('mount', '-t', 'tmpfs', 'tmpfs', at);
    try {
      writeFileSync(join(at, 'in-memory'), '');
      expect((await roots(['find', 'in-memory', '--config', config])).status).toBe(10);
    } finally {
      tool('umount', at);
      rmSync(at, { recursive: true });
    }
  });

  it('does not look for the root itself: 2, and says what to write', async () => {
    for (const path of ['/', archive.live]) {
      const { status, stderr } = await roots(['find', path, '--config', config]);
      expect({ path, status }).toEqual({ path, status: 2 });
      expect(stderr).toContain("/**'");
    }
  });

  it('finds what is very deep', async () => {
    let path = toBytes(fromText(old(-1))).toString();
    for (let level = 0; level < 12; level += 1) path = join(path, 'd'.repeat(250));
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'deep-file'), 'deep\n');
    const { json } = await roots(['find', 'deep-file', '--content', 'deep', '--json', '--config', config]);
    expect((json as Find).paths).toHaveLength(1);
  });
});
