/** `roots diff`: which two trees are meant, what the contract says of a change, and that nothing is missed. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import { buildFieldArchive, type ArchiveState, type FieldArchive } from '../fixtures/field-archive.ts';
import { ODD_NAMES, SPECIAL } from '../fixtures/special-files.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Change, Diff, Failure, List } from './contracts.ts';
import { roots, traces, writeConfig } from './roots.ts';

const KINDS = ['added', 'removed', 'modified', 'renamed'];
const TYPES = ['file', 'directory', 'symlink', 'fifo', 'socket', 'block', 'char', 'subvolume'];
const ASPECTS = ['content', 'type', 'mode', 'owner', 'mtime', 'xattr', 'acl', 'target'];

/** Two old roots of one moment, the second a changed copy of the first. */
const [BEFORE, AFTER] = ['2021-05-05_05:05:05', '2021-06-06_06:06:06'];
/** Of the same day. */
const LATER = '2021-06-06_12:12:12';

requires.btrfs('roots diff on btrfs', () => {
  let field: FieldArchive;
  let config: string;
  let top: string;
  let state: ArchiveState;
  let mounts: string[];

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
    config = writeConfig(field, '');
    top = field.image.mount({}, join(field.scratch, 'kept'));
    tool('btrfs', 'subvolume', 'snapshot', old('', field.boots.at(-1)!.name), old('', BEFORE));
    tool('btrfs', 'subvolume', 'snapshot', old('', BEFORE), old('', AFTER));
    tool('btrfs', 'subvolume', 'snapshot', old('', BEFORE), old('', LATER));
    change();
    state = await field.snapshotState();
    mounts = traces(field.device, field.scratch);
  });
  afterAll(() => field.close());

  const old = (path: string, name = AFTER): string => join(top, 'old_roots', name, path);
  const diff = async (...args: string[]): Promise<Diff> => {
    const { status, stderr, json } = await roots(['diff', '--all', '--json', '--config', config, ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return json as Diff;
  };
  const pathsOf = (found: Diff): string[] => found.changes.map(({ path }) => path);

  function change(): void {
    const time = (path: string): [Date, Date] => [lstatSync(old(path)).atime, lstatSync(old(path)).mtime];
    const keepingTime = (path: string, action: () => void): void => {
      const times = time(path);
      action();
      utimesSync(old(path), ...times);
    };
    keepingTime('etc/machine-id', () => writeFileSync(old('etc/machine-id'), `${'f'.repeat(32)}\n`));
    chmodSync(old('etc/passwd'), 0o600);
    chownSync(old('etc/shadow'), 0, 42);
    utimesSync(old('etc/adjtime'), 0, 1);
    tool('setfattr', '-n', 'user.new', '-v', 'x', old('var/log/wtmp'));
    tool('setfacl', '-m', 'u:1002:r', old(SPECIAL.acl));
    rmSync(old('etc/hosts'));
    symlinkSync('elsewhere', old('etc/hosts'));
    rmSync(old('home/alice/notes.txt'));
    mkdirSync(old('home/alice/notes.txt'));
    rmSync(old(SPECIAL.sqlite));
    mkdirSync(old('home/alice/made/inside'), { recursive: true });
    writeFileSync(old('home/alice/made/inside/file'), '12345');
    renameSync(old(SPECIAL.large), old('home/alice/moved.bin'));
    tool('btrfs', 'subvolume', 'create', old('var/lib/portables'));
    rmSync(toBytes(joinPath(fromText(old('')), ODD_NAMES.at(-1)!)));
  }

  it('sees every kind of change, says what about it, and nothing else', async () => {
    const { changes } = await diff(BEFORE, AFTER);
    const size = (path: string): number => lstatSync(old(path)).size;
    const expected: Partial<Change>[] = [
      { path: 'etc/adjtime', kind: 'modified', type: 'file', what: ['mtime'], size: size('etc/adjtime') },
      { path: 'etc/hosts', kind: 'modified', type: 'symlink', what: ['target'], size: null },
      { path: 'etc/machine-id', kind: 'modified', type: 'file', what: ['content'], size: 33 },
      { path: 'etc/passwd', kind: 'modified', type: 'file', what: ['mode'], size: size('etc/passwd') },
      { path: 'etc/shadow', kind: 'modified', type: 'file', what: ['owner'], size: size('etc/shadow') },
      { path: 'home/alice/made', kind: 'added', type: 'directory', what: [], size: null },
      { path: 'home/alice/made/inside', kind: 'added', type: 'directory', what: [], size: null },
      { path: 'home/alice/made/inside/file', kind: 'added', type: 'file', what: [], size: 5 },
      { path: 'home/alice/notes.txt', kind: 'modified', type: 'directory', what: ['type'], size: null },
      { path: SPECIAL.acl, kind: 'modified', type: 'file', what: ['acl'], size: size(SPECIAL.acl) },
      { path: SPECIAL.sqlite, kind: 'removed', type: 'file', what: [], size: null },
      { path: 'var/lib/portables', kind: 'added', type: 'subvolume', what: [], size: null },
      { path: 'var/log/wtmp', kind: 'modified', type: 'file', what: ['xattr'], size: size('var/log/wtmp') },
    ];
    const byPath = new Map(changes.map((each) => [each.path, each]));
    for (const each of expected) expect(byPath.get(each.path!)).toEqual(each);
    // A walk cannot tell a moved file from a new one; an engine that can may.
    const moved = changes.filter(({ path, from }) =>
      [path, from].some((each) => each === SPECIAL.large || each === 'home/alice/moved.bin'),
    );
    expect(moved.map(({ kind }) => kind).sort()).toEqual(moved.length === 1 ? ['renamed'] : ['added', 'removed']);
    const odd = changes.filter((each) => each.pathBase64 !== undefined);
    expect(odd).toEqual([
      {
        path: expect.any(String) as string,
        pathBase64: toBytes(ODD_NAMES.at(-1)!).toString('base64'),
        kind: 'removed',
        type: 'file',
        what: [],
        size: null,
      },
    ]);
    expect(changes).toHaveLength(expected.length + moved.length + odd.length);
  });

  it('keeps the contract of --json', async () => {
    const found = await diff('latest~1', 'latest');
    expect(Object.keys(found).sort()).toEqual(expect.arrayContaining(['changes', 'engine', 'from', 'hidden', 'to']));
    expect([typeof found.from, typeof found.to, found.hidden]).toEqual(['string', 'string', 0]);
    expect(['btrfs-send', 'zfs-diff', 'walk']).toContain(found.engine);
    expect(found.changes.length).toBeGreaterThan(10);
    for (const each of found.changes) {
      const keys = Object.keys(each).filter((key) => !['pathBase64', 'from', 'fromBase64'].includes(key));
      expect(keys.sort()).toEqual(['kind', 'path', 'size', 'type', 'what']);
      expect(KINDS).toContain(each.kind);
      expect(TYPES).toContain(each.type);
      for (const what of each.what) expect(ASPECTS).toContain(what);
      expect(each.what.length > 0).toBe(each.kind === 'modified' || each.what.length > 0);
      expect(each.path.startsWith('/')).toBe(false);
      expect(each.size === null || each.type === 'file').toBe(true);
    }
  });

  it('agrees with a naive comparison of two boots', async () => {
    const names = [field.boots.at(-3)!.name, field.boots.at(-2)!.name, field.boots[12]!.name, field.odd.nested!.name];
    for (const [from, to] of names.slice(1).map((other, at) => [names[at]!, other] as const)) {
      const { changes } = await diff(from, to);
      const found = changes.map(({ path, pathBase64 }) =>
        pathBase64 === undefined ? fromText(path) : fromBytes(Buffer.from(pathBase64, 'base64')),
      );
      expect(found.sort()).toEqual(naive(fromText(old('', from)), fromText(old('', to))));
    }
  });

  it('without an argument it compares blank with live, with one blank with that one, with two those', async () => {
    const one = field.boots[10]!.name;
    expect(await diff()).toMatchObject({ from: 'root:blank', to: 'root:live' });
    expect(await diff(one)).toMatchObject({ from: 'root:blank', to: `root:${one}` });
    expect(await diff(one, 'live')).toMatchObject({ from: `root:${one}`, to: 'root:live' });
    expect(await diff('live', one)).toMatchObject({ from: 'root:live', to: `root:${one}` });
    expect(await diff('blank', 'blank')).toMatchObject({ changes: [] });
    const { atime, mtime } = lstatSync(join(field.sysroot, 'etc'));
    writeFileSync(join(field.sysroot, 'etc/just-now'), '');
    expect(pathsOf(await diff())).toContain('etc/just-now');
    rmSync(join(field.sysroot, 'etc/just-now'));
    utimesSync(join(field.sysroot, 'etc'), atime, mtime);
    // What is mounted on the live root is no part of it.
    expect(pathsOf(await diff()).filter((path) => path.startsWith('nix/'))).toEqual([]);
  });

  it('after `--` it looks at one path only, as it is on the live system or inside the root', async () => {
    const all = pathsOf(await diff(BEFORE, AFTER)).filter((path) => path === 'etc' || path.startsWith('etc/'));
    expect(all.length).toBeGreaterThan(3);
    expect(pathsOf(await diff(BEFORE, AFTER, '--', '/etc'))).toEqual(all);
    expect(pathsOf(await diff(BEFORE, AFTER, '--', join(field.sysroot, 'etc')))).toEqual(all);
    expect(pathsOf(await diff(BEFORE, AFTER, '--', '/etc/passwd'))).toEqual(['etc/passwd']);
    expect(pathsOf(await diff(BEFORE, AFTER, '--', '/etc/NIXOS'))).toEqual([]);
    // In neither: a slip of the hand, and not "no differences".
    expect((await roots(['diff', '--config', config, BEFORE, AFTER, '--', '/et'])).status).toBe(10);
    expect((await roots(['diff', '--config', config, BEFORE, AFTER, '--', '/etc', '/home'])).status).toBe(2);
  });

  it('--ndjson has the same changes, one a line', async () => {
    const { changes } = await diff(BEFORE, AFTER);
    const { status, stdout } = await roots(['diff', BEFORE, AFTER, '--all', '--ndjson', '--config', config]);
    expect(status).toBe(0);
    expect(stdout.endsWith('\n')).toBe(true);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Change),
    ).toEqual(changes);
    const none = await roots(['diff', BEFORE, BEFORE, '--ndjson', '--config', config]);
    expect([none.status, none.stdout]).toEqual([0, '']);
    expect((await roots(['diff', '--json', '--ndjson', '--config', config])).status).toBe(2);
  });

  it('exits with 0 either way, and as diff(1) does with --exit-code', async () => {
    const status = async (...args: string[]): Promise<number | null> => (await roots(['diff', ...args, '--config', config])).status;
    expect([await status(BEFORE, AFTER), await status(BEFORE, BEFORE)]).toEqual([0, 0]);
    expect([await status(BEFORE, AFTER, '--exit-code'), await status(BEFORE, BEFORE, '--exit-code')]).toEqual([1, 0]);
    expect([await status(BEFORE, AFTER, '--exit-code', '--json'), await status('nothing', '--exit-code')]).toEqual([1, 10]);
  });

  it('shows people a directory that is wholly new as one line, with -r all of it, and never a raw name', async () => {
    const short = await roots(['diff', BEFORE, AFTER, '--config', config]);
    expect(short.stdout).toMatch(/^ {2}\+ \/home\/alice\/made\/ {2}2 entries, 5 B$/m);
    expect(short.stdout).toMatch(/^ {2}~ \/etc\/passwd {2}mode$/m);
    expect(short.stdout).toMatch(/^ {2}- \/var\/lib\/app\/state\.db$/m);
    const long = await roots(['diff', BEFORE, AFTER, '--recursive', '--config', config]);
    expect(long.stdout).toContain('+ /home/alice/made/inside/file  5 B\n');
    const odd = await roots(['diff', 'blank', 'live', '--recursive', '--config', config]);
    expect(odd.stdout).toContain(String.raw`/home/alice/odd/\e[31mred\e[0m`);
    expect(odd.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ufffd]/);
  });

  it('ends quietly when nobody reads on', async () => {
    const { stderr } = await roots(['diff', 'live', '--recursive', '--config', config], {
      onStart: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
    });
    expect(stderr).toBe('');
  });

  it('understands a name, a number, `latest`, the start of a name, a date', async () => {
    const { json } = await roots(['ls', '--json', '--config', config]);
    const listed = (json as List).roots;
    const to = async (ref: string): Promise<string> => (await diff(ref, '--', '/etc/passwd')).to;
    const at = (index: number): string => `root:${field.boots.at(index)!.name}`;
    expect(await to('3')).toBe(listed[2]!.ref);
    expect(await to(`root:${field.boots[5]!.name}`)).toBe(at(5));
    expect(await to(field.boots[5]!.name.slice(0, -1))).toBe(at(5));
    expect(await to(field.odd.unparseable!)).toBe(`root:${field.odd.unparseable!}`);
    expect(await to('2021-05-05')).toBe(`root:${BEFORE}`);
    // It was live from the day the one before it was archived.
    expect(await to('2021-05-20')).toBe(`root:${AFTER}`);
    expect(await to('2021-05-20T12:00:00Z')).toBe(`root:${AFTER}`);
    expect([await to('latest'), await to('latest~1'), await to('latest~2')]).toEqual([at(-1), at(-2), at(-3)]);
  });

  it('does not guess: what could be several is asked back with the candidates, what is none is 10', async () => {
    for (const ref of ['202', field.boots[5]!.name.slice(0, 4), BEFORE.slice(0, 3), '2021-06-06']) {
      const { status, json } = await roots(['diff', ref, '--json', '--config', config]);
      expect([ref, status]).toEqual([ref, 2]);
      const { error } = json as Failure;
      expect(error.kind).toBe('usage');
      expect(error.hint).toContain('root:20');
    }
    for (const ref of ['nothing', '1999-01-01', '999', 'latest~99', 'other:latest', '']) {
      const { status, json } = await roots(['diff', ref, '--json', '--config', config]);
      expect([ref, status, (json as Failure).error.kind]).toEqual([ref, 10, 'not-found']);
    }
  });

  it('changed nothing and left no mount behind', async () => {
    expect(await field.snapshotState()).toEqual(state);
    expect(traces(field.device, field.scratch)).toEqual(mounts);
  });
});

/** Paths that differ in anything but extended attributes; of directories and links the time does not count. */
function naive(from: BytePath, to: BytePath): BytePath[] {
  const [before, after] = [entriesBelow(from), entriesBelow(to)];
  return [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path)).sort();
}

function entriesBelow(root: BytePath): Map<BytePath, string> {
  const found = new Map<BytePath, string>();
  const ahead: BytePath[] = ['' as BytePath];
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    const at = toBytes(joinPath(root, path));
    const { mode, uid, gid, rdev, mtimeNs } = lstatSync(at, { bigint: true });
    const stats = lstatSync(at);
    const own = stats.isFile()
      ? [mtimeNs, readFileSync(at).toString('base64')]
      : stats.isSymbolicLink()
        ? [readlinkSync(at, 'latin1')]
        : [stats.isDirectory() ? '' : mtimeNs, rdev];
    if (path !== '') found.set(path, [mode, uid, gid, ...own].join(' '));
    if (!stats.isDirectory()) continue;
    for (const name of readdirSync(at, { encoding: 'buffer' })) ahead.push(joinPath(path, fromBytes(name)));
  }
  return found;
}
