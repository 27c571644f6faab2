import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fromText, isWithin, joinPath, toBytes, toText } from '../../src/byte-path.ts';
import { buildDirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { LARGE_SIZE, NANOSECONDS, ODD_NAMES, SPARSE_SIZE, SPECIAL } from '../fixtures/special-files.ts';
import { canMountImages, makeBtrfsImage, makeExt4Image, mountTmpfs, sweep, type LoopImage } from '../support/loop-image.ts';
import {
  backingFile,
  loopDevicesBelow,
  makeScratch,
  mountTable,
  removeScratch,
  tool,
  withScratch,
  type Scratch,
} from '../support/scratch.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.geteuid?.() === 0;
const SLOW = 60_000;

/** Whatever of a scratch directory is still there. */
function leftoversOf(scratch: string): string[] {
  return [
    ...mountTable()
      .filter((mount) => isWithin(mount.at, fromText(scratch)))
      .map((mount) => `mount ${toText(mount.at)}`),
    ...loopDevicesBelow(scratch).map((loop) => `loop ${loop.device}`),
    ...(existsSync(scratch) ? [`directory ${scratch}`] : []),
  ];
}

/** Runs a module that prints a line when it is ready. */
async function startChild(code: string, options: { readonly uid?: number } = {}): Promise<{ child: ChildProcess; line: string }> {
  const imports = `
    const { makeScratch } = await import('./test/support/scratch.ts');
    const { makeBtrfsImage, mountTmpfs, sweep } = await import('./test/support/loop-image.ts');
    const { buildFieldArchive } = await import('./test/fixtures/field-archive.ts');
    const { buildDirectoryArchive } = await import('./test/fixtures/directory-archive.ts');
    const { execFileSync } = await import('node:child_process');
    const forever = () => { setInterval(() => undefined, 1e6); };`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', `${imports}\n${code}`], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  let complaints = '';
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()));
  return await new Promise((resolve, reject) => {
    child.once('close', () => {
      reject(new Error(`the child ended early: ${complaints}`));
    });
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes('\n')) resolve({ child, line: said.slice(0, said.indexOf('\n')) });
    });
  });
}

/** Again if a process at work at the same time was given the device in between. */
function replaceBehind(device: string, file: string): void {
  tool('losetup', '--detach', device);
  for (let tries = 100; backingFile(device) !== file; tries -= 1) {
    try {
      tool('losetup', device, file);
    } catch (error) {
      if (tries === 0) throw error;
      tool('sleep', '0.1');
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

describe('scratch', () => {
  it('is private, and removed with what is in it, also after a failure', async () => {
    let path = '';
    const use = withScratch((scratch) => {
      path = scratch.path;
      expect(lstatSync(path).mode & 0o777).toBe(0o700);
      mkdirSync(join(path, '-rf'));
      writeFileSync(toBytes(joinPath(fromText(path), fromText('two\nlines'))), '');
      throw new Error('in use');
    });
    await expect(use).rejects.toThrow('in use');
    expect(leftoversOf(path)).toEqual([]);
  });

  it('is removed twice without complaint', () => {
    const scratch = makeScratch();
    scratch.remove();
    expect(() => {
      scratch.remove();
    }).not.toThrow();
  });

  it('refuses to remove what has no marker, or the marker of another', () => {
    const bare = mkdtempSync(join(tmpdir(), 'roots-test-0-'));
    const scratch = makeScratch();
    const copy = `${scratch.path}-copy`;
    onTestFinished(() => {
      rmSync(bare, { recursive: true });
      rmSync(copy, { recursive: true });
      scratch.remove();
    });
    writeFileSync(join(bare, 'kept'), '');
    cpSync(scratch.path, copy, { recursive: true });
    expect(() => {
      removeScratch(bare);
    }).toThrow();
    expect(() => {
      removeScratch(copy);
    }).toThrow(/marker|scratch directory/);
    expect(readdirSync(bare)).toEqual(['kept']);
    expect(readdirSync(copy)).toEqual(readdirSync(scratch.path));
  });

  it.runIf(isRoot)('refuses while something is mounted below, and removes nothing', async () => {
    await withScratch((scratch) => {
      const tmpfs = mountTmpfs(join(scratch.path, 'mounted'));
      writeFileSync(join(scratch.path, 'kept'), '');
      writeFileSync(join(tmpfs.path, 'kept'), '');
      expect(() => {
        scratch.remove();
      }).toThrow(/still mounted/);
      expect([existsSync(join(scratch.path, 'kept')), existsSync(join(tmpfs.path, 'kept'))]).toEqual([true, true]);
      tmpfs.close();
    });
  });

  it.runIf(isRoot)('removes what is immutable, and does not follow links to do so', async () => {
    await withScratch((other) => {
      const scratch = makeScratch();
      onTestFinished(() => {
        scratch.remove();
      });
      mkdirSync(join(other.path, 'outside'));
      tool('chattr', '+i', join(other.path, 'outside'));
      mkdirSync(join(scratch.path, 'empty'));
      writeFileSync(join(scratch.path, 'empty/file'), '');
      tool('ln', '-s', join(other.path, 'outside'), join(scratch.path, 'link'));
      tool('chattr', '+i', join(scratch.path, 'empty/file'), join(scratch.path, 'empty'));
      scratch.remove();
      expect(leftoversOf(scratch.path)).toEqual([]);
      expect(tool('lsattr', '-d', join(other.path, 'outside'))).toMatch(/^\S*i/);
    });
  });
});

describe.runIf(canMountImages('btrfs'))('image', () => {
  let scratch: Scratch;
  let image: LoopImage;
  beforeAll(() => {
    scratch = makeScratch();
    image = makeBtrfsImage({ sizeMiB: 256, dir: scratch.path });
  });
  afterAll(() => {
    image.close();
    scratch.remove();
    expect(leftoversOf(scratch.path)).toEqual([]);
  });

  it('is not made, and not mounted, outside of a scratch directory', () => {
    const bare = mkdtempSync(join(tmpdir(), 'not-scratch-'));
    onTestFinished(() => {
      rmSync(bare, { recursive: true });
    });
    expect(() => makeBtrfsImage({ sizeMiB: 256, dir: bare })).toThrow(/not inside a scratch/);
    expect(() => image.mount({}, join(bare, 'mounted'))).toThrow(/not inside/);
    expect(() => image.mount({}, join(scratch.path, '..', 'mounted'))).toThrow(/not inside/);
    tool('ln', '-s', bare, join(scratch.path, 'link'));
    expect(() => image.mount({}, join(scratch.path, 'link'))).toThrow(/not inside/);
    expect(readdirSync(bare)).toEqual([]);
  });

  it('mounts subvolumes, read-only too, and unmounts with what is mounted below', () => {
    const top = image.mount({}, join(scratch.path, 'top'));
    tool('btrfs', 'subvolume', 'create', join(top, 'sub'));
    const sub = image.mount({ subvolume: 'sub', readOnly: true }, join(top, 'sub'));
    expect(mountTable().find((mount) => mount.at === fromText(sub))?.root).toBe('/sub');
    expect(() => {
      writeFileSync(join(sub, 'file'), '');
    }).toThrow(/EROFS/);
    image.unmount(top);
    expect(mountTable().filter((mount) => mount.source === image.device)).toEqual([]);
  });

  it('leaves alone a device that has something else behind it', () => {
    const other = makeBtrfsImage({ sizeMiB: 256, dir: scratch.path });
    const stranger = join(scratch.path, 'stranger');
    writeFileSync(stranger, '');
    tool('truncate', '-s', '256M', stranger);
    replaceBehind(other.device, stranger);
    onTestFinished(() => {
      if (backingFile(other.device) === stranger) tool('losetup', '--detach', other.device);
    });
    expect(() => other.mount({}, join(scratch.path, 'other'))).toThrow(/expected .* behind it/);
    other.close();
    expect(backingFile(other.device)).toBe(stranger);
  });

  it('closes only when the last user of a mount has gone', async () => {
    const busy = makeBtrfsImage({ sizeMiB: 256, dir: scratch.path });
    const mounted = busy.mount({}, join(scratch.path, 'busy'));
    const holder = spawn('sh', ['-c', 'echo; exec sleep 1'], { cwd: mounted, stdio: ['ignore', 'pipe', 'ignore'] });
    await once(holder.stdout, 'data');
    tool('umount', '--lazy', mounted);
    busy.close();
    expect(backingFile(busy.device)).not.toBe(busy.file);
    expect(existsSync(busy.file)).toBe(false);
  });

  it('may hold ext4', () => {
    const ext4 = makeExt4Image({ sizeMiB: 16, dir: scratch.path });
    const at = ext4.mount({}, join(scratch.path, 'ext4'));
    expect(mountTable().find((mount) => mount.at === fromText(at))?.type).toBe('ext4');
    ext4.close();
    expect(existsSync(ext4.file)).toBe(false);
  });
});

describe.runIf(canMountImages('btrfs'))('a process that dies', () => {
  const scene = `
    const scratch = makeScratch();
    const image = makeBtrfsImage({ sizeMiB: 256, dir: scratch.path });
    image.mount({}, scratch.path + '/top');
    mountTmpfs(scratch.path + '/top/tmpfs');
    mountTmpfs(scratch.path + '/tmpfs');
    execFileSync('mkdir', [scratch.path + '/empty']);
    execFileSync('chattr', ['+i', scratch.path + '/empty']);
    console.log(scratch.path);
    forever();`;

  it('leaves nothing on SIGTERM and SIGINT', { timeout: SLOW }, async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { child, line: scratch } = await startChild(scene);
      expect(leftoversOf(scratch)).toHaveLength(5);
      await end(child, signal);
      expect(child.signalCode).toBe(signal);
      expect(leftoversOf(scratch)).toEqual([]);
    }
  });

  it('is cleaned up after by the next sweep when it was killed, and not before', { timeout: SLOW }, async () => {
    const { child, line: scratch } = await startChild(scene);
    sweep();
    expect(leftoversOf(scratch)).toHaveLength(5);
    await end(child, 'SIGKILL');
    // Another test may have started at this moment and be sweeping already.
    const report = sweep();
    expect(report.failed.filter(({ path }) => path === scratch)).toEqual([]);
    await expect.poll(() => leftoversOf(scratch), { timeout: 10_000 }).toEqual([]);
  });

  it('is cleaned up after when it was killed while building', { timeout: SLOW }, async () => {
    const { child, line: scratch } = await startChild(`
      const { readdirSync } = await import('node:fs');
      const watch = setInterval(() => {
        const name = readdirSync('${tmpdir()}').find((one) => one.startsWith('roots-test-' + process.pid + '-'));
        if (name !== undefined) { console.log('${tmpdir()}/' + name); clearInterval(watch); }
      }, 1);
      await buildFieldArchive();
      forever();`);
    await end(child, 'SIGKILL');
    sweep();
    await expect.poll(() => leftoversOf(scratch), { timeout: 10_000 }).toEqual([]);
  });

  it('does not disturb others at work at the same time', { timeout: SLOW }, async () => {
    const build = `
      const archive = await buildFieldArchive();
      sweep();
      const before = JSON.stringify(await archive.snapshotState());
      sweep();
      const same = before === JSON.stringify(await archive.snapshotState());
      archive.close();
      console.log(same + ' ' + archive.scratch);`;
    const results = await Promise.all([startChild(build), startChild(build)]);
    for (const { line } of results) {
      const [same, scratch = ''] = line.split(' ');
      expect(same).toBe('true');
      expect(leftoversOf(scratch)).toEqual([]);
    }
  });
});

describe.runIf(canMountImages('btrfs'))('field archive', () => {
  let field: FieldArchive;
  beforeAll(async () => {
    field = await buildFieldArchive({ odd: { immutableRoot: true } });
  }, SLOW);
  afterAll(() => {
    field.close();
    field.close();
    expect(leftoversOf(field.scratch)).toEqual([]);
  });

  it('mounts the live root, the store and the persisted files, and not the top level', () => {
    const mounts = mountTable().filter((mount) => mount.source === field.device);
    expect(mounts.map((mount) => [toText(mount.at), mount.root])).toEqual([
      [field.sysroot, '/root'],
      [join(field.sysroot, 'nix'), '/nix'],
      [field.persist, '/persist'],
    ]);
    expect(readFileSync(join(field.persist, 'home/alice/mail/inbox'), 'utf8')).toContain('alice');
    expect(statSync(field.sysroot).mtime).toEqual(field.liveSince);
  });

  it('has thirty boots over ninety days, named by the snippet from the mtime of their root', async () => {
    expect(field.boots).toHaveLength(30);
    const times = field.boots.map((boot) => boot.time.getTime());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.max(...times)).toBeLessThan(field.now.getTime());
    expect((field.now.getTime() - Math.min(...times)) / 86_400_000).toBeGreaterThan(85);
    expect(field.boots.filter((boot) => /-\d_/.test(boot.name)).length).toBeGreaterThan(3);
    expect(new Set(field.boots.map((boot) => boot.kind))).toEqual(new Set(['snapshot', 'created']));
    await field.withTopLevel((top) => {
      const collided = field.odd.collision?.name;
      for (const boot of field.boots.filter((one) => one.name !== collided)) {
        expect(statSync(join(top, 'old_roots', boot.name)).mtime).toEqual(boot.time);
      }
    });
  });

  it('is what btrfs says it is', async () => {
    await field.withTopLevel((top) => {
      const show = (path: string): string => tool('btrfs', 'subvolume', 'show', join(top, path));
      const blank = /^\tUUID:\s+(\S+)/m.exec(show('root-blank'))?.[1];
      expect(tool('btrfs', 'property', 'get', '-ts', join(top, 'root-blank'), 'ro')).toBe('ro=true\n');
      for (const boot of field.boots) {
        const text = show(`old_roots/${boot.name}`);
        expect(/^\tUUID:\s+(\S+)/m.exec(text)?.[1]).toBe(boot.uuid);
        expect(/^\tParent UUID:\s+(\S+)/m.exec(text)?.[1]).toBe(boot.kind === 'snapshot' ? blank : '-');
        expect(tool('lsattr', '-d', join(top, 'old_roots', boot.name, 'var/empty'))).toMatch(/^\S*i/);
      }
      expect(lstatSync(join(top, 'old_roots')).ino).not.toBe(256);
      expect(readdirSync(join(top, 'old_roots')).sort()).toEqual(field.names);
      expect(field.names).toHaveLength(33);
    });
  });

  it('has the oddities that it names', async () => {
    const { nested, collision, plainDirectory, unparseable, future, readOnly, immutableRoot, liveFromArchive } = field.odd;
    await field.withTopLevel((top) => {
      const old = (name: string | undefined | null, path = ''): string => join(top, 'old_roots', name ?? 'missing', path);
      const isSubvolume = (path: string): boolean => lstatSync(path).ino === 256;
      expect(nested?.trees.map((path) => isSubvolume(old(nested.name, path)))).toEqual([true, true, true, true]);
      expect(readFileSync(old(nested?.name, nested?.file), 'utf8')).toContain('container');
      expect([isSubvolume(old(collision?.name)), isSubvolume(old(collision?.name, collision?.holds))]).toEqual([true, true]);
      expect(existsSync(old(collision?.name, `${collision?.holds ?? ''}/etc/machine-id`))).toBe(true);
      expect([isSubvolume(old(plainDirectory)), existsSync(old(plainDirectory, 'etc/machine-id'))]).toEqual([false, true]);
      expect(plainDirectory).toMatch(/^\d{4}-\d\d-\d+_\d\d:\d\d:\d\d$/);
      expect(isSubvolume(old(unparseable))).toBe(true);
      expect([isSubvolume(old(future)), statSync(old(future)).mtime > field.now]).toEqual([true, true]);
      expect(tool('btrfs', 'property', 'get', '-ts', old(readOnly), 'ro')).toBe('ro=true\n');
      expect(() => tool('btrfs', 'subvolume', 'delete', old(immutableRoot))).toThrow(/Operation not permitted/);
      expect(liveFromArchive).toBeNull();
    });
  });

  it('lost one file, which the third newest boot alone has', async () => {
    expect(field.lostFile.boot).toBe(field.boots.at(-3)?.name);
    await field.withTopLevel((top) => {
      const holders = field.names.filter((name) => existsSync(join(top, 'old_roots', name, field.lostFile.path)));
      expect(holders).toEqual([field.lostFile.boot]);
      const content = readFileSync(join(top, 'old_roots', field.lostFile.boot, field.lostFile.path));
      expect(createHash('sha256').update(content).digest('hex')).toBe(field.lostFile.sha256);
    });
    expect(existsSync(join(field.sysroot, field.lostFile.path))).toBe(false);
  });

  it('holds special files in some boots and in the live root', async () => {
    expect(field.boots.filter((boot) => boot.special)).toHaveLength(3);
    expectSpecialFiles(field.sysroot, field.outside);
    await field.withTopLevel((top) => {
      for (const boot of field.boots.filter((one) => one.special)) expectSpecialFiles(join(top, 'old_roots', boot.name), field.outside);
    });
  });

  it('has a state that is equal until something is touched', async () => {
    const before = await field.snapshotState();
    expect(await field.snapshotState()).toEqual(before);
    const [first, second] = field.boots;
    await field.withTopLevel((top) => {
      writeFileSync(join(top, 'old_roots', first?.name ?? '', 'etc/machine-id'), 'other\n');
      tool('setfattr', '-n', 'user.new', '-v', '1', join(top, 'old_roots', second?.name ?? '', 'etc/passwd'));
      tool('chattr', '+i', join(top, 'persist/etc'));
    });
    const after = await field.snapshotState();
    const touched = Object.keys(before).filter((path) => before[path] !== after[path]);
    expect(touched.sort()).toEqual([`old_roots/${first?.name ?? ''}`, `old_roots/${second?.name ?? ''}`, 'persist']);
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });
});

describe.runIf(canMountImages('btrfs'))('field archive whose live root was archived', () => {
  it('is mounted from there', { timeout: SLOW }, async () => {
    const off = { nested: false, collision: false, plainDirectory: false, unparseable: false, future: false, readOnly: false };
    const field = await buildFieldArchive({ odd: { ...off, liveFromArchive: true }, now: new Date('2027-03-31T00:30:00Z') });
    try {
      const name = field.odd.liveFromArchive ?? '';
      expect(mountTable().find((mount) => mount.at === fromText(field.sysroot))?.root).toBe(`/old_roots/${name}`);
      expect(field.names).toEqual([...field.boots.map((boot) => boot.name), name].sort());
      expect(Object.values({ ...field.odd, liveFromArchive: null })).toEqual(Array.from({ length: 8 }, () => null));
      await field.withTopLevel((top) => {
        expect(existsSync(join(top, 'root/etc/machine-id'))).toBe(false);
      });
    } finally {
      field.close();
    }
    expect(leftoversOf(field.scratch)).toEqual([]);
  });
});

describe('directory archive', () => {
  it('holds copied roots and what does not belong there', { timeout: SLOW }, async () => {
    const scene = await buildDirectoryArchive();
    onTestFinished(() => {
      scene.close();
      expect(leftoversOf(scene.path)).toEqual([]);
    });
    expect(scene.roots).toHaveLength(10);
    for (const root of scene.roots) {
      expect(statSync(join(scene.archive, root.name)).mtime).toEqual(root.time);
      if (root.special) expectSpecialFiles(join(scene.archive, root.name), scene.outside, scene.privileged);
    }
    const { odd } = scene;
    const at = (name: string): string => join(scene.archive, name);
    for (const name of [odd.unparseable, odd.future]) expect(existsSync(join(at(name), 'etc/machine-id'))).toBe(true);
    for (const name of [odd.notUtf8, odd.newline]) {
      expect(lstatSync(toBytes(joinPath(fromText(scene.archive), name))).isDirectory()).toBe(true);
    }
    for (const name of [odd.file, odd.datedFile]) expect(lstatSync(at(name)).isFile()).toBe(true);
    expect([readlinkSync(at(odd.symlink)), readlinkSync(at(odd.datedSymlink))]).toEqual([scene.roots.at(-1)?.name, scene.outside]);
    const holders = scene.roots.filter((root) => existsSync(join(at(root.name), scene.lostFile.path)));
    expect(holders.map((root) => root.name)).toEqual([scene.lostFile.root]);

    const before = scene.snapshotState();
    expect(scene.snapshotState()).toEqual(before);
    writeFileSync(join(scene.live, 'etc/machine-id'), 'other\n');
    expect({ ...scene.snapshotState(), live: '' }).toEqual({ ...before, live: '' });
    expect(scene.snapshotState()).not.toEqual(before);
  });

  it.runIf(isRoot)('is built by a user without privileges', { timeout: SLOW }, async () => {
    const { line } = await startChild(
      `
      const scene = await buildDirectoryArchive();
      const state = Object.keys(scene.snapshotState()).length;
      scene.close();
      console.log(JSON.stringify({ privileged: scene.privileged, state, path: scene.path }));`,
      { uid: 1000 },
    );
    const result = JSON.parse(line) as { privileged: boolean; state: number; path: string };
    expect([result.privileged, result.state]).toEqual([false, 21]);
    expect(leftoversOf(result.path)).toEqual([]);
  });

  it.runIf(canMountImages('ext4'))('is built on a filesystem that is given', { timeout: SLOW }, async () => {
    await withScratch(async (scratch) => {
      const image = makeExt4Image({ sizeMiB: 128, dir: scratch.path });
      const scene = await buildDirectoryArchive({ dir: image.mount({}, join(scratch.path, 'disk')) });
      expect(lstatSync(scene.archive).dev).not.toBe(lstatSync(scratch.path).dev);
      scene.close();
      expect(existsSync(scene.archive)).toBe(true);
      image.close();
    });
  });
});

function expectSpecialFiles(root: string, outside: string, privileged = true): void {
  const at = (path: string): string => join(root, path);
  const large = lstatSync(at(SPECIAL.large));
  const sparse = lstatSync(at(SPECIAL.sparse));
  expect([large.size, sparse.size, sparse.blocks * 512 < SPARSE_SIZE / 8]).toEqual([LARGE_SIZE, SPARSE_SIZE, true]);
  const [first, second] = SPECIAL.hardLinks.map((path) => lstatSync(at(path)));
  expect([first?.nlink, first?.ino]).toEqual([2, second?.ino]);
  expect(lstatSync(at(SPECIAL.setuid)).mode & 0o7777).toBe(0o4755);
  expect(lstatSync(at(SPECIAL.socket)).isSocket()).toBe(true);
  expect(lstatSync(at(SPECIAL.fifo)).isFIFO()).toBe(true);
  expect(lstatSync(at(SPECIAL.nanoseconds), { bigint: true }).mtimeNs % 1_000_000_000n).toBe(NANOSECONDS);
  expect(tool('getfattr', '-n', 'user.xdg.tags', '--only-values', at(SPECIAL.xattr))).toBe('tax,2026');
  expect(tool('getfacl', '-n', '-p', at(SPECIAL.acl))).toContain('user:1001:rw-');
  expect(tool('getfacl', '-n', '-p', at(`${SPECIAL.defaultAcl}/inherits.txt`))).toContain('user:1001:rw');
  expect(readlinkSync(at(SPECIAL.absoluteLink))).toBe(`${outside}/secret`);
  for (const path of [SPECIAL.absoluteLink, SPECIAL.escapingLink, `${SPECIAL.linkedDirectory}/secret`]) {
    expect(readFileSync(at(path), 'utf8')).toContain('outside');
  }
  for (const name of ODD_NAMES) expect(lstatSync(toBytes(joinPath(fromText(root), name))).isFile()).toBe(true);
  const database = readFileSync(at(SPECIAL.sqlite));
  expect([database.toString('latin1', 0, 15), database.readUInt16BE(16), database.length]).toEqual(['SQLite format 3', 512, 512]);
  if (!privileged) return;
  expect(lstatSync(at(SPECIAL.device)).isCharacterDevice()).toBe(true);
  expect(lstatSync(at(SPECIAL.large)).uid).toBe(1000);
  expect(tool('getfattr', '-n', 'security.capability', '-e', 'hex', at(SPECIAL.capability))).toContain('0x0100000200040000');
}
