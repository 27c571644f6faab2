/** `roots history`: what is the same is one version, wherever it is, and what became of a path is told. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromText, joinPath, toBytes } from '../../src/byte-path.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { ODD_NAMES, SPECIAL } from '../fixtures/special-files.ts';
import { missing, requires } from '../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../support/scratch.ts';
import type { Failure, History, Restore } from './contracts.ts';
import { onTerminal } from './on-terminal.ts';
import { roots, traces, writeConfig, type Argument } from './roots.ts';

/** Oldest first. */
const NAMES = ['2026-01-01_00:00:00', '2026-01-02_00:00:00', '2026-01-03_00:00:00', '2026-01-04_00:00:00', '2026-01-05_00:00:00'];

describe('roots history of directories', () => {
  let scratch: Scratch;
  let config: string;
  const old = (at: number, ...path: string[]): string => join(scratch.path, 'old_roots', NAMES[at]!, ...path);
  const live = (...path: string[]): string => join(scratch.path, 'live', ...path);
  const history = async (path: Argument, ...more: string[]): Promise<History> => {
    const { status, stderr, json } = await roots(['history', path, '--json', '--config', config, ...more]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return json as History;
  };
  const show = async (...args: string[]): Promise<string> => (await roots(['history', '--config', config, ...args])).stdout;
  /** As `first-last what`, with the places of old roots; the newest version first. */
  const versionsOf = ({ versions }: History): string[] =>
    versions.map(({ first, last, what }) => `${placeOf(first.ref)}-${placeOf(last.ref)} ${what.join(',')}`.trim());
  const placeOf = (ref: string): string => (ref === 'root:live' ? 'live' : String(NAMES.indexOf(ref.replace('root:', ''))));
  /** One content for each old root, the oldest first, then for the live root; null: it is not there. Every one has a time of its own. */
  const write = (path: string, ...contents: (string | null)[]): void => {
    for (const [at, content] of contents.entries()) {
      const file = at === NAMES.length ? live(path) : old(at, path);
      mkdirSync(join(file, '..'), { recursive: true });
      if (content === null) continue;
      writeFileSync(file, content);
      utimesSync(file, 1000 * at + 7, 1000 * at + 7);
    }
  };

  beforeAll(() => {
    scratch = makeScratch();
    for (const at of NAMES.keys()) mkdirSync(old(at), { recursive: true });
    mkdirSync(live());
    config = join(scratch.path, 'roots.toml');
    writeFileSync(config, `[targets.root]\nbackend = "directory"\nlive = "${live()}"\narchive = "${join(scratch.path, 'old_roots')}"\n`);
  });
  afterAll(() => scratch.remove());

  it('the same content is one version, whatever its time is', async () => {
    write('same', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n');
    const found = await history('/same');
    expect(versionsOf(found)).toEqual(['0-live']);
    expect(found).toMatchObject({
      target: 'root',
      path: 'same',
      live: true,
      searched: 5,
      deleted: null,
      gaps: [],
      warnings: [],
      problems: [],
    });
    expect(found.versions).toMatchObject([{ roots: 5, live: true, type: 'file', size: 2, mode: '0644', what: [] }]);
    expect(found.versions[0]!.first).toEqual({ ref: `root:${NAMES[0]!}`, archivedAt: '2026-01-01T00:00:00.000Z' });
    expect(found.versions[0]!.last).toEqual({ ref: 'root:live', archivedAt: null });
  });

  it('also if another was between, of the same size or of another', async () => {
    write('back', 'a\n', 'b\n', 'a\n', 'longer\n', 'a\n', 'a\n');
    const found = await history(live('back'));
    expect(versionsOf(found)).toEqual(['3-3 content', '1-1 content', '0-live']);
    expect(found.versions.map((each) => each.roots)).toEqual([1, 1, 3]);
  });

  it('large files too', async () => {
    const [a, b] = ['a', 'b'].map((end) => `${'x'.repeat(3 << 20)}${end}`);
    write('large', a!, a!, b!, b!, a!, null);
    expect(versionsOf(await history('/large'))).toEqual(['2-3 content', '0-4']);
  });

  it('says what is deleted, and where it was seen last', async () => {
    write('lost', null, 'a\n', 'a\n', null, null, null);
    const found = await history('/lost');
    expect(found).toMatchObject({
      live: false,
      deleted: { lastSeen: { ref: `root:${NAMES[2]!}` }, missing: { ref: `root:${NAMES[3]!}` } },
    });
    expect(await show('/lost')).toMatch(
      new RegExp(`^deleted: last seen in root:${NAMES[2]!}, \\d+ days ago, gone in root:${NAMES[3]!}$`, 'm'),
    );
    write('lost-now', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n', null);
    expect((await history('/lost-now')).deleted).toMatchObject({ missing: { ref: 'root:live' } });
  });

  it('says where it was gone and came back', async () => {
    write('gaps', 'a\n', null, null, 'a\n', null, 'a\n');
    const found = await history('/gaps');
    expect(versionsOf(found)).toEqual(['0-live']);
    expect(found.gaps.map(({ newest, oldest, roots: count }) => [placeOf(newest.ref), placeOf(oldest.ref), count])).toEqual([
      ['4', '4', 1],
      ['2', '1', 2],
    ]);
    const text = await show('/gaps');
    expect(text).toContain(`not there in root:${NAMES[4]!}, and back after it`);
    expect(text).toContain(`not there in 2 old roots, root:${NAMES[1]!} to root:${NAMES[2]!}, and back after that`);
  });

  it('tells what has changed besides the content', async () => {
    write('meta', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n');
    for (const at of [1, 2, 3, 4]) chmodSync(old(at, 'meta'), 0o600);
    chmodSync(live('meta'), 0o600);
    for (const file of [old(2, 'meta'), old(3, 'meta'), old(4, 'meta'), live('meta')]) tool('setfattr', '-n', 'user.tag', '-v', 'x', file);
    for (const file of [old(4, 'meta'), live('meta')]) tool('setfacl', '-m', 'u:1001:r', file);
    rmSync(live('meta'));
    mkdirSync(live('meta'));
    const found = await history('/meta');
    expect(found.versions.map(({ what }) => what)).toEqual([['type'], expect.arrayContaining(['acl']), ['xattr'], ['mode'], []]);
    expect(found.versions.map(({ type }) => type)).toEqual(['directory', 'file', 'file', 'file', 'file']);
  });

  it.skipIf(missing('root'))('and the owner', { meta: { needs: 'root' } }, async () => {
    write('owned', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n');
    chownSync(live('owned'), 1000, 100);
    const found = await history('/owned');
    expect(versionsOf(found)).toEqual(['live-live owner', '0-4']);
    expect(found.versions).toMatchObject([{ uid: 1000, gid: 100, roots: 0 }, { uid: 0 }]);
  });

  it('a link is where it leads, a directory the names in it', async () => {
    for (const at of NAMES.keys()) symlinkSync(at < 3 ? 'one' : 'two', old(at, 'link'));
    expect(versionsOf(await history('/link'))).toEqual(['3-4 target', '0-2']);
    for (const at of NAMES.keys()) mkdirSync(old(at, 'folder'));
    for (const at of [2, 3, 4]) writeFileSync(old(at, 'folder/new'), String(at));
    expect(versionsOf(await history('/folder'))).toEqual(['2-4 content', '0-1']);
  });

  it('a directory on the way that is a link is one of the old root', async () => {
    write('real/file', 'a\n', 'a\n', 'b\n', 'b\n', 'b\n', 'b\n');
    for (const at of NAMES.keys()) symlinkSync('/real', old(at, 'way'));
    expect(versionsOf(await history('/way/file'))).toEqual(['2-4 content', '0-1']);
    for (const at of NAMES.keys()) symlinkSync(scratch.path, old(at, 'out'));
    expect((await roots(['history', '/out/roots.toml', '--config', config])).status).toBe(10);
  });

  it('--patch is what patch(1) makes each of the one before with', async () => {
    write('text', 'one\ntwo\n', 'one\n2\n', 'one\n2\n', 'one\n2\nthree\n', 'one\n', 'one\nlast\n');
    const text = await show('/text', '--patch');
    const patches = text.split(/^(?=root:)/m).slice(1);
    expect(patches).toHaveLength(5);
    const folder = mkdtempSync(join(tmpdir(), 'roots-test-patch-'));
    try {
      for (const patch of patches.reverse()) {
        const { status, stdout } = spawnSync('patch', ['-p1', '--batch'], { cwd: folder, input: patch, encoding: 'utf8' });
        expect({ status, said: status === 0 ? '' : stdout }).toEqual({ status: 0, said: '' });
      }
      expect(readFileSync(join(folder, 'text'), 'utf8')).toBe('one\nlast\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('--patch goes through a pager on a terminal, and no escape sequence gets there', async () => {
    write('escapes', 'plain\n', '\x1b[31mred\n', null, null, null, null);
    const args = ['history', '/escapes', '-p', '--config', config];
    const paged = await onTerminal(args, { env: { PAGER: 'sed s/^/paged:/' } });
    expect(stripVTControlCharacters(paged.output)).toContain('paged:+\\e[31mred');
    expect(stripVTControlCharacters(paged.output)).toContain('paged:/');
    const plain = await onTerminal([...args, '--no-pager'], { env: { PAGER: 'sed s/^/paged:/' } });
    expect(plain.output).not.toContain('paged:');
    expect(plain.output).not.toContain('\u001b[31mred');
  });

  it('says with 10 that it was never there, and refuses the root itself', async () => {
    const { status, json } = await roots(['history', '/never', '--json', '--config', config]);
    expect([status, (json as Failure).error.kind]).toEqual([10, 'not-found']);
    expect((await roots(['history', '/never/never', '--config', config])).status).toBe(10);
    expect((await roots(['history', live(), '--config', config])).status).toBe(2);
    expect((await roots(['history', '--config', config])).status).toBe(2);
    expect((await roots(['history', '/same', '--target', 'none', '--config', config])).status).toBe(10);
  });

  it.skipIf(missing('root'))('names what cannot be read, and tells the rest', { meta: { needs: 'root' } }, async () => {
    write('closed/file', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n', 'a\n');
    for (const path of [scratch.path, join(scratch.path, 'old_roots')]) chmodSync(path, 0o755);
    chmodSync(old(1, 'closed'), 0o700);
    const { status, json } = await roots(['history', '/closed/file', '--json', '--config', config], { uid: 1000 });
    expect([status, versionsOf(json as History)]).toEqual([3, ['0-live']]);
    expect((json as History).problems).toEqual([`closed/file in root:${NAMES[1]!}: permission denied`]);
    // What is not known is no gap.
    expect((json as History).gaps).toEqual([]);
    write('closed/lost', 'a\n', 'a\n', null, null, null, null);
    chmodSync(old(2, 'closed'), 0o700);
    const lost = await roots(['history', '/closed/lost', '--json', '--config', config], { uid: 1000 });
    expect((lost.json as History).deleted).toMatchObject({
      lastSeen: { ref: `root:${NAMES[0]!}` },
      // Nobody knows of the two before it.
      missing: { ref: `root:${NAMES[3]!}` },
    });
  });

  it('fits a narrow terminal', async () => {
    const { output } = await onTerminal(['history', '/back', '--config', config], { columns: 80, env: { NO_COLOR: '1' } });
    expect(
      output
        .split('\n')
        .slice(1)
        .every((line) => line.length <= 80),
    ).toBe(true);
    expect(output).toContain('3 versions in 5 old roots');
  });

  it('of several targets takes the one that the path is on', async () => {
    mkdirSync(live('home/me'), { recursive: true });
    mkdirSync(join(scratch.path, 'old_homes', NAMES[0]!, 'me'), { recursive: true });
    writeFileSync(join(scratch.path, 'old_homes', NAMES[0]!, 'me/x'), 'of home\n');
    write('home/me/x', 'of root\n', null, null, null, null, null);
    const both = join(scratch.path, 'both.toml');
    writeFileSync(
      both,
      `${readFileSync(config, 'utf8')}[targets.home]\nbackend = "directory"\nlive = "${live('home')}"\narchive = "${join(scratch.path, 'old_homes')}"\n`,
    );
    const of = async (...args: string[]) => (await roots(['history', ...args, '--json', '--config', both])).json;
    expect(await of(live('home/me/x'))).toMatchObject({ target: 'home', path: 'me/x' });
    expect(await of('/home/me/x', '--target', 'root')).toMatchObject({ target: 'root', path: 'home/me/x' });
    expect(await of('/elsewhere')).toMatchObject({ error: { kind: 'usage', hint: expect.stringContaining('--target') as string } });
  });
});

requires.btrfs('roots history on btrfs', () => {
  let field: FieldArchive;
  let config: string;
  let top: string;
  const live = (path: string): string => join(field.sysroot, path);
  const history = async (path: Argument): Promise<History> => {
    const { status, stderr, json } = await roots(['history', path, '--json', '--config', config]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return json as History;
  };

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), odd: { future: false } });
    config = writeConfig(field, '');
    top = field.image.mount({}, join(field.scratch, 'kept'));
  });
  afterAll(() => field.close());

  it('tells few versions over many boots, as their contents are', async () => {
    const found = await history(live('home/alice/notes.txt'));
    const names = field.boots.map(({ name }) => `root:${name}`);
    expect(found.versions.map(({ first, last, roots: count }) => [first.ref, last.ref, count])).toEqual([
      ['root:live', 'root:live', 0],
      ...[5, 4, 3, 2, 1, 0].map((edition) => [names[edition * 5], names[edition * 5 + 4], 5]),
    ]);
  });

  it('a snapshot has what its source has, without a look at it', async () => {
    const [newest, copy] = [join(top, 'old_roots', field.boots.at(-1)!.name), join(top, 'old_roots', '2021-05-05_05:05:05')];
    tool('btrfs', 'subvolume', 'snapshot', newest, copy);
    try {
      const found = await history(`/${SPECIAL.large}`);
      expect(found.versions.at(-1)).toMatchObject({ roots: 2, first: { ref: 'root:2021-05-05_05:05:05' } });
    } finally {
      tool('btrfs', 'subvolume', 'delete', copy);
    }
  });

  it('does not list every time that something was gone', async () => {
    expect((await history(live('home/bob/todo.md'))).gaps).toHaveLength(15);
    const { stdout } = await roots(['history', live('home/bob/todo.md'), '--config', config]);
    expect(stdout.match(/^not there/gm)).toHaveLength(3);
    expect(stdout).toContain('and 12 times more before that');
  });

  it('of every kind of file and name, and restores what it tells of', async () => {
    for (const path of Object.values(SPECIAL).flat()) expect((await history(`/${path}`)).versions.length).toBeGreaterThan(0);
    for (const name of ODD_NAMES) {
      const found = await history({ bytes: joinPath(fromText('/'), name) });
      expect(found.versions).toMatchObject([{ roots: 3, live: true }]);
    }
    const shown = await roots(['history', '--config', config, { bytes: joinPath(fromText('/'), ODD_NAMES.at(-1)!) }]);
    expect(shown.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ufffd]/);
    expect(existsSync(toBytes(joinPath(fromText(field.sysroot), ODD_NAMES[0]!)))).toBe(true);
  });

  it('looks beneath what is mounted, and warns; so does restore', async () => {
    tool('mount', '--bind', join(field.persist, 'etc'), live('home/bob'));
    const warning = `${live('home/bob')} is mounted from /persist/etc (${field.device}): what is there now persists, old roots hold only what was beneath the mount point`;
    try {
      const found = await history(live('home/bob/todo.md'));
      expect(found).toMatchObject({ path: 'home/bob/todo.md', live: null, deleted: null, warnings: [warning] });
      const restored = await roots(['restore', live('home/bob/todo.md'), '--dry-run', '--json', '--config', config]);
      expect((restored.json as Restore & { warnings: string[] }).warnings).toEqual([warning]);
      // A link of today that leads there says nothing of old roots, but that what is there now is none of theirs.
      symlinkSync('bob', live('home/linked'));
      const linked = await roots(['history', live('home/linked/todo.md'), '--config', config]);
      expect([linked.status, linked.stderr.replaceAll('\n', ' ')]).toEqual([10, expect.stringContaining(`leads to ${live('home/bob')}`)]);
      rmSync(live('home/linked'));
      const none = await roots(['history', live('home/bob/ssh'), '--config', config]);
      expect([none.status, none.stderr.replaceAll('\n', ' ')]).toEqual([10, expect.stringContaining(warning)]);
    } finally {
      tool('umount', live('home/bob'));
    }
  });

  it('knows a bind mount of something on the live root, and so does restore', async () => {
    const at = join(field.scratch, 'bound');
    mkdirSync(at);
    tool('mount', '--bind', live('home/alice'), at);
    try {
      expect(await history(join(at, 'notes.txt'))).toMatchObject({ path: 'home/alice/notes.txt', live: true, warnings: [] });
      const path = join(at, 'Documents/thesis-draft.txt');
      const { json } = await roots(['restore', path, '--json', '--config', config]);
      expect((json as Restore).items).toMatchObject([{ destination: live(field.lostFile.path), result: 'restored' }]);
      expect(readdirSync(join(at, 'Documents'))).toEqual(['thesis-draft.txt']);
    } finally {
      rmSync(live('home/alice/Documents'), { recursive: true, force: true });
      tool('umount', at);
    }
  });

  it('follows links on the way that can be trusted, and no others', async () => {
    const [trusted, planted] = [join(field.scratch, 'trusted'), join(field.scratch, 'planted')];
    symlinkSync(live('home'), trusted);
    expect(await history(join(trusted, 'alice/notes.txt'))).toMatchObject({ path: 'home/alice/notes.txt' });
    mkdirSync(planted);
    chmodSync(planted, 0o777);
    symlinkSync(live('home'), join(planted, 'home'));
    expect((await roots(['history', join(planted, 'home/alice/notes.txt'), '--config', config])).status).toBe(10);
  });

  it('leaves no mount behind, and every old root as it was', async () => {
    const before = traces(field.device, field.scratch);
    const state = await field.snapshotState();
    await history(live('home/alice/notes.txt'));
    await roots(['history', '/none', '--config', config]);
    expect(traces(field.device, field.scratch)).toEqual(before);
    expect(await field.snapshotState()).toEqual(state);
  });
});
