/**
 * The one place that knows all backends: recognising what is there, and opening it. A new filesystem is added here and in `Location`.
 */
import { readMountTable } from '../system/mounts.ts';
import type { Backend, BackendName, Capabilities, Detected, Location, Services } from './backend.ts';
import { CAPABILITIES as BCACHEFS, openBcachefs } from './bcachefs/adapter.ts';
import { detectBcachefs } from './bcachefs/detect.ts';
import { CAPABILITIES as BTRFS, openBtrfs } from './btrfs/adapter.ts';
import { detectBtrfs } from './btrfs/detect.ts';
import { CAPABILITIES as DIRECTORY, openDirectory } from './directory/adapter.ts';
import { detectDirectories } from './directory/detect.ts';
import { CAPABILITIES as ZFS, openZfs } from './zfs/adapter.ts';
import { detectZfs } from './zfs/detect.ts';

export interface Detection {
  readonly found: readonly Detected[];
  /** Why filesystems that are here were not looked at, for people. */
  readonly notLookedAt: readonly string[];
}

/** What only root can look into, by type of filesystem: it takes private mounts. */
const BY_MOUNTING = { btrfs: detectBtrfs, bcachefs: detectBcachefs } as const;

/** Looks at every filesystem that is mounted. `privileged`: whether private mounts can be had. */
export async function detect(services: Services, options: { readonly nameZone: string; readonly privileged: boolean }): Promise<Detection> {
  const types = new Set(readMountTable().map((mount) => mount.type));
  const detections: Detection[] = [];
  for (const [type, look] of Object.entries(BY_MOUNTING)) {
    if (!types.has(type)) continue;
    const notLookedAt = [`${type} can only be looked at by root (sudo)`];
    detections.push(options.privileged ? await look(services) : { found: [], notLookedAt });
  }
  if (types.has('zfs')) detections.push(await detectZfs(services));
  detections.push({ found: detectDirectories(options.nameZone), notLookedAt: [] });
  return { found: detections.flatMap(({ found }) => found), notLookedAt: detections.flatMap(({ notLookedAt }) => notLookedAt) };
}

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
