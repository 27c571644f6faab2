/**
 * Old roots as datasets below an archive and as snapshots of the live root. The contract is in ../backend.ts.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { fromText, joinPath, printable, printableText, toBytes, toText, type BytePath } from '../../byte-path.ts';
import { RootsError, messageOf } from '../../errors.ts';
import { lockDirectory } from '../../system/lock.ts';
import { readAllMountTables, readMountTable, type Mount } from '../../system/mounts.ts';
import { until } from '../../system/patience.ts';
import { appendLogLines, readLogLines } from '../archive-log.ts';
import { STATE_FOLDER, hasStateFolder, warningsOf } from '../archive-state.ts';
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
import { parseEntryName } from '../entry-name.ts';
import { specialPath } from '../location.ts';
import { discardTrees, formerNameOf, renameTree, type Premises } from '../set-aside.ts';
import { entryOf, finishRemovals, removeTrees } from './departures.ts';
import { filesystemOf, isPartOf, isSnapshot, poolOf, type Places } from './names.ts';
import { narrowByDiff, type Side } from './narrow.ts';
import { parseGuids, parseNumbers, type Dataset } from './parse.ts';
import { howMounted, makeStatePlace, mountState, mountToRead } from './place.ts';
import { mountPointsOf, premisesOf, requireDataset, whyNeeded, type Site } from './premises.ts';
import { MISSING, mustZfs, requireUsable, zfs, zfsError } from './program.ts';
import { placesOf, scan, writePin, type Scan } from './scan.ts';
import { rollbackWarnings, warningsOfLeaving, warningsOfNested } from './warnings.ts';

export type ZfsLocation = Extract<Location, { backend: 'zfs' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: false,
  creationTime: true,
  stableIdentity: true,
  nestedTrees: true,
  exclusiveSize: true,
  snapshots: true,
  atOnce: 20,
  limitPerRun: null,
  freesLater: true,
  // Measured: 50,000 files and some 150 changes take it 15 times as long as a walk.
  narrowing: { engine: 'zfs-diff', isFaster: false },
};

/** Errors: `not-found` if there is no archive; `unsupported`, `not-permitted` or `failed` where ZFS cannot be asked. */
export async function openZfs(location: ZfsLocation, services: Services): Promise<Backend> {
  const places = placesOf(location);
  const dataset = places.archive ?? places.live;
  if (dataset === null) throw new RootsError('usage', 'a target on ZFS needs `dataset` or `archive`');
  requireUsable(poolOf(dataset));
  const { stdout } = await mustZfs(
    services.run,
    ['list', '-Hp', '-o', 'guid', '-t', 'filesystem', dataset],
    `${printableText(dataset)} cannot be used`,
  );
  return new ZfsBackend(location, services, places, stdout.toString('utf8').trim());
}

class ZfsBackend implements Backend {
  readonly name = 'zfs';
  readonly capabilities = CAPABILITIES;
  readonly archiveKey: string;
  readonly location: ZfsLocation;
  readonly place: string;
  readonly liveMountPoint: BytePath | null;
  readonly #services: Services;
  readonly #places: Places;
  /** Of the archive, or where there is none of the live root. */
  readonly #guid: string;
  readonly #site: Site;
  readonly #premises: Premises;
  /** As of the last look. */
  #scan: Scan | undefined;
  #lock: Lock | undefined;

  constructor(location: ZfsLocation, services: Services, places: Places, guid: string) {
    this.location = location;
    this.archiveKey = `zfs ${guid}`;
    this.#guid = guid;
    this.#services = services;
    this.#places = places;
    const { live, archive } = places;
    this.place = `zfs, ${[live === null ? [] : [`snapshots of ${printableText(live)}`], archive === null ? [] : [`archive ${printableText(archive)}`]].flat().join(', ')}`;
    const mounts = readMountTable();
    this.liveMountPoint = live === null ? null : mountPointOf(mounts, live);
    const atRoot = mounts.findLast(({ mountPoint, type }) => mountPoint === '/' && type === 'zfs');
    this.#site = { run: services.run, location, mountedAtRoot: atRoot === undefined ? null : toText(atRoot.source) };
    this.#premises = premisesOf(this.#site, () => {
      if (this.#scan === undefined) throw new TypeError('nothing was looked at');
      return this.#scan;
    });
  }

  readonly #look = async (): Promise<Scan> => (this.#scan = await scan(this.#services.run, this.location));

  async list(): Promise<Listing> {
    const [now, table] = await Promise.all([this.#look(), readAllMountTables(this.#services.run)]);
    const trees: ArchivedTree[] = [];
    const trashed: TrashedTree[] = [];
    const others: Listing['others'][number][] = [];
    let onTheirWay = 0;
    for (const dataset of now.datasets.values()) {
      const name = entryOf(dataset.name, this.#places.archive, this.#places.live);
      if (name === null || dataset.name === now.blank) continue;
      const entry = parseEntryName(name);
      if (dataset.type === 'volume') others.push({ name, why: 'a volume, not a filesystem' });
      else if (entry.kind === 'removing') onTheirWay += 1;
      else {
        const tree = this.#describe(name, dataset, now, table.mounts);
        if (entry.kind === 'plain') trees.push(tree);
        else trashed.push({ ...tree, formerName: entry.formerName, trashedAt: entry.at });
      }
    }
    const warnings = [
      ...warningsOf({ stored: {}, unreadable: null }, onTheirWay),
      ...rollbackWarnings(now, trees),
      ...warningsOfNested(now, trees),
      ...warningsOfLeaving(now, trees),
    ];
    return { trees, trashed, others, warnings };
  }

  #describe(name: BytePath, dataset: Dataset, now: Scan, mounts: readonly Mount[]): ArchivedTree {
    const { live } = this.#places;
    const running = [live, this.#site.mountedAtRoot].filter((each) => each !== null);
    return {
      name,
      timeName: formerNameOf({ name }).replace(/^@/, '') as BytePath,
      id: dataset.guid,
      createdAt: dataset.createdAt,
      isSnapshot: isSnapshot(dataset.name),
      readOnly: dataset.readOnly,
      mountPoints: mountPointsOf(dataset.name, mounts),
      isLive: running.some((each) => isPartOf(each, dataset.name)),
      holdsRoot: null,
      heldBy: [...now.heldBy(dataset.name), ...whyNeeded(this.#site, now, dataset.name)],
      pin: now.pinOf(dataset.name),
    };
  }

  async pathOf(tree: TreeRef): Promise<BytePath> {
    const dataset = await this.#datasetOf(tree);
    const { run, privateMounts } = this.#services;
    const what = `${printableText(dataset)} cannot be read`;
    const { stdout } = await mustZfs(run, ['list', '-Hp', '-o', 'name,guid', '-t', 'filesystem,snapshot', dataset], what);
    // Slots change their names each day.
    if (typeof tree !== 'string' && parseGuids(stdout).get(dataset) !== tree.id)
      throw new RootsError('failed', `${what}: another has this name now`, { hint: 'try again' });
    return (await mountToRead(run, privateMounts, dataset)).path;
  }

  async #datasetOf(tree: TreeRef): Promise<string> {
    if (typeof tree !== 'string') return requireDataset(this.#site, tree.name);
    if (tree === 'live') return toText(specialPath(this.location, 'live'));
    // It moves with what it is a snapshot of.
    const { blank } = await this.#look();
    if (blank !== null) return blank;
    const wanted = toText(specialPath(this.location, 'blank'));
    throw new RootsError('not-found', `there is no snapshot ${printableText(wanted)}`, { hint: 'check `blank` in the configuration' });
  }

  async narrow(from: TreeRef, to: TreeRef): Promise<Narrowing> {
    const { run, signal } = this.#services;
    return narrowByDiff(run, [await this.#sideOf(from), await this.#sideOf(to)], signal);
  }

  async #sideOf(tree: TreeRef): Promise<Side> {
    const [path, dataset] = [await this.pathOf(tree), await this.#datasetOf(tree)];
    return { path, dataset, mounted: await howMounted(this.#services.run, filesystemOf(dataset)) };
  }

  async tidy(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  knownSizes(trees: readonly ArchivedTree[]): ReadonlyMap<string, Size> {
    const byGuid = new Map([...(this.#scan?.datasets.values() ?? [])].map((each) => [each.guid, each]));
    return new Map(
      trees.flatMap(({ id }) => {
        const dataset = byGuid.get(id);
        return dataset === undefined ? [] : [[id, { sizeBytes: dataset.referenced, exclusiveBytes: dataset.used }] as const];
      }),
    );
  }

  async measure(trees: readonly ArchivedTree[]): Promise<ReadonlyMap<string, Size>> {
    if (trees.length > 0) await this.#look();
    return this.knownSizes(trees);
  }

  async generation(): Promise<string> {
    const { archive, live } = this.#places;
    const names = [archive, live].filter((each) => each !== null);
    const args = ['list', '-Hp', '-d', '1', '-t', 'filesystem,snapshot,volume', '-o', 'guid,name', ...names];
    const result = await zfs(this.#services.run, args);
    const found = result.stdout.toString('latin1');
    // Without a live root the archive is told of all the same.
    if (found.split('\n').includes(`${this.#guid}\t${archive ?? live ?? ''}`)) return found;
    if (result.status !== 0 && !MISSING.test(result.stderr)) throw zfsError(result, 'the archive cannot be looked at');
    throw new RootsError('failed', 'the archive is no longer where it was');
  }

  async discard(trees: readonly ArchivedTree[], at: Date): Promise<readonly Departure[]> {
    await this.#look();
    return discardTrees(this.#premises, trees, at);
  }

  async undelete(tree: TrashedTree): Promise<void> {
    await renameTree(this.#premises, tree, tree.formerName);
  }

  async remove(trees: readonly ArchivedTree[]): Promise<readonly Departure[]> {
    return removeTrees(this.#site, this.#premises, trees, this.#look);
  }

  async sweep(wasToGo: (id: string) => boolean): Promise<readonly Leftover[]> {
    return finishRemovals(this.#site, this.#premises, wasToGo, this.#look);
  }

  async rename(tree: ArchivedTree, name: BytePath): Promise<void> {
    await renameTree(this.#premises, tree, name);
  }

  snapshotName(slot: string): BytePath {
    return fromText(`@${slot}`);
  }

  /** Of all filesystems below the live root as well, so none is missing. */
  async snapshot(name: BytePath): Promise<readonly BytePath[]> {
    const wanted = specialPath(this.location, 'live');
    const { live } = await this.#look();
    // A snapshot of a volume is no tree.
    if (live?.type !== 'filesystem')
      throw new RootsError(live === null ? 'not-found' : 'failed', `${printable(wanted)} is no filesystem of which a snapshot is taken`, {
        hint: 'check `dataset` in the configuration',
      });
    await mustZfs(this.#services.run, ['snapshot', '-r', requireDataset(this.#site, name)], `no snapshot ${printable(name)} is taken`);
    return [];
  }

  async space(): Promise<Space> {
    const args = ['list', '-Hp', '-o', 'used,available', this.#pool];
    const { stdout } = await mustZfs(this.#services.run, args, 'the free space cannot be told');
    const [used = 0, available = 0] = parseNumbers(stdout, 2);
    return { freeBytes: available, totalBytes: used + available };
  }

  get #pool(): string {
    return poolOf(this.#places.archive ?? this.#places.live ?? '');
  }

  async settle(patience: number): Promise<boolean> {
    const { run, signal } = this.#services;
    // What a transaction frees can be had after the next.
    const sync = async (): Promise<void> => {
      await run('zpool', ['sync', this.#pool]);
    };
    await sync();
    // While there is a checkpoint nothing that is freed can be had (zpool-checkpoint(8)).
    const isFreed = async (): Promise<boolean> => {
      const result = await run('zpool', ['list', '-Hp', '-o', 'freeing,checkpoint', this.#pool]);
      return result.status === 0 && parseNumbers(result.stdout, 2).every((bytes) => bytes === 0);
    };
    if (!(await until(isFreed, { patience, signal }))) return false;
    await sync();
    return true;
  }

  async readLog(): Promise<readonly string[]> {
    const { path } = await this.#state();
    return existsSync(toBytes(path)) ? readLogLines(path) : [];
  }

  async appendLog(lines: readonly string[]): Promise<void> {
    const { path } = await this.#state();
    try {
      makeStatePlace(path);
      if (!hasStateFolder(path)) mkdirSync(toBytes(joinPath(path, STATE_FOLDER)), { mode: 0o700 });
      appendLogLines(path, lines);
    } catch (error) {
      throw new RootsError('failed', `the log in the archive cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  async #state(): ReturnType<typeof mountState> {
    return mountState(this.#services.run, this.#services.privateMounts, this.#places);
  }

  /** zfs(8) comes back when the transaction is on disk. */
  async flush(): Promise<void> {
    return Promise.resolve();
  }

  async setPin(tree: ArchivedTree, pin: Pin | null): Promise<void> {
    const [why = null] = await this.#premises.whyNotSame([{ entry: tree.name, tree }]);
    if (why !== null) throw new RootsError('failed', `the pin of ${printable(tree.name)} cannot be changed: ${why}`);
    await writePin(this.#services.run, requireDataset(this.#site, tree.name), pin);
  }

  /** Of the filesystem that holds the state: its root is the same directory through every mount of it. */
  async lock(mode: LockMode): Promise<Lock> {
    const { mount } = await this.#state();
    const keeper = await lockDirectory(mount.path, mode, mount.device, `the archive of ${this.place}`);
    this.#lock = { release: () => keeper.close() };
    return this.#lock;
  }

  async close(): Promise<void> {
    await this.#lock?.release();
  }
}

/** Where this dataset is mounted for us: `/` if it is there, else the first. */
function mountPointOf(mounts: readonly Mount[], dataset: string): BytePath | null {
  const points = mounts
    .filter(({ type, source, root }) => type === 'zfs' && source === dataset && root === '/')
    .map(({ mountPoint }) => mountPoint);
  return points.find((point) => point === '/') ?? points[0] ?? null;
}
