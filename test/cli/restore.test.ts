/** `roots restore` on a real btrfs: all that a file is made of comes back, nothing is overwritten unasked, and a kill leaves the old or the new. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseName, fromBytes, fromText, joinPath, parentOf, toBytes, type BytePath } from '../../src/byte-path.ts';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { ODD_NAMES, SPECIAL } from '../fixtures/special-files.ts';
import { treeLines } from '../fixtures/tree-digest.ts';
import { mountTmpfs } from '../support/loop-image.ts';
import { missing, requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Failure, Restore, RestoreItem } from './contracts.ts';
import { roots, startRoots, traces, writeConfig, writeDirectoryConfig, type Argument } from './roots.ts';

const STAGING = '.roots-restore-';

/** All of one entry but what a copy cannot have: inode, link count, the times of its inode. */
function entryOf(path: BytePath): object {
  const found = lstatSync(toBytes(path), { bigint: true });
  const content = found.isFile()
    ? readFileSync(toBytes(path)).toString('base64')
    : found.isSymbolicLink()
      ? readlinkSync(toBytes(path), 'latin1')
      : '';
  const { mode, uid, gid, rdev, mtimeNs } = found;
  const size = found.isDirectory() ? 0n : found.size;
  return {
    ...Object.fromEntries(Object.entries({ mode, uid, gid, rdev, mtimeNs, size }).map(([key, value]) => [key, String(value)])),
    content,
    attributes: attributesOf(path),
  };
}

function attributesOf(path: BytePath): string {
  const folder = openSync(toBytes(parentOf(path)), 'r');
  try {
    // By way of a descriptor, since a directory may have any name; and the name itself on standard input, for the same reason.
    const cwd = `/proc/${String(process.pid)}/fd/${String(folder)}`;
    const args = ['-0', 'getfattr', '-h', '-d', '-m', '-', '-e', 'hex', '--'];
    const { stdout, stderr } = spawnSync('xargs', args, { cwd, input: Buffer.concat([toBytes(baseName(path)), Buffer.from([0])]) });
    if (stderr.length > 0) throw new Error(stderr.toString());
    return fromBytes(stdout);
  } finally {
    closeSync(folder);
  }
}

requires.btrfs('roots restore on btrfs', () => {
  let field: FieldArchive;
  let config: string;
  /** The newest boot: it has all special files, and so has the live root, other ones. */
  let special: string;
  /** Where the top level stays mounted, to compare with. */
  let top: string;

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), sizeMiB: 768, odd: { future: false } });
    config = writeConfig(field, '');
    special = field.boots.at(-1)!.name;
    top = field.image.mount({}, join(field.scratch, 'kept'));
  });
  afterAll(() => field.close());

  const live = (path: string): string => join(field.sysroot, path);
  const old = (path: string, name = special): string => join(top, 'old_roots', name, path);
  const restore = async (...args: Argument[]) => {
    const result = await roots(['restore', ...args, '--json', '--config', config]);
    expect(strays()).toEqual([]);
    const json = result.stdout === '' ? undefined : result.json;
    return { status: result.status, stderr: result.stderr, json, items: (json as Partial<Restore> | undefined)?.items ?? [] };
  };
  const strays = (): string[] =>
    [field.sysroot, ...['etc', 'home/alice', 'home', 'var/lib/app'].map(live)].flatMap((path) =>
      existsSync(path) ? readdirSync(path).filter((name) => name.startsWith(STAGING)) : [],
    );
  const resultsOf = (items: readonly RestoreItem[]): (string | undefined)[] => items.map(({ result }) => result);

  const SINGLE = Object.entries(SPECIAL).flatMap(([kind, path]) =>
    typeof path === 'string' && kind !== 'defaultAcl' ? [[kind, path] as const] : [],
  );

  it('brings back every kind of file with all it is made of, in one go', async () => {
    const paths = [...SINGLE.map(([, path]) => path), ...SPECIAL.hardLinks];
    for (const path of paths) rmSync(live(path), { force: true });
    const { status, items } = await restore(...paths.map(live), '--from', special);
    expect(items.filter(({ result }) => result !== 'restored')).toEqual([]);
    expect(status).toBe(0);
    for (const path of paths) expect([path, entryOf(fromText(live(path)))]).toEqual([path, entryOf(fromText(old(path)))]);
    // Sparse stays sparse: 8 MiB of which 4 KiB are written.
    expect(statSync(live(SPECIAL.sparse)).blocks * 512).toBeLessThan(128 * 1024);
  });

  it('links still lead where they led, and nothing came of what they point at', () => {
    expect(readlinkSync(live(SPECIAL.absoluteLink))).toBe(join(field.outside, 'secret'));
    expect(readdirSync(field.outside)).toEqual(['secret']);
    expect(readFileSync(join(field.outside, 'secret'), 'utf8')).toBe('This file is outside of every root.\n');
  });

  it('brings back names that are not text', async () => {
    for (const name of ODD_NAMES) rmSync(toBytes(joinPath(fromText(field.sysroot), name)), { force: true });
    const paths = ODD_NAMES.map((name) => ({ bytes: joinPath(fromText(field.sysroot), name) }));
    const { status, items } = await restore('--from', special, ...paths);
    expect(items.filter(({ result }) => result !== 'restored')).toEqual([]);
    expect([status, items.length]).toEqual([0, ODD_NAMES.length]);
    for (const name of ODD_NAMES) {
      expect(entryOf(joinPath(fromText(field.sysroot), name))).toEqual(entryOf(joinPath(fromText(old('')), name)));
    }
  });

  it('tells such names without a raw byte, and in --json exactly', async () => {
    const name = ODD_NAMES.at(-1)!;
    const path = { bytes: joinPath(fromText(field.sysroot), name) };
    const json = await restore('--from', special, path);
    const [item] = (json.json as { items: { path: string; pathBase64?: string; result: string }[] }).items;
    expect(item).toMatchObject({ result: 'same', pathBase64: toBytes(name).toString('base64') });
    const all = ODD_NAMES.map((odd) => ({ bytes: joinPath(fromText(field.sysroot), odd) }));
    const { status, stdout, stderr } = await roots(['restore', '--from', special, '--config', config, ...all]);
    expect([status, stdout.match(/^same /gm)?.length]).toEqual([0, ODD_NAMES.length]);
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ufffd]/);
  });

  it('brings a whole directory back, with hard links as hard links', async () => {
    renameSync(live('home/alice'), live('home/alice-before'));
    const { status, items } = await restore(live('home/alice'), '--from', special);
    expect([status, resultsOf(items)]).toEqual([0, ['restored']]);
    const [first, second] = SPECIAL.hardLinks.map((path) => statSync(live(path)));
    expect(first).toMatchObject({ ino: second!.ino, nlink: 2 });
    expect(linesWithoutInodes(live('home/alice'))).toEqual(linesWithoutInodes(old('home/alice')));
    rmSync(live('home/alice-before'), { recursive: true });
  });

  it('keeps names of one file together where it goes into a directory that is there, also with one that is left', async () => {
    for (const gone of [SPECIAL.hardLinks, SPECIAL.hardLinks.slice(1)]) {
      for (const path of gone) rmSync(live(path));
      const { status, items } = await restore(live('home/alice'), '--from', special);
      expect([status, resultsOf(items).filter((result) => result === 'restored')]).toEqual([0, gone.map(() => 'restored')]);
      const [first, second] = SPECIAL.hardLinks.map((path) => statSync(live(path)));
      expect(first).toMatchObject({ ino: second!.ino, nlink: 2 });
    }
  });

  it('makes missing parents again as they were', async () => {
    rmSync(live('home/alice/bin'), { recursive: true });
    rmSync(live('home/alice/.gnupg'), { recursive: true });
    const { status } = await restore(live(SPECIAL.setuid), live(SPECIAL.socket), '--from', special);
    expect(status).toBe(0);
    for (const path of ['home/alice/bin', 'home/alice/.gnupg']) {
      const [now, then] = [statSync(live(path)), statSync(old(path))];
      expect([now.uid, now.gid, now.mode.toString(8), now.mtimeMs]).toEqual([then.uid, then.gid, then.mode.toString(8), then.mtimeMs]);
    }
    expect(entryOf(fromText(live(SPECIAL.setuid)))).toEqual(entryOf(fromText(old(SPECIAL.setuid))));
  });

  it('takes by itself the newest old root that has the file', async () => {
    const { status, items } = await restore(live(field.lostFile.path));
    expect(status).toBe(0);
    expect(items).toMatchObject([{ from: `root:${field.lostFile.boot}`, path: field.lostFile.path, result: 'restored' }]);
    expect(readFileSync(live(field.lostFile.path))).toEqual(readFileSync(old(field.lostFile.path, field.lostFile.boot)));
  });

  it('takes by itself the newest old root in which the file differs from what is there now', async () => {
    // Right now it is as in the newest.
    tool('cp', '-a', old('etc/machine-id'), live('etc/machine-id'));
    const { items, status } = await restore(live('etc/machine-id'), '--overwrite', '--yes');
    expect(status).toBe(0);
    expect(items).toMatchObject([{ from: `root:${field.boots.at(-2)!.name}`, result: 'restored' }]);
  });

  it('never overwrites unless told', async () => {
    writeFileSync(live('etc/machine-id'), 'mine\n');
    const before = entryOf(fromText(live('etc/machine-id')));
    for (const args of [[], ['--yes'], ['--from', special]]) {
      const { status, items } = await restore(live('etc/machine-id'), ...args);
      expect(status).toBe(1);
      expect(items).toMatchObject([{ result: 'refused', error: expect.stringContaining('exists') as string }]);
    }
    rmSync(live('etc/adjtime'));
    const mixed = await restore(live('etc/machine-id'), live('etc/adjtime'), '--from', special);
    expect([mixed.status, resultsOf(mixed.items)]).toEqual([3, ['refused', 'restored']]);
    expect(entryOf(fromText(live('etc/machine-id')))).toEqual(before);
  });

  it('without a terminal, overwriting needs --yes, and a PATH must be given', async () => {
    writeFileSync(live('etc/machine-id'), 'mine\n');
    const asked = await roots(['restore', live('etc/machine-id'), '--overwrite', '--config', config]);
    expect(asked.status).toBe(2);
    expect(asked.stderr).toContain('--yes');
    const nothing = await roots(['restore', '--config', config]);
    expect(nothing.status).toBe(2);
    expect(nothing.stderr).toContain('PATH');
    expect(readFileSync(live('etc/machine-id'), 'utf8')).toBe('mine\n');
  });

  it('--backup keeps what was there, each time anew', async () => {
    for (const [number, text] of ['first\n', 'second\n', 'third\n'].entries()) {
      rmSync(live('etc/machine-id'));
      writeFileSync(live('etc/machine-id'), text, { mode: 0o640 });
      const { status, items } = await restore(live('etc/machine-id'), '--from', special, '--overwrite', '--backup', '--yes');
      const backup = `${live('etc/machine-id')}.~${String(number + 1)}~`;
      expect([status, items[0]?.result, items[0]?.backup]).toEqual([0, 'restored', backup]);
      expect(readFileSync(backup, 'utf8')).toBe(text);
      expect(statSync(backup).mode & 0o777).toBe(0o640);
    }
    expect(readFileSync(`${live('etc/machine-id')}.~1~`, 'utf8')).toBe('first\n');
    expect(readFileSync(live('etc/machine-id'))).toEqual(readFileSync(old('etc/machine-id')));
  });

  it('says `same` for what is there already, and does not touch it', async () => {
    const before = lstatSync(live('etc/machine-id'), { bigint: true });
    for (const args of [[], ['--overwrite', '--yes']]) {
      const { status, items } = await restore(live('etc/machine-id'), '--from', special, ...args);
      expect([status, resultsOf(items)]).toEqual([0, ['same']]);
    }
    expect(lstatSync(live('etc/machine-id'), { bigint: true }).ctimeNs).toBe(before.ctimeNs);
  });

  it('does not say `same` of a file whose extended attributes are not', async () => {
    tool('setfattr', '-x', 'user.xdg.tags', live(SPECIAL.xattr));
    utimesSync(live(SPECIAL.xattr), statSync(old(SPECIAL.xattr)).atime, statSync(old(SPECIAL.xattr)).mtime);
    const { items } = await restore(live(SPECIAL.xattr), '--from', special, '--overwrite', '--yes');
    expect(resultsOf(items)).toEqual(['restored']);
    expect(entryOf(fromText(live(SPECIAL.xattr)))).toEqual(entryOf(fromText(old(SPECIAL.xattr))));
  });

  it('--to takes a directory to put it in, or a new name', async () => {
    const folder = join(field.scratch, 'out');
    mkdirSync(folder);
    expect((await restore('/etc/passwd', '--from', special, '--to', folder)).items).toMatchObject([
      { destination: join(folder, 'passwd'), result: 'restored' },
    ]);
    expect((await restore('/etc/passwd', '--from', special, '--to', join(folder, 'other'))).items).toMatchObject([{ result: 'restored' }]);
    expect((await restore('/home/alice/album', '--from', special, '--to', folder)).status).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['album', 'other', 'passwd']);
    expect(readFileSync(join(folder, 'other'))).toEqual(readFileSync(old('etc/passwd')));
    const two = await restore('/etc/passwd', '/etc/shadow', '--from', special, '--to', join(folder, 'new'));
    expect(two.status).toBe(2);
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });

  it('does not follow a link of the old root out of it', async () => {
    const through = await restore(`/${SPECIAL.linkedDirectory}/secret`, '--from', special, '--to', join(field.scratch, 'leaked'));
    expect(through.status).toBe(10);
    expect(existsSync(join(field.scratch, 'leaked'))).toBe(false);
  });

  it('refuses a destination that is a mount point, and says so', async () => {
    tool('mount', '--bind', join(field.persist, 'etc/ssh/ssh_host_ed25519_key'), live('etc/machine-id'));
    try {
      const { status, items } = await restore(live('etc/machine-id'), '--from', special, '--overwrite', '--yes');
      expect(status).toBe(1);
      const stored = join(field.persist, 'etc/ssh/ssh_host_ed25519_key');
      expect(items).toMatchObject([{ result: 'refused', error: `it is mounted from ${stored}: restore it there with --persist` }]);
      expect(readFileSync(join(field.persist, 'etc/ssh/ssh_host_ed25519_key'), 'utf8')).toBe('not a key\n');
    } finally {
      tool('umount', live('etc/machine-id'));
    }
  });

  it('--persist puts it where it is mounted from, or where others are, and says what is still to do', async () => {
    const key = live('etc/machine-id');
    const stored = join(field.persist, 'etc/machine-id');
    // A storage has what it stores under the paths of the live system, and here the live root is not /.
    const [data, storedData] = [live('srv/data'), join(field.persist, live('srv/data'))];
    mkdirSync(dirname(stored), { recursive: true });
    for (const path of [data, storedData]) mkdirSync(path, { recursive: true });
    writeFileSync(stored, 'persisted\n');
    tool('mount', '--bind', storedData, data);
    tool('mount', '--bind', stored, key);
    try {
      const mounted = await restore(key, '--from', special, '--persist', '--backup', '--yes');
      expect([mounted.status, mounted.items]).toMatchObject([0, [{ result: 'restored', destination: stored, backup: `${stored}.~1~` }]]);
      expect((mounted.json as Restore).warnings).toEqual([expect.stringContaining('until it is mounted again')]);
      expect(readFileSync(stored)).toEqual(readFileSync(old('etc/machine-id')));

      const other = await restore(live('home/alice/precise.txt'), '--from', special, '--persist');
      const destination = join(field.persist, live('home/alice/precise.txt'));
      expect([other.status, other.items]).toMatchObject([0, [{ result: 'restored', destination }]]);
      expect((other.json as Restore).warnings).toEqual([expect.stringContaining('declare it persistent')]);
      expect(statSync(dirname(destination)).uid).toBe(statSync(old('home/alice')).uid);
    } finally {
      for (const path of [key, data]) tool('umount', path);
    }
    const nowhere = await restore(key, '--from', special, '--persist');
    expect([nowhere.status, (nowhere.json as Failure).error.message]).toEqual([2, 'nothing is mounted here out of a place that persists']);
    expect((await restore(key, '--from', special, '--persist', '--to', field.scratch)).status).toBe(2);
  });

  it('refuses to follow a link that a user planted among the parents of the destination', async () => {
    const target = join(field.scratch, 'target');
    mkdirSync(target);
    chmodSync(target, 0o777);
    rmSync(live('home/alice/Documents'), { recursive: true, force: true });
    symlinkSync(target, live('home/alice/Documents'));
    lchownSync(live('home/alice/Documents'), 1000, 100);
    const { status, json } = await restore(live(field.lostFile.path), '--from', field.lostFile.boot, '--overwrite', '--yes');
    expect(status).toBe(13);
    expect((json as Failure).error).toMatchObject({ kind: 'not-permitted', message: expect.stringContaining('symbolic link') as string });
    expect(readdirSync(target)).toEqual([]);
    unlinkSync(live('home/alice/Documents'));
  });

  it('says what is not there with 10', async () => {
    const { status, json } = await restore(live('no/such/file'));
    expect([status, (json as Failure).error.message]).toEqual([10, expect.stringContaining('it is in no old root, of ')]);
    expect((await restore(live('etc/machine-id'), '--from', 'nothing')).status).toBe(10);
    expect((await restore(live('no/such/file'), '--from', special)).status).toBe(10);
  });

  it('--dry-run changes nothing', async () => {
    rmSync(live('etc/adjtime'), { force: true });
    const before = treeLines(fromText(field.sysroot));
    const { status, items } = await restore(live('etc/adjtime'), live('home/alice'), '--from', special, '--overwrite', '--dry-run');
    expect(status).toBe(0);
    expect(items.find(({ path }) => path === 'etc/adjtime')).toMatchObject({ action: 'create' });
    expect(treeLines(fromText(field.sysroot))).toEqual(before);
  });

  it('leaves no mount behind, and every old root as it was', async () => {
    const before = traces(field.device, field.scratch);
    const digest = treeLines(fromText(old('')));
    rmSync(live('etc/adjtime'), { force: true });
    await restore(live('etc/adjtime'));
    await restore(live('etc/none'));
    expect(traces(field.device, field.scratch)).toEqual(before);
    expect(treeLines(fromText(old('')))).toEqual(digest);
  });

  describe('a large file', () => {
    const LARGE = Buffer.alloc(64 * 1024 * 1024, 'the new one, from the old root. ');
    const SMALL = Buffer.alloc(1024 * 1024, 'the old one, that is there now. ');
    beforeAll(() => {
      writeFileSync(old('home/alice/large'), LARGE);
      chownSync(old('home/alice/large'), 1000, 100);
    });

    it('killed at any moment, it leaves the whole old or the whole new one, and the next restore cleans up', async () => {
      const memory = mountTmpfs(join(field.scratch, 'memory'), 160);
      try {
        const seen = new Set<string>();
        for (let round = 0; round < 30; round += 1) {
          // On the same filesystem it is a reflink, elsewhere a copy.
          const destination = round % 3 === 0 ? live('home/alice/large') : join(memory.path, 'large');
          writeFileSync(destination, SMALL);
          const { child, end } = startRoots([
            'restore',
            '/home/alice/large',
            '--from',
            special,
            '--to',
            destination,
            '--overwrite',
            '--yes',
            '--config',
            config,
          ]);
          await sleep(Math.random() * 150 + (round % 5) * 70 + 50);
          child.kill('SIGKILL');
          await end;
          const after = readFileSync(destination);
          expect([SMALL, LARGE].some((whole) => whole.equals(after))).toBe(true);
          seen.add(after.equals(LARGE) ? 'new' : 'old');
        }
        expect(seen).toContain('old');
        for (const destination of [live('home/alice/large'), join(memory.path, 'large')]) {
          writeFileSync(destination, SMALL);
          const { status, items } = await restore('/home/alice/large', '--from', special, '--to', destination, '--overwrite', '--yes');
          expect([status, resultsOf(items)]).toEqual([0, ['restored']]);
          expect(LARGE.equals(readFileSync(destination))).toBe(true);
          expect(readdirSync(dirname(destination)).filter((name) => name.startsWith(STAGING))).toEqual([]);
        }
      } finally {
        memory.close();
      }
    });

    it('that does not fit leaves the old one whole, and nothing stray', async () => {
      const memory = mountTmpfs(join(field.scratch, 'memory'), 8);
      try {
        writeFileSync(join(memory.path, 'large'), SMALL);
        const { status, items } = await restore(
          '/home/alice/large',
          '--from',
          special,
          '--to',
          join(memory.path, 'large'),
          '--overwrite',
          '--yes',
        );
        expect([status, items[0]?.result]).toEqual([1, 'failed']);
        expect(items[0]?.error).toContain('No space left on device');
        expect(readdirSync(memory.path)).toEqual(['large']);
        expect(SMALL.equals(readFileSync(join(memory.path, 'large')))).toBe(true);
      } finally {
        memory.close();
      }
    });

    it('is a reflink on the same filesystem', async () => {
      rmSync(live('home/alice/large'), { force: true });
      expect((await restore(live('home/alice/large'), '--from', special)).status).toBe(0);
      tool('sync', '-f', live('home/alice/large'));
      const [line = ''] = tool('btrfs', 'filesystem', 'du', '--raw', live('home/alice/large')).split('\n').slice(1);
      const [total, exclusive] = line.trim().split(/\s+/).map(Number);
      expect([total, exclusive]).toEqual([LARGE.length, 0]);
    });
  });
});

function linesWithoutInodes(path: string): string[] {
  // The second field of the lines of entries; others have none.
  return treeLines(fromText(path)).map((line) => line.replace(/ \d+ (?=\d{5,6} \d+ \d+ \d+ \d+)/, ' '));
}

describe('roots restore from directories, by any user', () => {
  let directory: DirectoryArchive;
  let config: string;
  beforeAll(async () => {
    directory = await buildDirectoryArchive({ now: new Date() });
    config = writeDirectoryConfig(directory, '');
  });
  afterAll(() => directory.close());

  it('brings the lost file back to where it was', async () => {
    const path = join(directory.live, directory.lostFile.path);
    const { status, json } = await roots(['restore', path, '--json', '--config', config]);
    expect(status).toBe(0);
    expect((json as Restore).items).toMatchObject([{ from: `root:${directory.lostFile.root}`, result: 'restored' }]);
    expect(readFileSync(path, 'utf8')).toBe('The only copy there is.\n');
  });

  it.skipIf(missing('root'))('gets through a directory that it may pass and not read', { meta: { needs: 'root' } }, async () => {
    const open = mkdtempSync(join(tmpdir(), 'roots-test-open-'));
    try {
      chmodSync(open, 0o711);
      mkdirSync(join(open, 'own'));
      chownSync(join(open, 'own'), 1000, 1000);
      chmodSync(directory.path, 0o711);
      const args = [
        'restore',
        '/etc/passwd',
        '--from',
        directory.roots.at(-1)!.name,
        '--to',
        join(open, 'own', 'passwd'),
        '--config',
        config,
      ];
      const { status, stderr } = await roots(args, { uid: 1000 });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(readFileSync(join(open, 'own', 'passwd'), 'utf8')).toContain('alice');
    } finally {
      rmSync(open, { recursive: true });
    }
  });

  it.skipIf(missing('root'))('does not take what it may not read', { meta: { needs: 'root' } }, async () => {
    // The way to it must be open to all, the file itself is its owner's alone.
    const open = mkdtempSync(join(tmpdir(), 'roots-test-open-'));
    try {
      chmodSync(open, 0o777);
      chmodSync(directory.path, 0o755);
      const { status } = await roots(
        ['restore', '/etc/shadow', '--from', directory.roots.at(-1)!.name, '--to', join(open, 'shadow'), '--config', config],
        { uid: 1000 },
      );
      expect(status).not.toBe(0);
      expect(readdirSync(open)).toEqual([]);
    } finally {
      rmSync(open, { recursive: true });
    }
  });
});
