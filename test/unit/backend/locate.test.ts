import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { openBackend } from '../../../src/backend/detect.ts';
import { locateByPaths, locateOnDevice, type Paths } from '../../../src/backend/locate.ts';
import { RootsError } from '../../../src/errors.ts';
import { parseMountTable, type Mount } from '../../../src/system/mounts.ts';
import { PrivateMountPool } from '../../../src/system/private-mount.ts';
import { run, type Run } from '../../../src/system/run.ts';
import { makeBtrfsImage, makeExt4Image } from '../../support/loop-image.ts';
import { requires } from '../../support/requirements.ts';
import { tool, withScratch } from '../../support/scratch.ts';

const paths = (top: string, names: readonly [live: string, blank: string, archive: string]): Paths => {
  const [live, blank, archive] = names.map((name) => fromText(join(top, name)));
  return { live: live ?? null, blank: blank ?? null, archive: archive ?? fromText(top) };
};
const RELATIVE = { live: fromText('root'), blank: null, archive: fromText('old_roots') };

/** With lines as Linux 6.12 has them, at a scratch folder in place of TOP. */
const table = (top: string, ...lines: readonly string[]): Mount[] =>
  parseMountTable(fromText(['1 0 8:1 / / rw - ext4 /dev/sda1 rw', ...lines].join('\n').replaceAll('TOP', top)));

requires.btrfs('an archive on btrfs that is given by absolute paths', () => {
  it('is relative to the top level, whichever subvolume it is seen through', async () => {
    const services = { run, signal: new AbortController().signal, privateMounts: new PrivateMountPool(run, 'read') };
    await withScratch(async ({ path }) => {
      const image = makeBtrfsImage({ sizeMiB: 128, dir: path });
      try {
        const top = image.mount({}, join(path, 'top'));
        for (const name of ['root', 'root-blank', 'persist', 'persist/old_roots']) tool('btrfs', 'subvolume', 'create', join(top, name));
        const persist = image.mount({ subvolume: 'persist' }, join(path, 'persist'));
        const expected = { backend: 'btrfs', device: image.device, live: 'root', blank: 'root-blank', archive: 'persist/old_roots' };
        expect(locateByPaths(paths(top, ['root', 'root-blank', 'persist/old_roots']))).toEqual(expected);
        expect(locateByPaths({ ...paths(top, ['root', 'root-blank', 'x']), archive: fromText(join(persist, 'old_roots')) })).toEqual(
          expected,
        );
        expect(() => locateByPaths({ ...paths(top, ['root', 'root-blank', 'persist/old_roots']), live: fromText('/proc') })).toThrow(
          expect.objectContaining({ kind: 'usage' }) as Error,
        );
        await expect(
          openBackend({ backend: 'btrfs', device: image.device, live: null, blank: null, archive: fromText('none') }, services),
        ).rejects.toMatchObject({ kind: 'not-found' });
      } finally {
        await services.privateMounts.close();
        image.close();
      }
    });
  });
});

requires.root('an archive elsewhere that is given by absolute paths', () => {
  it('is by absolute paths', async () => {
    await withScratch(({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const top = image.mount({}, join(path, 'top'));
        mkdirSync(join(top, 'old_roots'));
        const given = paths(top, ['root', 'root-blank', 'old_roots']);
        expect(locateByPaths(given)).toEqual({ backend: 'directory', ...given });
      } finally {
        image.close();
      }
    });
  });
});

describe('an archive that is given by absolute paths', () => {
  it('on bcachefs is relative to its top level, though a part of it is mounted', async () => {
    await withScratch(({ path }) => {
      for (const name of ['persist', 'persist/old_roots', 'live']) mkdirSync(join(path, name));
      const mounts = table(
        path,
        '2 1 0:50 /root TOP/live rw - bcachefs /dev/vdb:/dev/vdc rw',
        '3 1 0:50 /persist TOP/persist rw - bcachefs /dev/vdb:/dev/vdc rw',
      );
      expect(locateByPaths({ ...paths(path, ['live', 'x', 'persist/old_roots']), blank: null }, mounts)).toEqual({
        backend: 'bcachefs',
        device: '/dev/vdb:/dev/vdc',
        live: 'root',
        blank: null,
        archive: 'persist/old_roots',
      });
    });
  });

  it.each([
    ['itself', '2 1 0:60 / TOP/old_roots rw - zfs rpool/old_roots rw', true],
    ['an old root', '2 1 0:60 / TOP/old_roots/2026-11-20_18:20:00 rw - zfs rpool/old_roots/2026-11-20_18:20:00 rw', true],
    ['what it is in', '2 1 0:60 / TOP rw - zfs rpool/persist rw', false],
    ['what is beside it', '2 1 0:60 / TOP/old_roots2 rw - zfs rpool/persist rw', false],
  ])('is no plain directory where a dataset of ZFS is mounted: %s', async (_, line, refused) => {
    await withScratch(({ path }) => {
      mkdirSync(join(path, 'old_roots'));
      const given = { live: null, blank: null, archive: fromText(join(path, 'old_roots')) };
      const located = (): unknown => locateByPaths(given, table(path, line));
      if (refused)
        expect(located).toThrow(expect.objectContaining({ kind: 'usage', hint: expect.stringContaining('`dataset`') as string }));
      else expect(located()).toEqual({ backend: 'directory', ...given });
    });
  });
});

const never: Run = (program) => Promise.reject(new Error(`${program} was started`));
const blkidSays =
  (stdout: string, status = 0): Run =>
  (program) =>
    program === 'blkid' ? Promise.resolve({ status, stdout: Buffer.from(stdout), stderr: '' }) : never(program, []);

describe('a place on a device', () => {
  it('is of the filesystem that is mounted from it, by whatever name, and asks nothing else', async () => {
    await withScratch(async ({ path }) => {
      symlinkSync('/dev/null', join(path, 'by-label'));
      const bcachefs = table(path, '2 1 0:50 / /x rw - bcachefs /dev/zero:/dev/null rw');
      for (const device of [join(path, 'by-label'), '/dev/null', `/dev/none:${join(path, 'by-label')}`]) {
        expect(await locateOnDevice(never, device, RELATIVE, bcachefs)).toEqual({ backend: 'bcachefs', device, ...RELATIVE });
      }
      const btrfs = table(path, '2 1 0:50 /root /x rw - btrfs /dev/null rw');
      expect(await locateOnDevice(never, join(path, 'by-label'), RELATIVE, btrfs)).toMatchObject({ backend: 'btrfs' });
    });
  });

  it('is not of what only bears its name', async () => {
    const mounts = table('', '2 1 0:50 / /x rw - fuse.bcachefs /dev/null rw');
    expect(await locateOnDevice(blkidSays('btrfs\n'), '/dev/null', RELATIVE, mounts)).toMatchObject({ backend: 'btrfs' });
  });

  it('is of what is written on it, where it is not mounted', async () => {
    expect(await locateOnDevice(blkidSays('bcachefs\n'), '/dev/null', RELATIVE, [])).toMatchObject({ backend: 'bcachefs' });
    expect(await locateOnDevice(blkidSays('btrfs\n'), '/dev/null', RELATIVE, [])).toMatchObject({ backend: 'btrfs' });
  });

  it('is refused if that is something else', async () => {
    await expect(locateOnDevice(blkidSays('zfs_member\n'), '/dev/null', RELATIVE, [])).rejects.toMatchObject({
      kind: 'unsupported',
      hint: expect.stringContaining('`dataset`') as string,
    });
    await expect(locateOnDevice(blkidSays('crypto_LUKS\n'), '/dev/null', RELATIVE, [])).rejects.toMatchObject({
      kind: 'unsupported',
      message: '/dev/null holds crypto_LUKS, and neither btrfs nor bcachefs',
    });
  });

  it('is left to btrfs to complain of where nothing is known', async () => {
    const missing: Run = (program) => Promise.reject(new RootsError('unsupported', `the program \`${program}\` is not installed`));
    for (const asked of [blkidSays('', 2), blkidSays('', 8), missing]) {
      expect(await locateOnDevice(asked, '/dev/null', RELATIVE, [])).toMatchObject({ backend: 'btrfs' });
    }
  });
});

requires.btrfs('a device', () => {
  it('is known by what is on it', async () => {
    await withScratch(async ({ path }) => {
      const dirs = ['btrfs', 'ext4'].map((name) => join(path, name)) as [string, string];
      for (const dir of dirs) mkdirSync(dir);
      const [btrfs, ext4] = [makeBtrfsImage({ sizeMiB: 128, dir: dirs[0] }), makeExt4Image({ sizeMiB: 16, dir: dirs[1] })];
      try {
        expect(await locateOnDevice(run, btrfs.device, RELATIVE)).toMatchObject({ backend: 'btrfs', device: btrfs.device });
        await expect(locateOnDevice(run, ext4.device, RELATIVE)).rejects.toMatchObject({
          kind: 'unsupported',
          message: expect.stringContaining(' holds ext4, ') as string,
        });
        btrfs.mount({}, join(path, 'top'));
        expect(await locateOnDevice(never, btrfs.device, RELATIVE)).toMatchObject({ backend: 'btrfs' });
      } finally {
        btrfs.close();
        ext4.close();
      }
    });
  });
});
