/**
 * Old roots as btrfs subvolumes in a directory of the top level. The contract is in ../backend.ts.
 */
import { lstatSync, readdirSync, statfsSync } from 'node:fs';
import { baseName, fromText, joinPath, printable, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError, messageOf } from '../../errors.ts';
import type { HeldDirectory } from '../../system/beneath.ts';
import { lockDirectory } from '../../system/lock.ts';
import { readAllMountTables, readMountTable, type Mount } from '../../system/mounts.ts';
import { until } from '../../system/patience.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import { appendLogLines, readLogLines } from '../archive-log.ts';
import { STATE_FOLDER, generationOf, pinOf, readPins, warningsOf, writePin } from '../archive-state.ts';
import type {
  ArchivedTree,
  Backend,
  Capabilities,
  Departure,
  Leftover,
  Listing,
  Location,
  Lock,
  LockMode,
  Narrowing,
  Pin,
  Services,
  Size,
  Space,
  TrashedTree,
  TreeRef,
} from '../backend.ts';
import { specialPath } from '../location.ts';
import { discardTrees, formerNameOf, renameTree, type Premises } from '../set-aside.ts';
import {
  isLive,
  mountPointOf,
  mountPointsOf,
  nestedRootOf,
  openArchive,
  pathOfEntry,
  requireSameArchive,
  treeAtRoot,
  withoutTrashed,
} from '../subvolume-archive.ts';
import { finishRemovals, leftovers, removeTrees, type Departing } from '../subvolume-departures.ts';
import { departingFrom } from './departures.ts';
import { refuseReadOnly } from './filesystem.ts';
import { parseDiskUsage } from './parse.ts';
import { TELLING, premisesOf, type Site } from './premises.ts';
import { narrowBySend } from './narrow.ts';
import { quotaSizes } from './quota.ts';
import { sweepScratch } from './scratch.ts';
import { takeSnapshot } from './snapshot.ts';
import { makeStateFolder } from './state-folder.ts';
import { identify, isSubvolume, isClean, type Identity } from './subvolumes.ts';

export type BtrfsLocation = Extract<Location, { backend: 'btrfs' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: true,
  creationTime: true,
  stableIdentity: true,
  nestedTrees: true,
  exclusiveSize: true,
  snapshots: true,
  // One program takes some 20 ms for as many.
  atOnce: 200,
  limitPerRun: null,
  freesLater: true,
  narrowing: { engine: 'btrfs-send', isFaster: true },
};

/** Where a backend keeps its own: always the top level, whatever the default subvolume is. */
export const TOP_LEVEL = ['subvolid=5'];

export async function openBtrfs(location: BtrfsLocation, services: Services): Promise<Backend> {
  if (services.privateMounts.access === 'write') refuseReadOnly(location.device);
  const top = await services.privateMounts.mount(location.device, 'btrfs', TOP_LEVEL);
  const { held, archiveKey } = openArchive(top, location);
  return new BtrfsBackend(location, services, top, held, archiveKey);
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
  readonly #site: Site;
  readonly #premises: Premises;
  readonly #departing: Departing<number>;
  /** Subvolume ids by UUID, as of the last `list`. */
  #ids = new Map<string, number>();
  #lock: Lock | undefined;

  constructor(location: BtrfsLocation, services: Services, top: PrivateMount, held: HeldDirectory, archiveKey: string) {
    this.location = location;
    this.place = `btrfs on ${printable(fromText(location.device))}, archive ${printable(location.archive)}`;
    this.archiveKey = archiveKey;
    this.#services = services;
    this.#top = top;
    this.#archive = held.path;
    const mounts = readMountTable();
    this.liveMountPoint = location.live === null ? null : mountPointOf(mounts, top.device, location.live);
    this.#site = {
      run: services.run,
      top,
      location,
      held,
      mountedAtRoot: treeAtRoot(mounts, top.device),
      idOf: (tree) => this.#ids.get(tree.id),
    };
    this.#premises = premisesOf(this.#site);
    this.#departing = departingFrom(this.#site, this.#premises);
  }

  async list(): Promise<Listing> {
    const onTheirWay = new Set(leftovers(this.#site, TELLING));
    const names = (readdirSync(toBytes(this.#archive), { encoding: 'latin1' }) as BytePath[]).filter(
      (name) => name !== STATE_FOLDER && !onTheirWay.has(name),
    );
    const others = names.flatMap((name) => {
      const why = TELLING.whyNoTree(joinPath(this.#archive, name));
      return why === null ? [] : [{ name, why }];
    });
    const strange = new Set(others.map(({ name }) => name));
    const paths = names.filter((name) => !strange.has(name)).map((name) => pathOfEntry(this.#site, name));
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
        timeName: formerNameOf({ name: baseName(path) }),
        why: 'a subvolume of which `btrfs subvolume show` prints what is not understood',
      })),
    );
    return { ...withoutTrashed(trees), others, warnings: warningsOf(pins, onTheirWay.size) };
  }

  #describe(path: BytePath, identity: Identity, mounts: readonly Mount[], pin: Pin | null): ArchivedTree {
    return {
      name: baseName(path),
      timeName: formerNameOf({ name: baseName(path) }),
      id: identity.uuid,
      createdAt: identity.createdAt,
      readOnly: identity.readOnly,
      isSnapshot: false,
      mountPoints: mountPointsOf(this.#site, path, mounts),
      isLive: isLive(this.#site, path),
      holdsRoot: nestedRootOf(this.#site, TELLING, baseName(path)),
      heldBy: [],
      pin,
    };
  }

  async pathOf(tree: TreeRef): Promise<BytePath> {
    const path = this.#placeOf(tree);
    const absolute = joinPath(this.#top.path, path);
    if (lstatSync(toBytes(absolute), { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new RootsError('not-found', `there is no \`${printable(path)}\` on ${this.location.device}`);
    }
    return Promise.resolve(absolute);
  }

  async narrow(from: TreeRef, to: TreeRef): Promise<Narrowing> {
    return narrowBySend(this.#site, () => this.#mountToWrite(), [this.#placeOf(from), this.#placeOf(to)], this.#services.signal);
  }

  async tidy(): Promise<readonly string[]> {
    return sweepScratch(this.#site, () => this.#mountToWrite(), this.#services.signal);
  }

  /** Apart from the one that is read, which stays read-only. Errors: `failed` where the filesystem is. */
  async #mountToWrite(): Promise<PrivateMount> {
    refuseReadOnly(this.location.device);
    return this.#services.privateMounts.mount(this.location.device, 'btrfs', TOP_LEVEL, { access: 'write' });
  }

  #placeOf(tree: TreeRef): BytePath {
    return typeof tree === 'string' ? specialPath(this.location, tree) : joinPath(this.location.archive, tree.name);
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

  async generation(): Promise<string> {
    requireSameArchive(this.#site);
    return generationOf(this.#archive);
  }

  async discard(trees: readonly ArchivedTree[], at: Date): Promise<readonly Departure[]> {
    return discardTrees(this.#premises, trees, at);
  }

  async undelete(tree: TrashedTree): Promise<void> {
    await renameTree(this.#premises, tree, tree.formerName);
  }

  async remove(trees: readonly ArchivedTree[]): Promise<readonly Departure[]> {
    return removeTrees(this.#departing, trees);
  }

  async sweep(wasToGo: (id: string) => boolean): Promise<readonly Leftover[]> {
    await this.tidy();
    return finishRemovals(this.#departing, wasToGo);
  }

  async rename(tree: ArchivedTree, name: BytePath): Promise<void> {
    await renameTree(this.#premises, tree, name);
  }

  snapshotName(slot: string): BytePath {
    return fromText(slot);
  }

  async snapshot(name: BytePath): Promise<readonly BytePath[]> {
    return takeSnapshot(this.#site, specialPath(this.location, 'live'), name);
  }

  async space(): Promise<Space> {
    const { bavail, blocks, bsize } = statfsSync(toBytes(this.#archive));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  /** The cleaner runs after a commit, and what it frees can be had after the next. */
  async settle(patience: number): Promise<boolean> {
    await this.flush();
    if (!(await until(() => isClean(this.#top), { patience, signal: this.#services.signal }))) return false;
    await this.flush();
    return true;
  }

  async readLog(): Promise<readonly string[]> {
    return readLogLines(this.#archive);
  }

  async appendLog(lines: readonly string[]): Promise<void> {
    await makeStateFolder(this.#top, this.#site);
    try {
      appendLogLines(this.#archive, lines);
    } catch (error) {
      throw new RootsError('failed', `the log in the archive cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  async flush(): Promise<void> {
    const result = await this.#top.runInside('btrfs', ['filesystem', 'sync', { path: this.#top.pathInside }]);
    if (result.status !== 0) throw new RootsError('failed', `the filesystem cannot be synchronised: ${result.stderr}`);
  }

  async setPin(tree: ArchivedTree, pin: Pin | null): Promise<void> {
    await makeStateFolder(this.#top, this.#site);
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
    this.#site.held.close();
  }
}
