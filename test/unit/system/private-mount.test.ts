import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes } from '../../../src/byte-path.ts';
import { PrivateMountPool, mountPrivately } from '../../../src/system/private-mount.ts';
import { readMountTable } from '../../../src/system/mounts.ts';
import { run } from '../../../src/system/run.ts';
import { makeBtrfsImage, makeExt4Image } from '../../support/loop-image.ts';
import { requires } from '../../support/requirements.ts';
import { start } from '../../backend-suite/processes.ts';
import { withScratch } from '../../support/scratch.ts';

requires.root('a private mount', () => {
  it('is seen by nobody else, is written through, and is gone when it is closed', async () => {
    await withScratch(async ({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const before = readMountTable();
        const mount = await mountPrivately(run, { device: image.device, type: 'ext4', options: [], access: 'write' });
        expect(readMountTable()).toEqual(before);
        const name = fromBytes(Buffer.from([0xff, 0x0a]));
        writeFileSync(toBytes(joinPath(mount.path, name)), 'content');
        const { stdout } = await mount.runInside('cat', [{ path: joinPath(mount.pathInside, name) }]);
        expect(stdout.toString()).toBe('content');
        expect((await mount.runInside('sh', ['-c', 'exit 5'])).status).toBe(5);
        await mount.close();
        await mount.close();
        expect(existsSync(toBytes(mount.path))).toBe(false);
      } finally {
        image.close();
      }
    });
  });

  it('keeps nothing mounted that is unmounted elsewhere, and nothing that is mounted elsewhere covers it', async () => {
    await withScratch(async ({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const other = join(path, 'other');
        mkdirSync(other);
        const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', BESIDE];
        const modules = ['private-mount.ts', 'run.ts'].map((name) =>
          fileURLToPath(new URL(`../../../src/system/${name}`, import.meta.url)),
        );
        // As on a machine that systemd runs; here mounts may be private.
        const started = start('unshare', ['--mount', '--propagation', 'shared', '--', ...node, ...modules, image.device, other]);
        await started.gone;
        expect(JSON.parse(started.output())).toEqual({ had: true, has: false, names: 'lost+found\n' });
      } finally {
        image.close();
      }
    });
  });

  it('starts no program that is not there: `unsupported`, as outside', async () => {
    await withScratch(async ({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const mount = await mountPrivately(run, { device: image.device, type: 'ext4', options: [], access: 'read' });
        const bytes = { path: fromBytes(Buffer.from([0xff])) };
        for (const args of [[], [bytes]])
          await expect(mount.runInside('roots-no-such-program', args)).rejects.toMatchObject({ kind: 'unsupported' });
        await mount.close();
      } finally {
        image.close();
      }
    });
  });

  it('for reading cannot be written to', async () => {
    await withScratch(async ({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const mount = await mountPrivately(run, { device: image.device, type: 'ext4', options: [], access: 'read' });
        expect(() => writeFileSync(toBytes(joinPath(mount.path, fromText('x'))), '')).toThrow('EROFS');
        await mount.close();
      } finally {
        image.close();
      }
    });
  });

  it('is one for a device, however often it is wanted', async () => {
    await withScratch(async ({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const pool = new PrivateMountPool(run, 'read');
        const [one, other] = await Promise.all([pool.mount(image.device, 'ext4', []), pool.mount(image.device, 'ext4', [])]);
        expect(other).toBe(one);
        await pool.close();
        await pool.close();
      } finally {
        image.close();
      }
    });
  });

  it.each([
    ['/dev/roots-no-such-device', 'ext4', 'failed', 'does not exist'],
    ['/dev/null', 'ext4', 'failed', 'cannot be mounted'],
    ['/dev/null', 'roots-no-such-filesystem', 'unsupported', 'this kernel does not know'],
  ])('of %s as %s: %s', async (device, type, kind, message) => {
    await expect(mountPrivately(run, { device, type, options: [], access: 'read' })).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(message) as string,
    });
  });

  it('without privileges is `not-permitted`', async () => {
    const script = fileURL('../../../src/system/private-mount.ts');
    const code = `const { mountPrivately } = await import(${JSON.stringify(script)}); mountPrivately(undefined, { device: '/dev/null', type: 'ext4', options: [], access: 'read' }).catch((error) => console.log(error.kind))`;
    const args = [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      '--',
      process.execPath,
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      code,
    ];
    const started = start('setpriv', args);
    await started.gone;
    expect(started.output().trim()).toBe('not-permitted');
  });
});

requires.btrfs('a private mount of btrfs', () => {
  it('of another filesystem fails, and leaves nothing', async () => {
    await withScratch(async ({ path }) => {
      const image = makeBtrfsImage({ sizeMiB: 128, dir: path });
      try {
        await expect(mountPrivately(run, { device: image.device, type: 'ext4', options: [], access: 'read' })).rejects.toMatchObject({
          kind: 'failed',
        });
        const mount = await mountPrivately(run, { device: image.device, type: 'btrfs', options: ['subvolid=5'], access: 'write' });
        expect(readdirSync(toBytes(mount.path))).toEqual([]);
        expect(join('/', mount.device)).toMatch(/^\/0:\d+$/);
        await mount.close();
      } finally {
        image.close();
      }
    });
  });
});

function fileURL(path: string): string {
  return new URL(path, import.meta.url).href;
}

const BESIDE = `
import { execFileSync } from 'node:child_process';
// What is at /tmp now will be out of sight, and this checkout may be there.
process.chdir('/');
const [, privateMount, system, device, other] = process.argv;
const { mountPrivately } = await import(privateMount);
const { run } = await import(system);
execFileSync('mount', ['-t', 'tmpfs', 'roots-test', other]);
const mount = await mountPrivately(run, { device, type: 'ext4', options: [], access: 'read' });
const isThere = async () => (await mount.runInside('cat', ['/proc/self/mountinfo'])).stdout.includes(other);
const had = await isThere();
execFileSync('umount', [other]);
const has = await isThere();
execFileSync('mount', ['-t', 'tmpfs', 'roots-test', '/tmp']);
const names = (await mount.runInside('ls', [{ path: mount.pathInside }])).stdout.toString();
await mount.close();
console.log(JSON.stringify({ had, has, names }));
`;
