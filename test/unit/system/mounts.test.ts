import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromBytes, fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import {
  mountOf,
  mountsShowing,
  parseMountTable,
  pathInFilesystem,
  readAllMountTables,
  readMountTable,
} from '../../../src/system/mounts.ts';
import { run, type Run } from '../../../src/system/run.ts';
import { inOtherNamespace } from '../../backend-suite/processes.ts';
import { mountTmpfs } from '../../support/loop-image.ts';
import { requires } from '../../support/requirements.ts';
import { tool, withScratch } from '../../support/scratch.ts';

const parse = (text: string): ReturnType<typeof parseMountTable> => parseMountTable(text as BytePath);

describe('parseMountTable', () => {
  it('undoes escapes, and takes any number of optional fields', () => {
    const table = parse(
      '36 25 0:43 /old\\040roots/a\\011b\\012c\\134d /mnt/a\\043 rw,noatime shared:1 master:2 - btrfs /dev/sda2 rw,subvolid=5\n' +
        '37 36 0:44 / /mnt/a\\043/b ro - tmpfs  rw\n' +
        '38 25 8:1 /- - rw propagate_from:3 - ext4 - rw\n',
    );
    expect(table).toEqual([
      {
        device: '0:43',
        root: '/old roots/a\tb\nc\\d',
        mountPoint: '/mnt/a#',
        options: ['rw', 'noatime'],
        superOptions: ['rw', 'subvolid=5'],
        type: 'btrfs',
        source: '/dev/sda2',
        on: null,
      },
      {
        device: '0:44',
        root: '/',
        mountPoint: '/mnt/a#/b',
        options: ['ro'],
        superOptions: ['rw'],
        type: 'tmpfs',
        source: '',
        on: { device: '0:43', path: '/old roots/a\tb\nc\\d/b' },
      },
      { device: '8:1', root: '/-', mountPoint: '-', options: ['rw'], superOptions: ['rw'], type: 'ext4', source: '-', on: null },
    ]);
    expect(parse('')).toEqual([]);
  });

  it.each(['nonsense', '36 25 0:43 / /mnt rw shared:1', '36 25 0:43 / /mnt rw -', '36 25 0:43 / /mnt rw - btrfs', '36 25 0:43 / /mnt'])(
    'does not overlook a line that it does not understand: %s',
    (line) => {
      expect(() => parse(`1 0 8:1 / / rw - ext4 /dev/sda1 rw\n${line}\n`)).toThrow('a line of the mount table is not understood');
    },
  );
});

describe('mountsShowing', () => {
  const table = parse(
    [
      '1 0 8:1 / / rw - ext4 /dev/sda1 rw',
      '2 1 0:43 / /top rw - btrfs /dev/sda2 rw',
      '3 1 0:43 /old_roots/T /a rw - btrfs /dev/sda2 rw',
      '4 1 0:43 /old_roots/T/home /b rw - btrfs /dev/sda2 rw',
      '5 1 0:43 /old_roots/T2 /c rw - btrfs /dev/sda2 rw',
      '6 1 0:43 /old_roots/gone//deleted /d rw - btrfs /dev/sda2 rw',
      '7 2 0:50 / /top/old_roots/T/tmp rw - tmpfs tmpfs rw',
      '8 4 0:51 / /b/x rw - tmpfs tmpfs rw',
      '9 1 0:99 /old_roots/T /e rw - btrfs /dev/sdb rw',
      '10 6 0:52 / /d/y rw - tmpfs tmpfs rw',
    ].join('\n'),
  );
  const showing = (path: string): string[] => mountsShowing(table, '0:43', fromText(path)).map((mount) => mount.mountPoint);

  it('has those of a path, of what is below it, and those on top of something there; by whole names', () => {
    expect(showing('/old_roots/T')).toEqual(['/a', '/b', '/top/old_roots/T/tmp', '/b/x']);
    expect(showing('/old_roots/T/home')).toEqual(['/b', '/b/x']);
    expect(showing('/old_roots/T2')).toEqual(['/c']);
    expect(showing('/old_roots/none')).toEqual([]);
  });

  it('counts one whose tree was removed under it for that path', () => {
    expect(showing('/old_roots/gone')).toEqual(['/d', '/d/y']);
  });
});

describe('mountOf and pathInFilesystem', () => {
  const table = parse(
    '1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /mnt rw - ext4 b rw\n3 1 8:3 /sub /mnt rw - ext4 c rw\n4 1 8:4 / /mnt2 rw - ext4 d rw\n',
  );

  it.each([
    ['/mnt/x/y', '8:3', '/sub/x/y'],
    ['/mnt', '8:3', '/sub'],
    ['/mnt2/x', '8:4', '/x'],
    ['/mnt3', '8:1', '/mnt3'],
    ['/', '8:1', '/'],
  ])('%s is on %s at %s', (path, device, inside) => {
    const mount = mountOf(table, fromText(path));
    expect(mount?.device).toBe(device);
    expect(mount === undefined ? undefined : pathInFilesystem(mount, fromText(path))).toBe(inside);
  });
});

requires.root('mount tables of this machine', () => {
  it('names of mount points are bytes', async () => {
    await withScratch(async ({ path }) => {
      const name = fromBytes(Buffer.from([0x61, 0xff, 0x0a, 0x20, 0x5c]));
      const { path: at, close } = mountTmpfs(join(path, 'tmpfs'));
      try {
        const inside = `${at}/${name}` as BytePath;
        mkdirSync(toBytes(inside));
        await run('mount', ['-t', 'tmpfs', 'roots-test', { path: inside }]);
        expect(readMountTable().map((mount) => mount.mountPoint)).toContain(inside);
        await run('umount', ['--', { path: inside }]);
      } finally {
        close();
      }
    });
  });

  it('are those of every mount namespace', async () => {
    await withScratch(async ({ path }) => {
      mkdirSync(join(path, 'at'));
      const other = await inOtherNamespace(`mount -t tmpfs roots-test '${path}/at'`);
      try {
        const { mounts, incomplete } = await readAllMountTables(run);
        expect(incomplete).toBeNull();
        expect(mounts.map((mount) => mount.mountPoint)).toContain(`${path}/at`);
      } finally {
        await other.kill();
      }
      expect((await readAllMountTables(run)).mounts.map((mount) => mount.mountPoint)).not.toContain(`${path}/at`);
    });
  });

  it('are those of a namespace that only a file keeps; it says so if that cannot be entered', async () => {
    await withScratch(async ({ path }) => {
      const { path: kept, close } = mountTmpfs(join(path, 'kept'));
      try {
        tool('mount', '--make-private', kept);
        mkdirSync(join(path, 'at'));
        const file = join(kept, 'namespace');
        writeFileSync(file, '');
        tool('unshare', `--mount=${file}`, 'mount', '-t', 'tmpfs', 'roots-test', join(path, 'at'));
        const { mounts, incomplete } = await readAllMountTables(run);
        expect(incomplete).toBeNull();
        expect(mounts.map((mount) => mount.mountPoint)).toContain(join(path, 'at'));
        const failing: Run = () => Promise.resolve({ status: 1, stdout: Buffer.alloc(0), stderr: '' });
        expect((await readAllMountTables(failing)).incomplete).toContain(file);
        tool('umount', file);
      } finally {
        close();
      }
    });
  });
});

it('understands every line of the mount table of this machine', () => {
  const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n').length - 1;
  expect(readMountTable()).toHaveLength(lines);
});
