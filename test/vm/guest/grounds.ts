/** The filesystems that the conformance suite runs on in the test machine, each on a disk of its own. Plain directories need no machine. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { BCACHEFS, bcachefsGround } from '../../backend-suite/bcachefs-ground.ts';
import { BTRFS, btrfsGround } from '../../backend-suite/btrfs-ground.ts';
import type { Applicability, Ground } from '../../backend-suite/ground.ts';
import { ZFS, zfsGround } from '../../backend-suite/zfs-ground.ts';
import type { BackendName } from '../../../src/backend/backend.ts';
import { tool } from '../../support/scratch.ts';

export interface GuestGround {
  /** As the suite and the table call it. */
  readonly name: string;
  readonly about: Applicability;
  /** Of the kernel. */
  readonly module: string;
  /** `disk` is empty, and nobody else's; `base` does not exist yet. */
  readonly make: (disk: string, base: string) => Ground;
}

export const GROUNDS = {
  btrfs: {
    name: 'btrfs',
    about: BTRFS,
    module: 'btrfs',
    make: (device, base) => {
      tool('mkfs.btrfs', '-q', '-f', device);
      return btrfsGround({ device, ...mounted('btrfs', device, base) });
    },
  },
  zfs: {
    name: 'ZFS',
    about: ZFS,
    module: 'zfs',
    make: (disk, base) => {
      // Of a whole disk it wants to know from udev, which is not running.
      const { status, stderr } = spawnSync('sfdisk', ['--quiet', '--wipe=always', disk], { input: ',\n', encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      const pool = 'suite';
      tool('zpool', 'create', '-f', '-m', 'none', pool, `${disk}1`);
      mkdirSync(base);
      return zfsGround({ pool, base, close: () => void tool('zpool', 'destroy', pool) });
    },
  },
  bcachefs: {
    name: 'bcachefs',
    about: BCACHEFS,
    module: 'bcachefs',
    make: (device, base) => {
      // It may crash when all is done (bcachefs-tools 1.13): what counts is whether the filesystem is there.
      spawnSync('bcachefs', ['format', '--quiet', '--force', device]);
      return bcachefsGround({ device, ...mounted('bcachefs', device, base) });
    },
  },
} as const satisfies Readonly<Record<Exclude<BackendName, 'directory'>, GuestGround>>;

function mounted(type: string, device: string, base: string): { readonly base: string; close(): void } {
  mkdirSync(base);
  tool('mount', '-t', type, device, base);
  return { base, close: () => void tool('umount', base) };
}
