/**
 * Old roots as btrfs subvolumes in a directory of the top level. The contract is in ../backend.ts.
 */
import { lstatSync, readdirSync, statfsSync } from 'node:fs';
import { baseName, fromText, isWithin, joinPath, printable, toBytes, toText, type BytePath } from '../../byte-path.ts';
import { RootsError, errnoOf } from '../../errors.ts';
import { lockDirectory } from '../../system/lock.ts';
import { mountsShowing, readAllMountTables, readMountTable, type Mount } from '../../system/mounts.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import { STATE_FOLDER, hasStateFolder, pinOf, readPins, writePin } from '../archive-state.ts';
import type {
  ArchivedTree,
  Backend,
  Capabilities,
  Listing,
  Location,
  Lock,
  LockMode,
  Pin,
  RemoveReport,
  Services,
  Size,
  TreeRef,
} from '../backend.ts';
import { looksLikeRoot, nestedRootNames } from '../layouts.ts';
import { specialPath } from '../location.ts';
import { refuseReadOnly } from './filesystem.ts';
import { parseDiskUsage } from './parse.ts';
import { quotaSizes } from './quota.ts';
import { removeSubvolume } from './remove.ts';
import { BTRFS_MAGIC, identify, identifyOne, isSubvolume, realDirectory, type Identity } from './subvolumes.ts';

export type BtrfsLocation = Extract<Location, { backend: 'btrfs' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: true,
  creationTime: true,
  stableIdentity: true,
  nestedTrees: true,
  exclusiveSize: true,
};

/** Where a backend keeps its own: always the top level, whatever the default subvolume is. */
export const TOP_LEVEL = ['subvolid=5'];

export async function openBtrfs(location: BtrfsLocation, services: Services): Promise<Backend> {
  if (services.privateMounts.access === 'write') refuseReadOnly(location.device);
  const top = await services.privateMounts.mount(location.device, 'btrfs', TOP_LEVEL);
  const stats = realDirectory(top.path, location.archive);
  if (stats === null) {
    throw new RootsError('not-found', `there is no archive \`${printable(location.archive)}\` on ${location.device}`, {
      hint: 'check `archive` in the configuration',
    });
  }
  return new BtrfsBackend(location, services, top, `${String(stats.dev)}:${String(stats.ino)}`);
}

class BtrfsBackend implements Backend {
  readonly name = 'btrfs';
  readonly capabilities = CAPABILITIES;
  readonly place: string;
  readonly location: BtrfsLocation;
  readonly liveMountPoint: BytePath | null;
  readonly archiveKey: string;
  readonly #services: Services;
  readonly #top: PrivateMount;
  readonly #archive: BytePath;
  /** What the system runs from, whatever is configured: a boot script that ran too late has moved it into the archive. */
  readonly #mountedAtRoot: BytePath | null;
  /** Subvolume ids by UUID, as of the last `list`. */
  #ids = new Map<string, number>();
  #lock: Lock | undefined;

  constructor(location: BtrfsLocation, services: Services, top: PrivateMount, archiveKey: string) {
    this.location = location;
    this.place = `btrfs on ${printable(fromText(location.device))}, archive ${printable(location.archive)}`;
    this.archiveKey = archiveKey;
    this.#services = services;
    this.#top = top;
    this.#archive = joinPath(top.path, location.archive);
    const mounts = readMountTable();
    this.liveMountPoint = location.live === null ? null : mountPointOf(mounts, top.device, location.live);
    this.#mountedAtRoot = (mounts.findLast((mount) => mount.mountPoint === '/' && mount.device === top.device)?.root.slice(1) ??
      null) as BytePath | null;
  }

  async list(): Promise<Listing> {
    const names = readdirSync(toBytes(this.#archive), { encoding: 'latin1' })
      .map((name) => name as BytePath)
      .filter((name) => name !== STATE_FOLDER);
    const others = names.flatMap((name) => {
      const why = whyNoTree(joinPath(this.#archive, name));
      return why === null ? [] : [{ name, why }];
    });
    const strange = new Set(others.map(({ name }) => name));
    const paths = names.filter((name) => !strange.has(name)).map((name) => joinPath(this.location.archive, name));
    const [identities, table] = await Promise.all([identify(this.#top, this.location, paths), readAllMountTables(this.#services.run)]);
    this.#ids = new Map([...identities.values()].map((identity) => [identity.uuid, identity.id]));
    const pins = readPins(this.#archive);
    const trees = paths.flatMap((path) => {
      const identity = identities.get(path);
      return identity === undefined ? [] : [this.#describe(path, identity, table.mounts, pinOf(pins, identity.uuid))];
    });
    const unknown = paths.filter((path) => !identities.has(path) && isSubvolume(joinPath(this.#top.path, path)));
    others.push(
      ...unknown.map((path) => ({
        name: baseName(path),
        why: 'a subvolume of which `btrfs subvolume show` prints what is not understood',
      })),
    );
    return { trees, others, warnings: pins.unreadable === null ? [] : [`${pins.unreadable}: every old root counts as pinned`] };
  }

  #describe(path: BytePath, identity: Identity, mounts: readonly Mount[], pin: Pin | null): ArchivedTree {
    return {
      name: baseName(path),
      id: identity.uuid,
      createdAt: identity.createdAt,
      readOnly: identity.readOnly,
      mountPoints: this.#mountPoints(path, mounts),
      isLive: [this.location.live, this.#mountedAtRoot].some((live) => live !== null && isWithin(live, path)),
      holdsRoot: this.#nestedRoot(path),
      pin,
    };
  }

  #mountPoints(path: BytePath, mounts: readonly Mount[]): BytePath[] {
    return [...new Set(mountsShowing(mounts, this.#top.device, joinPath(fromText('/'), path)).map((mount) => mount.mountPoint))];
  }

  /** `mv root old_roots/TIME`, where TIME exists already, makes old_roots/TIME/root. */
  #nestedRoot(path: BytePath): BytePath | null {
    const own = this.location.live === null ? null : baseName(this.location.live);
    return (
      nestedRootNames(this.location.live).find((name) => {
        const nested = joinPath(this.#top.path, path, name);
        // Some systems make /root a subvolume: what has not the name of the live root must look like a root.
        return isSubvolume(nested) && (name === own || looksLikeRoot(nested));
      }) ?? null
    );
  }

  async pathOf(tree: TreeRef): Promise<BytePath> {
    const path = typeof tree === 'string' ? specialPath(this.location, tree) : joinPath(this.location.archive, tree.name);
    const absolute = joinPath(this.#top.path, path);
    if (lstatSync(toBytes(absolute), { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new RootsError('not-found', `there is no \`${printable(path)}\` on ${this.location.device}`);
    }
    return Promise.resolve(absolute);
  }

  knownSizes(trees: readonly ArchivedTree[]): ReadonlyMap<string, Size> {
    const ids = new Map(trees.map((tree) => [this.#ids.get(tree.id) ?? 0, tree.id]));
    const sizes = quotaSizes(this.location.device, [...ids.keys()]);
    return new Map([...sizes].map(([id, size]) => [ids.get(id) ?? '', size]));
  }

  async measure(trees: readonly ArchivedTree[]): Promise<ReadonlyMap<string, Size>> {
    if (trees.length === 0) return new Map();
    const paths = trees.map((tree) => ({ path: joinPath(this.#top.pathInside, this.location.archive, tree.name) }));
    const result = await this.#top.runInside('btrfs', ['filesystem', 'du', '-s', '--raw', '--', ...paths], {
      signal: this.#services.signal,
    });
    if (result.status !== 0) throw new RootsError('failed', `sizes cannot be measured: ${result.stderr}`);
    const sizes = parseDiskUsage(result.stdout, trees.length);
    return new Map(
      trees.map((tree, at) => [tree.id, { sizeBytes: sizes[at]?.total ?? null, exclusiveBytes: sizes[at]?.exclusive ?? null }]),
    );
  }

  async remove(tree: ArchivedTree): Promise<RemoveReport> {
    const path = joinPath(this.location.archive, tree.name);
    const { id } = await this.#positively(tree, path);
    return removeSubvolume(this.#services.run, this.#top, { id, path }, async (nested) => {
      await this.#refuseInUse(tree, path, nested);
    });
  }

  /** The subvolume that is there now under this name, if it is what `tree` said. */
  async #positively(tree: ArchivedTree, path: BytePath): Promise<Identity> {
    const name = printable(tree.name);
    if (tree.name.includes('/') || tree.name === '..' || tree.name === '.' || tree.name === STATE_FOLDER)
      throw changed(name, 'this is no name of an old root');
    const why = whyNoTree(joinPath(this.#top.path, path));
    if (why !== null) throw changed(name, why);
    const now = await identifyOne(this.#top, path);
    if (now.uuid !== tree.id) throw changed(name, `another subvolume has this name now (${now.uuid})`);
    const { live, blank } = this.location;
    for (const [word, other] of [
      ['live root', live],
      ['running root', this.#mountedAtRoot],
      ['blank', blank],
    ] as const) {
      if (other !== null && isWithin(other, path)) throw changed(name, `it is or holds the ${word}`);
    }
    const pin = pinOf(readPins(this.#archive), now.uuid);
    if (pin !== null) throw changed(name, `it is pinned${pin.note === '' ? '' : ` (${pin.note})`}`);
    const nested = this.#nestedRoot(path);
    if (nested !== null) throw changed(name, `it holds another old root at \`${printable(nested)}\``);
    return now;
  }

  /** The kernel deletes a mounted subvolume without a word (Linux 6.12, 6.18), so this is asked last, right before. */
  async #refuseInUse(tree: ArchivedTree, path: BytePath, nested: readonly BytePath[]): Promise<void> {
    const { mounts, incomplete } = await readAllMountTables(this.#services.run);
    if (incomplete !== null) throw changed(printable(tree.name), `it may be mounted: ${incomplete}`);
    const used = [path, ...nested].flatMap((each) => this.#mountPoints(each, mounts))[0];
    if (used !== undefined) throw changed(printable(tree.name), `it is mounted at ${printable(used)}`);
  }

  /** A subvolume whose removal was cut short is still in the archive, and listed. */
  async sweep(): Promise<void> {
    return Promise.resolve();
  }

  async flush(): Promise<void> {
    const result = await this.#top.runInside('btrfs', ['filesystem', 'sync', { path: this.#top.pathInside }]);
    if (result.status !== 0) throw new RootsError('failed', `the filesystem cannot be synchronised: ${result.stderr}`);
  }

  async setPin(tree: ArchivedTree, pin: Pin | null): Promise<void> {
    if (!hasStateFolder(this.#archive)) {
      const path = joinPath(this.#top.pathInside, this.location.archive, STATE_FOLDER);
      const result = await this.#top.runInside('btrfs', ['subvolume', 'create', { path }]);
      if (result.status !== 0)
        throw new RootsError('failed', `the folder ${toText(STATE_FOLDER)} cannot be made in the archive: ${result.stderr}`);
    }
    writePin(this.#archive, tree, pin);
  }

  async lock(mode: LockMode): Promise<Lock> {
    const keeper = await lockDirectory(
      this.#archive,
      mode,
      this.#top.device,
      `the archive ${printable(this.location.archive)} on ${this.location.device}`,
    );
    this.#lock = { release: () => keeper.close() };
    return this.#lock;
  }

  async close(): Promise<void> {
    await this.#lock?.release();
  }
}

/** Where exactly this tree is mounted for us: `/` if it is there, else the first. */
function mountPointOf(mounts: readonly Mount[], device: string, path: BytePath): BytePath | null {
  const root = joinPath(fromText('/'), path);
  const points = mounts.filter((mount) => mount.device === device && mount.root === root).map((mount) => mount.mountPoint);
  return points.find((point) => point === '/') ?? points[0] ?? null;
}

/** Inode 256 alone is not enough: other filesystems have such an inode too. */
function whyNoTree(path: BytePath): string | null {
  const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
  if (stats === undefined) return 'it does not exist';
  if (stats.isSymbolicLink()) return 'a symbolic link, not a subvolume';
  if (!stats.isDirectory()) return 'a file, not a subvolume';
  if (stats.ino !== 256) return 'a plain directory, not a subvolume';
  return filesystemType(path) === BTRFS_MAGIC ? null : 'on another filesystem';
}

function filesystemType(path: BytePath): number | undefined {
  try {
    return statfsSync(toBytes(path)).type;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function changed(name: string, why: string): RootsError {
  return new RootsError('failed', `${name} is not removed: ${why}`);
}
