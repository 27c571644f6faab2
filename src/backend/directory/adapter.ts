/**
 * Old roots as plain directories on any filesystem: archives made by copying, and archives that are mounted already. The
 * contract is in ../backend.ts. Needs no privileges beyond those over the files themselves.
 */
import { lstatSync, readdirSync, statSync, statfsSync, type Stats } from 'node:fs';
import { fromText, isUtf8, isWithin, joinPath, printable, printableText, toBytes, toText, type BytePath } from '../../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../../errors.ts';
import { holdDirectory, type HeldDirectory } from '../../system/beneath.ts';
import { mayMount } from '../../system/capabilities.ts';
import { realPath, withoutLinks } from '../../system/links.ts';
import { lockDirectory } from '../../system/lock.ts';
import { mountOf, readAllMountTables, readMountTable, type AllMounts } from '../../system/mounts.ts';
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
import { parseEntryName } from '../entry-name.ts';
import { specialPath } from '../location.ts';
import { discardTrees, formerNameOf, renameTree, type Premises } from '../set-aside.ts';
import { mountPointsOf, nestedRootOf, premisesOf, whyItStays, whyNoTree, type Site } from './premises.ts';
import { isOnlyOurs } from './trust.ts';
import { finishRemovals, leftovers, removeTrees } from './removing.ts';

export type DirectoryLocation = Extract<Location, { backend: 'directory' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: false,
  creationTime: false,
  stableIdentity: false,
  nestedTrees: false,
  exclusiveSize: true,
  snapshots: false,
  atOnce: 1,
  limitPerRun: null,
  freesLater: false,
  narrowing: null,
};

export function openDirectory(location: DirectoryLocation, services: Services): Backend {
  let archive: BytePath;
  try {
    archive = realPath(location.archive);
  } catch (error) {
    const kind = errnoOf(error) === 'EACCES' ? 'not-permitted' : 'not-found';
    throw new RootsError(kind, `the archive ${printable(location.archive)} cannot be reached: ${errnoOf(error) ?? messageOf(error)}`, {
      hint: 'check `archive` in the configuration',
      cause: error,
    });
  }
  if (!lstatSync(toBytes(archive)).isDirectory()) throw new RootsError('not-found', `the archive ${printable(archive)} is no directory`);
  return new DirectoryBackend(location, services, archive);
}

class DirectoryBackend implements Backend {
  readonly name = 'directory';
  readonly capabilities = CAPABILITIES;
  readonly place: string;
  readonly location: DirectoryLocation;
  readonly liveMountPoint: BytePath | null;
  readonly archiveKey: string;
  readonly #services: Services;
  readonly #archive: BytePath;
  /** What each name was when it was listed; a name alone is no identity. */
  readonly #listed = new Map<BytePath, Stats>();
  readonly #held: HeldDirectory;
  readonly #site: Site;
  readonly #premises: Premises;
  #lock: Lock | undefined;

  constructor(location: DirectoryLocation, services: Services, archive: BytePath) {
    this.location = location;
    this.place = `plain directories, archive ${printable(location.archive)}`;
    this.liveMountPoint = location.live;
    this.#services = services;
    this.#archive = archive;
    this.archiveKey = keyOf(lstatSync(toBytes(archive)));
    this.#held = holdDirectory(archive);
    this.#site = {
      run: services.run,
      location,
      archive,
      held: this.#held,
      listedAs: (tree) => this.#listed.get(tree.name),
    };
    this.#premises = premisesOf(this.#site);
  }

  async list(): Promise<Listing> {
    const mounts = await readAllMountTables(this.#services.run);
    const pins = readPins(this.#archive);
    const device = lstatSync(toBytes(this.#archive)).dev;
    const trees: ArchivedTree[] = [];
    const trashed: TrashedTree[] = [];
    const others: Listing['others'][number][] = [];
    const onTheirWay = new Set(leftovers(this.#held.path));
    for (const name of this.#names().filter((each) => !onTheirWay.has(each))) {
      const stats = lstatSync(toBytes(this.#pathOfName(name)), { throwIfNoEntry: false });
      if (stats === undefined) continue;
      const why = whyNoTree(stats, device);
      if (why === null) {
        this.#listed.set(name, stats);
        const entry = parseEntryName(name);
        const id = identityOf(entry.kind === 'plain' ? name : entry.formerName);
        // A pin is of a name, and what is in the trash has none.
        const tree = this.#describe(name, id, mounts, entry.kind === 'plain' ? pinOf(pins, id) : null);
        if (entry.kind === 'trashed') trashed.push({ ...tree, formerName: entry.formerName, trashedAt: entry.at });
        else trees.push(tree);
      } else {
        others.push({ name, why });
      }
    }
    return {
      trees,
      trashed,
      others,
      warnings: warningsOf(pins, onTheirWay.size),
    };
  }

  #names(): BytePath[] {
    try {
      return readdirSync(toBytes(this.#archive), { encoding: 'latin1' })
        .map((name) => name as BytePath)
        .filter((name) => name !== STATE_FOLDER);
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error;
      throw new RootsError('not-permitted', `the archive ${printable(this.#archive)} may not be read`, {
        hint: 'run as root (sudo)',
        cause: error,
      });
    }
  }

  #pathOfName(name: BytePath): BytePath {
    return joinPath(this.#archive, name);
  }

  #describe(name: BytePath, id: string, { mounts }: AllMounts, pin: Pin | null): ArchivedTree {
    const path = this.#pathOfName(name);
    return {
      name,
      timeName: formerNameOf({ name }),
      id,
      createdAt: null,
      readOnly: false,
      isSnapshot: false,
      mountPoints: mountPointsOf(path, mounts),
      isLive: this.location.live !== null && isWithin(withoutLinks(this.location.live), path),
      holdsRoot: nestedRootOf(path, this.location.live),
      heldBy: [],
      pin,
    };
  }

  async pathOf(tree: TreeRef): Promise<BytePath> {
    const path = typeof tree === 'string' ? specialPath(this.location, tree) : this.#pathOfName(tree.name);
    if (lstatSync(toBytes(path), { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new RootsError('not-found', `there is no directory ${printable(path)}`);
    return typeof tree === 'string' ? path : joinPath(await this.#archiveToRead(), tree.name);
  }

  /**
   * The owners of what is in old roots can be about in them; who may mount reads them through a mount that no link leads out of. Others, root in a container too, read them as
   * they are.
   */
  async #archiveToRead(): Promise<BytePath> {
    if (!mayMount()) return this.#archive;
    const device = toText(isUtf8(this.#archive) ? this.#archive : this.#held.path);
    return (await this.#services.privateMounts.mount(device, 'none', ['bind'], { access: 'read' })).path;
  }

  async narrow(): Promise<Narrowing> {
    return Promise.resolve({ why: 'a plain directory cannot tell what differs' });
  }

  async tidy(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  knownSizes(): ReadonlyMap<string, Size> {
    return new Map();
  }

  async measure(trees: readonly ArchivedTree[]): Promise<ReadonlyMap<string, Size>> {
    const paths = trees.map((tree) => this.#pathOfName(tree.name));
    const sizes = await diskUsage(this.#services.run, paths, this.#services.signal);
    return new Map(trees.map((tree, at) => [tree.id, { sizeBytes: sizes[at] ?? null, exclusiveBytes: sizes[at] ?? null }]));
  }

  async generation(): Promise<string> {
    const now = statSync(toBytes(this.#archive), { bigint: true, throwIfNoEntry: false });
    const then = statSync(toBytes(joinPath(this.#held.path, fromText('.'))), { bigint: true });
    if (now?.ino !== then.ino || now.dev !== then.dev)
      throw new RootsError('failed', `the archive ${printable(this.#archive)} is no longer where it was`, {
        hint: 'run the command again',
      });
    return generationOf(this.#held.path);
  }

  async discard(trees: readonly ArchivedTree[], at: Date): Promise<readonly Departure[]> {
    return discardTrees(this.#premises, trees, at);
  }

  async undelete(tree: TrashedTree): Promise<void> {
    await renameTree(this.#premises, tree, tree.formerName);
  }

  async remove(trees: readonly ArchivedTree[]): Promise<readonly Departure[]> {
    return removeTrees(this.#site, this.#premises, trees);
  }

  async sweep(wasToGo: (id: string) => boolean): Promise<readonly Leftover[]> {
    const whyStays = (entry: BytePath): string | null => whyItStays({ archive: this.#archive, location: this.location }, entry);
    return finishRemovals(this.#site, this.#premises, { wasToGo, idOf: identityOf, whyItStays: whyStays });
  }

  async rename(tree: ArchivedTree, name: BytePath): Promise<void> {
    await renameTree(this.#premises, tree, name);
  }

  snapshotName(slot: string): BytePath {
    return fromText(slot);
  }

  async snapshot(): Promise<never> {
    throw new RootsError('unsupported', `there are no snapshots of plain directories (${this.place})`, {
      hint: 'rotation needs a filesystem with snapshots, such as btrfs',
    });
  }

  async space(): Promise<Space> {
    const { bavail, blocks, bsize } = statfsSync(toBytes(this.#held.path));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  async settle(): Promise<boolean> {
    await this.flush();
    return true;
  }

  async readLog(): Promise<readonly string[]> {
    return readLogLines(this.#held.path);
  }

  async appendLog(lines: readonly string[]): Promise<void> {
    try {
      makeStateFolder(this.#held.path);
      appendLogLines(this.#held.path, lines);
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
    if (mode === 'exclusive') this.#refuseForeign();
    const device = mountOf(readMountTable(), this.#archive)?.device ?? '';
    const keeper = await lockDirectory(this.#archive, mode, device, `the archive ${printable(this.#archive)}`);
    this.#lock = { release: () => keeper.close() };
    return this.#lock;
  }

  /** Whoever can write to the archive could tell us what to delete, by names and by links. */
  #refuseForeign(): void {
    if (isOnlyOurs(this.#archive)) return;
    throw new RootsError('not-permitted', `the archive ${printable(this.#archive)} belongs to another user, or others can write to it`, {
      hint: 'give it to the user who runs this, and take the right to write from group and others',
    });
  }

  async close(): Promise<void> {
    await this.#lock?.release();
    this.#held.close();
  }
}

function keyOf(stats: Stats): string {
  return `${String(stats.dev)}:${String(stats.ino)}`;
}

/** A name in bytes may have no text of its own; then base64url stands for it, after what no name can have. */
function identityOf(name: BytePath): string {
  return isUtf8(name) ? toText(name) : `/${toBytes(name).toString('base64url')}`;
}
