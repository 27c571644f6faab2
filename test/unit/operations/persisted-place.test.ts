import { describe, expect, it } from 'vitest';
import type { BytePath } from '../../../src/byte-path.ts';
import { storages, storedAt } from '../../../src/operations/persisted-place.ts';
import { parseMountTable } from '../../../src/system/mounts.ts';

const table = (...lines: string[]) => parseMountTable(lines.join('\n') as BytePath);

/** The top level is mounted too, as some people have it. */
const BTRFS = table(
  '20 1 0:30 /root / rw - btrfs /dev/vda2 rw,subvolid=256,subvol=/root',
  '21 20 0:30 /persist /persist rw - btrfs /dev/vda2 rw,subvolid=257,subvol=/persist',
  '22 20 0:30 /home /home rw - btrfs /dev/vda2 rw,subvolid=258,subvol=/home',
  '23 22 0:30 /persist/home/me/.config /home/me/.config rw - btrfs /dev/vda2 rw,subvolid=257,subvol=/persist',
  '24 20 0:30 /persist/etc/machine-id /etc/machine-id rw - btrfs /dev/vda2 rw,subvolid=257,subvol=/persist',
  '25 20 0:30 /persist/data /srv/data rw - btrfs /dev/vda2 rw,subvolid=257,subvol=/persist',
  '26 20 0:30 / /mnt/top/level rw - btrfs /dev/vda2 rw,subvolid=5,subvol=/',
);

const LIVES = ['/', '/home'] as BytePath[];

describe('where a path on a bind mount is stored', () => {
  it('is not on a live root, nor where it is bound onto itself', () => {
    const machine = table(
      '20 1 0:30 /root / rw - btrfs /dev/vda2 rw,subvolid=256,subvol=/root',
      '21 20 0:30 /nix /nix rw - btrfs /dev/vda2 rw,subvolid=257,subvol=/nix',
      '22 21 0:30 /nix/store /nix/store ro - btrfs /dev/vda2 rw,subvolid=257,subvol=/nix',
      '23 20 0:30 /root/var/lib/docker/btrfs /var/lib/docker/btrfs rw - btrfs /dev/vda2 rw,subvolid=256,subvol=/root',
      '24 20 0:30 / /mnt/top rw - btrfs /dev/vda2 rw,subvolid=5,subvol=/',
      '25 20 0:30 /root/srv/a /srv/b rw - btrfs /dev/vda2 rw,subvolid=256,subvol=/root',
    );
    for (const path of ['/nix/store', '/var/lib/docker/btrfs', '/srv/b']) expect(storedAt(machine, path as BytePath, LIVES)).toBe(null);
    expect(storages(machine, LIVES)).toEqual([]);
  });

  it.each([
    ['/home/me/.config/app/x', '/persist/home/me/.config/app/x'],
    ['/etc/machine-id', '/persist/etc/machine-id'],
    ['/srv/data/x', '/persist/data/x'],
    ['/etc/passwd', null],
    ['/home/me/x', null],
    ['/persist/x', null],
  ])('%s: %s', (path, stored) => {
    expect(storedAt(BTRFS, path as BytePath, LIVES)).toBe(stored);
  });

  it('of another filesystem, mounted as a whole or in part', () => {
    const whole = table(
      '20 1 0:30 /root / rw - btrfs /dev/vda2 rw',
      '21 20 8:1 / /persist rw - ext4 /dev/sda1 rw',
      '22 20 8:1 /var/lib/db /var/lib/db rw - ext4 /dev/sda1 rw',
      '23 20 8:2 / /boot rw - vfat /dev/sda2 rw',
    );
    expect(storedAt(whole, '/var/lib/db/x' as BytePath, LIVES)).toBe('/persist/var/lib/db/x');
    expect(storedAt(whole, '/boot/x' as BytePath, LIVES)).toBe(null);
    expect(storages(whole, LIVES)).toEqual(['/persist']);
  });

  it('is nowhere else if that is covered, or is mounted nowhere as a whole', () => {
    const covered = table(
      '20 1 0:30 /root / rw - btrfs /dev/vda2 rw',
      '21 20 8:1 / /persist rw - ext4 /dev/sda1 rw',
      '22 20 8:1 /db /db rw - ext4 /dev/sda1 rw',
      '23 20 0:50 / /persist rw - tmpfs tmpfs rw',
    );
    expect(storedAt(covered, '/db/x' as BytePath, LIVES)).toBe(null);
    expect(storages(covered, LIVES)).toEqual([]);
  });
});

it('storages are what is mounted under its own path, each once', () => {
  expect(storages(BTRFS, LIVES)).toEqual(['/persist']);
  expect(storages(table('20 1 0:30 /root / rw - btrfs /dev/vda2 rw'), LIVES)).toEqual([]);
});
