/**
 * Recognising the layouts of the field on the mounted filesystems of one kind. Only on those: a filesystem that is not mounted may be that of a
 * hibernated system, and mounting it would damage it.
 */
import { fromText, joinPath, printable, printableText, toText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { isSystemMount, type Mount } from '../system/mounts.ts';
import { readMachineMountTable } from '../system/plain-mount.ts';
import type { PrivateMount } from '../system/private-mount.ts';
import type { Detected } from './backend.ts';
import { KNOWN_ARCHIVES, KNOWN_BLANKS, KNOWN_LIVE, MOUNT_POINT_OF, type KnownArchive } from './layouts.ts';
import { realDirectory, type Telling } from './subvolume-archive.ts';

export interface Kind extends Pick<Telling, 'isSubvolume'> {
  readonly type: 'btrfs' | 'bcachefs';
  readonly mountTopLevel: (mount: Mount) => Promise<PrivateMount>;
}

export interface SubvolumeDetection {
  readonly found: readonly Detected[];
  /** Why filesystems were not looked at, for people. */
  readonly notLookedAt: readonly string[];
}

export async function detectSubvolumes(kind: Kind): Promise<SubvolumeDetection> {
  const mounts = readMachineMountTable().filter((mount) => mount.type === kind.type);
  const found: Detected[] = [];
  const notLookedAt: string[] = [];
  for (const [device, mount] of filesystemsOf(mounts)) {
    const here = mounts.filter((each) => each.device === device);
    if (!here.some(isSystemMount)) continue;
    try {
      const top = await kind.mountTopLevel(mount);
      found.push(...archivesOn(top).map((archive) => describe(kind, top, mount, here, archive)));
    } catch (error) {
      if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
      notLookedAt.push(error.message);
    }
  }
  return { found, notLookedAt };
}

/** A mount of each, by device. The filesystem of `/` comes first, so that its target gets the plain name. */
function filesystemsOf(mounts: readonly Mount[]): Map<string, Mount> {
  const ordered = [...mounts].sort((a, b) => Number(b.mountPoint === '/') - Number(a.mountPoint === '/'));
  const filesystems = new Map<string, Mount>();
  for (const mount of ordered) if (!filesystems.has(mount.device)) filesystems.set(mount.device, mount);
  return filesystems;
}

function archivesOn(top: PrivateMount): KnownArchive[] {
  return KNOWN_ARCHIVES.filter(({ path }) => realDirectory(top.path, path) !== null);
}

function describe(kind: Kind, top: PrivateMount, mount: Mount, mounts: readonly Mount[], archive: KnownArchive): Detected {
  const device = toText(mount.source);
  const blank = findBlank(kind, top, archive);
  const live = findLive(kind, top, mounts, archive);
  const named = (word: string, path: BytePath | null): string => (path === null ? `no ${word} found` : `${word} ${printable(path)}`);
  return {
    suggestedName: archive.target,
    location: { backend: kind.type, device, live, blank, archive: archive.path },
    assumed: [`${kind.type} on ${printableText(device)}`, named('live root', live), named('blank', blank), named('archive', archive.path)],
  };
}

function findBlank({ isSubvolume }: Kind, top: PrivateMount, { target }: KnownArchive): BytePath | null {
  return only(KNOWN_BLANKS[target].map(fromText).filter((path) => isSubvolume(joinPath(top.path, path))));
}

/** What is mounted where the target belongs; else the one subvolume that has a usual name. */
function findLive({ isSubvolume }: Kind, top: PrivateMount, mounts: readonly Mount[], { target }: KnownArchive): BytePath | null {
  const mounted = mounts.find((mount) => mount.mountPoint === MOUNT_POINT_OF[target] && mount.root !== '/');
  if (mounted !== undefined) return mounted.root.slice(1) as BytePath;
  return only(KNOWN_LIVE[target].map(fromText).filter((path) => isSubvolume(joinPath(top.path, path))));
}

/** Two candidates are none: which is meant is not for us to guess. */
function only(candidates: readonly BytePath[]): BytePath | null {
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}
