/**
 * The one place that knows all backends: recognising what is there, and opening it. A new filesystem is added here and in `Location`.
 */
import { realpathSync } from 'node:fs';
import { fromBytes, printable, toBytes, toText, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import { mountOf, pathInFilesystem, readMountTable } from '../system/mounts.ts';
import type { Backend, BackendName, Capabilities, Detected, Location, Services } from './backend.ts';
import { CAPABILITIES as BCACHEFS, openBcachefs } from './bcachefs/adapter.ts';
import { CAPABILITIES as BTRFS, openBtrfs } from './btrfs/adapter.ts';
import { detectBtrfs } from './btrfs/detect.ts';
import { CAPABILITIES as DIRECTORY, openDirectory } from './directory/adapter.ts';
import { detectDirectories } from './directory/detect.ts';
import { CAPABILITIES as ZFS, openZfs } from './zfs/adapter.ts';

export interface Detection {
  readonly found: readonly Detected[];
  /** Why filesystems that are here were not looked at, for people. */
  readonly notLookedAt: readonly string[];
}

/** Looks at every filesystem that is mounted. `privileged`: whether private mounts can be had. */
export async function detect(services: Services, options: { readonly nameZone: string; readonly privileged: boolean }): Promise<Detection> {
  const types = new Set(readMountTable().map((mount) => mount.type));
  const notLookedAt = [...NOT_SUPPORTED].filter((type) => types.has(type)).map((type) => `${type} is not supported by this version`);
  if (types.has('btrfs') && !options.privileged) notLookedAt.push('btrfs can only be looked at by root (sudo)');
  const btrfs = types.has('btrfs') && options.privileged ? await detectBtrfs(services) : { found: [], notLookedAt: [] };
  return { found: [...btrfs.found, ...detectDirectories(options.nameZone)], notLookedAt: [...notLookedAt, ...btrfs.notLookedAt] };
}

const NOT_SUPPORTED = ['zfs', 'bcachefs'];

const CAPABILITIES: Readonly<Record<BackendName, Capabilities>> = { btrfs: BTRFS, zfs: ZFS, bcachefs: BCACHEFS, directory: DIRECTORY };

/** Of the backend of a location, which need not be opened for that. */
export function capabilitiesOf({ backend }: Location): Capabilities {
  return CAPABILITIES[backend];
}

/** Errors: as those of the backend's own opening; `not-found` if there is no archive. */
export async function openBackend(location: Location, services: Services): Promise<Backend> {
  switch (location.backend) {
    case 'btrfs':
      return openBtrfs(location, services);
    case 'zfs':
      return openZfs(location, services);
    case 'bcachefs':
      return openBcachefs(location, services);
    case 'directory':
      return openDirectory(location, services);
  }
}

/** The location of an archive that is given by absolute paths on a mounted filesystem, whatever that is. */
export function locate(paths: { readonly live: BytePath | null; readonly blank: BytePath | null; readonly archive: BytePath }): Location {
  const mounts = readMountTable();
  const archive = withoutLinks(paths.archive);
  const mount = mountOf(mounts, archive);
  if (mount?.type !== 'btrfs') return { backend: 'directory', ...paths };
  const within = (path: BytePath): BytePath => {
    const real = withoutLinks(path);
    const own = mountOf(mounts, real);
    if (own?.device === mount.device) return pathInFilesystem(own, real).slice(1) as BytePath;
    throw new RootsError('usage', `${printable(path)} is not on the filesystem of the archive ${printable(paths.archive)}`);
  };
  return {
    backend: 'btrfs',
    device: toText(mount.source),
    live: paths.live === null ? null : within(paths.live),
    blank: paths.blank === null ? null : within(paths.blank),
    archive: within(paths.archive),
  };
}

/** Errors: `not-found` if it leads nowhere. */
function withoutLinks(path: BytePath): BytePath {
  try {
    return fromBytes(realpathSync(toBytes(path), { encoding: 'buffer' }));
  } catch (error) {
    throw new RootsError('not-found', `${printable(path)} cannot be reached: ${errnoOf(error) ?? messageOf(error)}`, {
      hint: 'check the configuration',
      cause: error,
    });
  }
}
