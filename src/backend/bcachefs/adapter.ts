/**
 * Old roots as bcachefs subvolumes in a directory of the top level. The contract is in ../backend.ts.
 */
import { lstatSync, statfsSync } from 'node:fs';
import { fromText, joinPath, printable, printableText, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError, messageOf } from '../../errors.ts';
import type { HeldDirectory } from '../../system/beneath.ts';
import { readNames } from '../../system/names.ts';
import { lockDirectory } from '../../system/lock.ts';
import { readAllMountTables, readMountTable, type Mount } from '../../system/mounts.ts';
import { until } from '../../system/patience.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import { appendLogLines, readLogLines } from '../archive-log.ts';
import { STATE_FOLDER, generationOf, makeStateFolder, pinOf, readPins, warningsOf, writePin } from '../archive-state.ts';
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
import { diskUsage } from '../disk-usage.ts';
import { specialPath } from '../location.ts';
import { discardTrees, formerNameOf, renameTree, type Premises } from '../set-aside.ts';
import {
  isLive,
  isTrustedWay,
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
import { departingFrom, idOf } from './departures.ts';
import { mountTopLevel, type TopLevel } from './filesystem.ts';
import { premisesOf, type Site } from './premises.ts';
import { readOnlyAmong } from './read-only.ts';
import { HOW_TO_TRUST, UNTRUSTED } from './remove.ts';
import { takeSnapshot } from './snapshot.ts';
import { readSnapshotTimes, snapshotTimeOf } from './snapshot-times.ts';
import { TELLING, identify, identityOf, type Identity } from './subvolumes.ts';

export type BcachefsLocation = Extract<Location, { backend: 'bcachefs' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: true,
  creationTime: false,
  stableIdentity: true,
  nestedTrees: true,
  exclusiveSize: false,
  snapshots: true,
  atOnce: 1,
  // Many at once have made filesystems hang (reports of 2025 and 2026).
  limitPerRun: 10,
  freesLater: true,
  narrowing: null,
};

/** Milliseconds in which no space has come back: nothing else tells that all has (Linux 6.12). Between two steps of the kernel's own up to 5 s were seen. */
const STILL = 15_000;

export async function openBcachefs(location: BcachefsLocation, services: Services): Promise<Backend> {
  const topLevel = await mountTopLevel(services, location.device);
  const { held, archiveKey } = openArchive(topLevel.top, location);
  // An archive within a subvolume has the same device and inode in a snapshot of that.
  const subvolume = identityOf(held)?.subvolume ?? 0;
  return new BcachefsBackend(location, services, topLevel, held, `${archiveKey}:${String(subvolume)}`);
}

class BcachefsBackend implements Backend {
  readonly name = 'bcachefs';
  readonly capabilities = CAPABILITIES;
  readonly place: string;
  readonly location: BcachefsLocation;
  readonly liveMountPoint: BytePath | null;
  readonly archiveKey: string;
  readonly #services: Services;
  readonly #top: PrivateMount;
  /** On a filesystem that is read-only as a whole, every subvolume looks so. */
  readonly #canProbe: boolean;
  readonly #archive: BytePath;
  readonly #site: Site;
  readonly #premises: Premises;
  readonly #departing: Departing<Identity>;
  /** By id, as of the last `list`. */
  #listed = new Map<string, Identity>();
  #lock: Lock | undefined;
  /** Bytes that were free before the first removal since it was settled; -1 without one. */
  #freeBefore = -1;

  constructor(location: BcachefsLocation, services: Services, { top, superblock }: TopLevel, held: HeldDirectory, archiveKey: string) {
    this.location = location;
    this.place = `bcachefs on ${printable(fromText(location.device))}, archive ${printable(location.archive)}`;
    this.archiveKey = archiveKey;
    this.#services = services;
    this.#top = top;
    this.#canProbe = superblock === 'write';
    this.#archive = held.path;
    const mounts = readMountTable();
    this.liveMountPoint = location.live === null ? null : mountPointOf(mounts, top.device, location.live);
    this.#site = {
      run: services.run,
      top,
      location,
      held,
      mountedAtRoot: treeAtRoot(mounts, top.device),
      listedAs: (tree) => this.#listed.get(tree.id),
    };
    this.#premises = premisesOf(this.#site);
    this.#departing = departingFrom(this.#site, this.#premises);
  }

  async list(): Promise<Listing> {
    const onTheirWay = new Set(leftovers(this.#site, TELLING));
    const names = this.#names().filter((name) => name !== STATE_FOLDER && !onTheirWay.has(name));
    const others: Listing['others'][number][] = [];
    const found = new Map<BytePath, Identity>();
    const identities = identify(names.map((name) => joinPath(this.#archive, name)));
    for (const [at, name] of names.entries()) {
      const [why, identity] = [TELLING.whyNoTree(joinPath(this.#archive, name)), identities[at] ?? null];
      if (why !== null || identity === null) others.push({ name, why: why ?? 'it has changed just now' });
      else found.set(name, identity);
    }
    this.#listed = new Map([...found.values()].map((identity) => [idOf(identity), identity]));
    const [readOnly, table] = await Promise.all([
      readOnlyAmong(this.#site, this.#services.privateMounts.access, this.#canProbe ? [...found.keys()] : []),
      readAllMountTables(this.#services.run),
    ]);
    const pins = readPins(this.#archive);
    const times = readSnapshotTimes(this.#archive);
    const trees = [...found].map(([name, identity]) => {
      const takenAt = readOnly.get(name) === false ? null : snapshotTimeOf(times, identity);
      return this.#describe(name, identity, table.mounts, {
        createdAt: takenAt,
        isSnapshot: takenAt !== null,
        readOnly: readOnly.get(name) ?? takenAt !== null,
        pin: pinOf(pins, idOf(identity)),
      });
    });
    const warnings = [
      ...warningsOf(pins, onTheirWay.size),
      ...(times.unreadable === null ? [] : [`${times.unreadable}: no snapshot has a time, and none is rotated`]),
    ];
    return { ...withoutTrashed(trees), others, warnings };
  }

  #names(): BytePath[] {
    return readNames(joinPath(this.#archive, fromText('.')));
  }

  #describe(
    name: BytePath,
    identity: Identity,
    mounts: readonly Mount[],
    known: Pick<ArchivedTree, 'createdAt' | 'isSnapshot' | 'readOnly' | 'pin'>,
  ): ArchivedTree {
    const path = pathOfEntry(this.#site, name);
    return {
      name,
      timeName: formerNameOf({ name }),
      id: idOf(identity),
      mountPoints: mountPointsOf(this.#site, path, mounts),
      isLive: isLive(this.#site, path),
      holdsRoot: nestedRootOf(this.#site, TELLING, name),
      heldBy: [],
      ...known,
    };
  }

  async pathOf(tree: TreeRef): Promise<BytePath> {
    const path = typeof tree === 'string' ? specialPath(this.location, tree) : pathOfEntry(this.#site, tree.name);
    const absolute = joinPath(this.#top.path, path);
    if (lstatSync(toBytes(absolute), { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new RootsError('not-found', `there is no \`${printable(path)}\` on ${this.location.device}`);
    }
    return absolute;
  }

  async narrow(): Promise<Narrowing> {
    return Promise.resolve({ why: 'bcachefs cannot tell what differs' });
  }

  async tidy(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  knownSizes(): ReadonlyMap<string, Size> {
    return new Map();
  }

  async measure(trees: readonly ArchivedTree[]): Promise<ReadonlyMap<string, Size>> {
    const paths = trees.map((tree) => joinPath(this.#archive, tree.name));
    const sizes = await diskUsage(this.#services.run, paths, this.#services.signal);
    return new Map(trees.map((tree, at) => [tree.id, { sizeBytes: sizes[at] ?? null, exclusiveBytes: null }]));
  }

  /** With the names: a directory has no size there, and two changes may come within one tick of the kernel's clock. */
  async generation(): Promise<string> {
    requireSameArchive(this.#site);
    return [generationOf(this.#archive), ...this.#names()].join('/');
  }

  async discard(trees: readonly ArchivedTree[], at: Date): Promise<readonly Departure[]> {
    return discardTrees(this.#premises, trees, at);
  }

  async undelete(tree: TrashedTree): Promise<void> {
    await renameTree(this.#premises, tree, tree.formerName);
  }

  async remove(trees: readonly ArchivedTree[]): Promise<readonly Departure[]> {
    if (this.#freeBefore < 0) this.#freeBefore = (await this.space()).freeBytes;
    return removeTrees(this.#departing, trees);
  }

  async sweep(wasToGo: (id: string) => boolean): Promise<readonly Leftover[]> {
    return finishRemovals(this.#departing, wasToGo);
  }

  async rename(tree: ArchivedTree, name: BytePath): Promise<void> {
    await renameTree(this.#premises, tree, name);
  }

  snapshotName(slot: string): BytePath {
    return fromText(slot);
  }

  async snapshot(name: BytePath): Promise<readonly BytePath[]> {
    return takeSnapshot(this.#site, this.#premises, specialPath(this.location, 'live'), name);
  }

  async space(): Promise<Space> {
    const { bavail, blocks, bsize } = statfsSync(toBytes(this.#archive));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  /** What does not bring anything back may still be open somewhere; nothing tells. So that is not called settled. */
  async settle(patience: number): Promise<boolean> {
    await this.flush();
    let most = 0;
    let since = performance.now();
    const isStill = async (): Promise<boolean> => {
      const { freeBytes } = await this.space();
      if (freeBytes > most) [most, since] = [freeBytes, performance.now()];
      return most > this.#freeBefore && performance.now() - since >= STILL;
    };
    const settled = await until(isStill, { patience, signal: this.#services.signal });
    if (settled) this.#freeBefore = -1;
    return settled;
  }

  async readLog(): Promise<readonly string[]> {
    return readLogLines(this.#archive);
  }

  async appendLog(lines: readonly string[]): Promise<void> {
    try {
      makeStateFolder(this.#archive);
      appendLogLines(this.#archive, lines);
    } catch (error) {
      if (error instanceof RootsError) throw error;
      throw new RootsError('failed', `the log in the archive cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  async flush(): Promise<void> {
    const result = await this.#services.run('sync', ['-f', '--', { path: this.#archive }]);
    if (result.status !== 0) throw new RootsError('failed', `the filesystem cannot be synchronised: ${printableText(result.stderr)}`);
  }

  async setPin(tree: ArchivedTree, pin: Pin | null): Promise<void> {
    makeStateFolder(this.#archive);
    writePin(this.#archive, tree, pin);
  }

  async lock(mode: LockMode): Promise<Lock> {
    const archive = `the archive ${printable(this.location.archive)} on ${this.location.device}`;
    if (mode === 'exclusive' && !isTrustedWay(this.#site))
      throw new RootsError('not-permitted', `${archive} is not changed: ${UNTRUSTED}`, { hint: HOW_TO_TRUST });
    const keeper = await lockDirectory(this.#archive, mode, this.#top.device, archive);
    this.#lock = { release: () => keeper.close() };
    return this.#lock;
  }

  async close(): Promise<void> {
    await this.#lock?.release();
    this.#site.held.close();
  }
}
