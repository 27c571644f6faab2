import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { holderOf, lockDirectory } from '../../../src/system/lock.ts';
import { mountOf, readMountTable } from '../../../src/system/mounts.ts';
import { withScratch } from '../../support/scratch.ts';

const LOCKS = `1: POSIX  ADVISORY  WRITE 11 00:2b:257 0 EOF
2: FLOCK  ADVISORY  READ 12 00:2b:25 0 EOF
3: OFDLCK ADVISORY  WRITE -1 00:2b:257 0 EOF
4: FLOCK  ADVISORY  WRITE 13 00:2b:2570 0 EOF
5: FLOCK  ADVISORY  WRITE 14 00:2c:257 0 EOF
6: FLOCK  ADVISORY  WRITE 4711 00:2b:257 0 EOF
6: -> FLOCK  ADVISORY  WRITE 15 00:2b:257 0 EOF
7: FLOCK  ADVISORY  WRITE 16 103:02:99 0 EOF
8: LEASE  ACTIVE    WRITE 17 00:2b:257 0 EOF
`;

describe('holderOf', () => {
  it.each([
    ['0:43', 257n, 4711],
    ['0:44', 257n, 14],
    ['0:43', 2570n, 13],
    ['259:2', 99n, 16],
    ['0:43', 25n, 12],
    ['0:43', 7n, undefined],
    ['0:4', 257n, undefined],
    ['', 257n, undefined],
  ])('of inode %s %s is %s', (device, inode, pid) => {
    expect(holderOf(LOCKS, device, inode)).toBe(pid);
  });
});

describe('lockDirectory', () => {
  it('is in /proc/locks while it is held, and is taken once', async () => {
    await withScratch(async ({ path }) => {
      const device = mountOf(readMountTable(), fromText(path))?.device ?? '';
      const holder = (): number | undefined => holderOf(readFileSync('/proc/locks', 'utf8'), device, statSync(path, { bigint: true }).ino);
      const keeper = await lockDirectory(fromText(path), 'exclusive', device, 'the archive');
      expect(holder()).toBe(keeper.pid);
      await expect(lockDirectory(fromText(path), 'exclusive', device, 'the archive')).rejects.toMatchObject({
        kind: 'locked',
        message: `the archive is locked by another run (process ${String(process.pid)})`,
      });
      await keeper.close();
      await keeper.close();
      expect(holder()).toBeUndefined();
      await (await lockDirectory(fromText(path), 'exclusive', device, 'the archive')).close();
    });
  });

  it('fails where there is no directory, and makes nothing there', async () => {
    await withScratch(async ({ path }) => {
      await expect(lockDirectory(fromText(`${path}/gone`), 'exclusive', '', 'the archive')).rejects.toMatchObject({ kind: 'not-found' });
      expect(existsSync(`${path}/gone`)).toBe(false);
    });
  });

  it('takes a name in bytes', async () => {
    await withScratch(async ({ path }) => {
      const directory = `${path}/caf\xe9` as BytePath;
      mkdirSync(toBytes(directory));
      const keeper = await lockDirectory(directory, 'exclusive', '', 'the archive');
      await expect(lockDirectory(directory, 'exclusive', '', 'the archive')).rejects.toMatchObject({ kind: 'locked' });
      await keeper.close();
    });
  });
});
