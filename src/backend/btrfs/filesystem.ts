/**
 * Which filesystem a device is of, and whether it may be written to.
 */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { toText } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { readMountTable } from '../../system/mounts.ts';

export const SYSFS = '/sys/fs/btrfs';

/** The UUID under which sysfs has the mounted filesystem that a device belongs to. */
export function filesystemOn(device: string): string | undefined {
  try {
    const name = basename(realpathSync(device));
    return readdirSync(SYSFS).find((uuid) => existsSync(`${SYSFS}/${uuid}/devices/${name}`));
  } catch {
    return undefined;
  }
}

/**
 * Mounting it for writing would make the filesystem writable for all; where somebody mounted it read-only, that may be to save it.
 * Of a filesystem on several disks the mount table names one, and the configuration perhaps another.
 */
export function refuseReadOnly(device: string): void {
  const filesystem = filesystemOn(device);
  if (filesystem === undefined) return;
  const mounts = readMountTable().filter((mount) => mount.type === 'btrfs' && filesystemOn(toText(mount.source)) === filesystem);
  if (mounts.length === 0 || mounts.some((mount) => mount.superOptions.includes('rw'))) return;
  throw new RootsError('failed', `the filesystem on ${device} is mounted read-only`, {
    hint: 'if that is not on purpose, mount it for writing first (mount -o remount,rw)',
  });
}
