/**
 * Where a target is of which the configuration says the place but not the backend: what filesystem that place is on.
 */
import { fromText, isWithin, printable, printableText, toText, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import { realPath } from '../system/links.ts';
import { mountOf, pathInFilesystem, readMountTable, type Mount } from '../system/mounts.ts';
import { readMachineMountTable } from '../system/plain-mount.ts';
import type { Run } from '../system/run.ts';
import type { Location } from './backend.ts';
import { devicesOf } from './bcachefs/filesystem.ts';
import { filesystemOn } from './btrfs/filesystem.ts';

export interface Paths {
  readonly live: BytePath | null;
  readonly blank: BytePath | null;
  readonly archive: BytePath;
}

/** Of a place that is given by a device, and by paths from the top level. Errors: `unsupported` if the device is of another filesystem. */
export async function locateOnDevice(
  run: Run,
  device: string,
  paths: Paths,
  mounts: readonly Mount[] = readMachineMountTable(),
): Promise<Location> {
  return { backend: mountedType(device, mounts) ?? (await probedType(run, device)) ?? 'btrfs', device, ...paths };
}

/**
 * Of an archive that is given by absolute paths on a mounted filesystem, whatever that is.
 * Errors: `not-found` if one of them leads nowhere; `usage` if they are not on one filesystem, or if datasets of ZFS are mounted there.
 */
export function locateByPaths(paths: Paths, mounts: readonly Mount[] = readMountTable()): Location {
  const archive = reached(paths.archive);
  const mount = mountOf(mounts, archive);
  if (mount === undefined || !hasDevice(mount.type)) {
    refuseDatasets(mounts, archive);
    return { backend: 'directory', ...paths };
  }
  const within = (path: BytePath): BytePath => {
    const real = reached(path);
    const own = mountOf(mounts, real);
    if (own?.device === mount.device) return pathInFilesystem(own, real).slice(1) as BytePath;
    throw new RootsError('usage', `${printable(path)} is not on the filesystem of the archive ${printable(paths.archive)}`);
  };
  return {
    backend: mount.type,
    device: toText(mount.source),
    live: paths.live === null ? null : within(paths.live),
    blank: paths.blank === null ? null : within(paths.blank),
    archive: within(paths.archive),
  };
}

type DeviceBackend = 'btrfs' | 'bcachefs';

function hasDevice(type: string): type is DeviceBackend {
  return type === 'btrfs' || type === 'bcachefs';
}

/** Where a dataset is not mounted, its empty mount point would look like an old root. */
function refuseDatasets(mounts: readonly Mount[], archive: BytePath): void {
  const dataset = mounts.find((mount) => mount.type === 'zfs' && isWithin(mount.mountPoint, archive));
  if (dataset === undefined) return;
  throw new RootsError(
    'usage',
    `${printable(archive)} is no directory of old roots: ZFS has ${printable(dataset.source)} mounted at ${printable(dataset.mountPoint)}`,
    {
      hint: 'give `dataset`, and a dataset as `archive`; or `backend = "directory"` if plain directories are meant all the same',
    },
  );
}

/** As the kernel knows it. The mount table names bcachefs by all of its devices (Linux 6.12), and btrfs by one of them. */
function mountedType(device: string, mounts: readonly Mount[]): DeviceBackend | undefined {
  const wanted = new Set(devicesOf(device));
  for (const { type, source } of mounts) {
    if (hasDevice(type) && devicesOf(toText(source)).some((each) => wanted.has(each))) return type;
  }
  return filesystemOn(device) === undefined ? undefined : 'btrfs';
}

/** As what is written on it says; undefined if that says nothing, as to a user who may not read it. Nothing is mounted for it. */
async function probedType(run: Run, device: string): Promise<DeviceBackend | undefined> {
  const [first = device] = devicesOf(device);
  const type = await blkid(run, first);
  if (type === '' || hasDevice(type)) return type === '' ? undefined : type;
  throw new RootsError('unsupported', `${printableText(device)} holds ${printableText(type)}, and neither btrfs nor bcachefs`, {
    hint:
      type === 'zfs_member'
        ? 'for ZFS give `dataset` in place of `device`'
        : 'check `device` in the configuration, or say which with `backend`',
  });
}

async function blkid(run: Run, device: string): Promise<string> {
  try {
    const { status, stdout } = await run('blkid', ['-p', '-o', 'value', '-s', 'TYPE', '--', { path: fromText(device) }]);
    return status === 0 ? stdout.toString('latin1').trim() : '';
  } catch (error) {
    // Without the program, mounting it will tell.
    if (error instanceof RootsError && error.kind === 'unsupported') return '';
    throw error;
  }
}

/** Errors: `not-found` if it leads nowhere. */
function reached(path: BytePath): BytePath {
  try {
    return realPath(path);
  } catch (error) {
    throw new RootsError('not-found', `${printable(path)} cannot be reached: ${errnoOf(error) ?? messageOf(error)}`, {
      hint: 'check the configuration',
      cause: error,
    });
  }
}
