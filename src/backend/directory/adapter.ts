/**
 * Old roots as plain directories on any filesystem: archives made by copying, and archives that are mounted already. The
 * contract is in ../backend.ts. Needs no privileges beyond those over the files themselves.
 */
import { lstatSync, mkdirSync, readdirSync, realpathSync, renameSync, statSync, type Stats } from 'node:fs';
import { fromBytes, fromText, isUtf8, isWithin, joinPath, parentOf, printable, printableText, toBytes, toText, type BytePath } from '../../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../../errors.ts';
import { clearBlockingFlags, clearBlockingFlagsBelow } from '../../system/attributes.ts';
import { lockDirectory } from '../../system/lock.ts';
import { mountOf, mountsShowing, pathInFilesystem, readAllMountTables, readMountTable, type AllMounts } from '../../system/mounts.ts';
import { STATE_FOLDER, hasStateFolder, pinOf, readPins, writePin } from '../archive-state.ts';
import type { ArchivedTree, Backend, Capabilities, Listing, Location, Lock, Pin, RemoveReport, Services, Size, TreeRef } from '../backend.ts';
import { nestedRootNames } from '../layouts.ts';
import { specialPath } from '../location.ts';

export type DirectoryLocation = Extract<Location, { backend: 'directory' }>;

export const CAPABILITIES: Capabilities = {
  needsRoot: false,
  creationTime: false,
  stableIdentity: false,
  nestedTrees: false,
  exclusiveSize: true,
};

/** Trees on their way out, in the state folder: a rename takes them out of the archive at once, whole. */
const REMOVING = fromText('removing');

export function openDirectory(location: DirectoryLocation, services: Services): Backend {
  let archive: BytePath;
  try {
    archive = fromBytes(realpathSync(toBytes(location.archive), { encoding: 'buffer' }));
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
  readonly location: DirectoryLocation;
  readonly liveMountPoint: BytePath | null;
  readonly #services: Services;
  readonly #archive: BytePath;
  /** What each name was when it was listed; a name alone is no identity. */
  readonly #listed = new Map<BytePath, Stats>();
  #lock: Lock | undefined;

  constructor(location: DirectoryLocation, services: Services, archive: BytePath) {
    this.location = location;
    this.liveMountPoint = location.live;
    this.#services = services;
    this.#archive = archive;
  }

  async list(): Promise<Listing> {
    const mounts = await readAllMountTables(this.#services.run);
    const pins = readPins(this.#archive);
    const device = lstatSync(toBytes(this.#archive)).dev;
    const trees: ArchivedTree[] = [];
    const others: Listing['others'][number][] = [];
    for (const name of this.#names()) {
      const stats = lstatSync(toBytes(this.#pathOfName(name)), { throwIfNoEntry: false });
      if (stats === undefined) continue;
      const why = whyNoTree(stats, device);
      if (why === null) {
        this.#listed.set(name, stats);
        trees.push(this.#describe(name, mounts, pinOf(pins, identityOf(name))));
      } else {
        others.push({ name, why });
      }
    }
    return { trees, others, warnings: [...(pins.unreadable === null ? [] : [`${pins.unreadable}: every old root counts as pinned`]), ...this.#leftovers()] };
  }

  #names(): BytePath[] {
    try {
      return readdirSync(toBytes(this.#archive), { encoding: 'latin1' }).map((name) => name as BytePath).filter((name) => name !== STATE_FOLDER);
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error;
      throw new RootsError('not-permitted', `the archive ${printable(this.#archive)} may not be read`, { hint: 'run as root (sudo)', cause: error });
    }
  }

  #pathOfName(name: BytePath): BytePath {
    return joinPath(this.#archive, name);
  }

  #describe(name: BytePath, { mounts }: AllMounts, pin: Pin | null): ArchivedTree {
    const path = this.#pathOfName(name);
    return {
      name,
      id: identityOf(name),
      createdAt: null,
      readOnly: false,
      mountPoints: this.#mountPoints(path, mounts),
      isLive: this.location.live !== null && isWithin(withoutLinks(this.location.live), path),
      holdsRoot: nestedRoot(path, this.location.live),
      pin,
    };
  }

  /** What is mounted on it or in it, and where it, or a part of it, is bound to elsewhere. */
  #mountPoints(path: BytePath, mounts: AllMounts['mounts']): BytePath[] {
    const inIt = mounts.filter((mount) => isWithin(mount.mountPoint, path)).map((mount) => mount.mountPoint);
    // Of the archive: the old root itself may be a mount point.
    const around = mountOf(readMountTable(), parentOf(path));
    const anywhere = around === undefined ? [] : mountsShowing(mounts, around.device, pathInFilesystem(around, path)).map((mount) => mount.mountPoint);
    return [...new Set([...inIt, ...anywhere])];
  }

  async pathOf(tree: TreeRef): Promise<BytePath> {
    const path = typeof tree === 'string' ? specialPath(this.location, tree) : this.#pathOfName(tree.name);
    if (lstatSync(toBytes(path), { throwIfNoEntry: false })?.isDirectory() !== true) throw new RootsError('not-found', `there is no directory ${printable(path)}`);
    return path;
  }

  knownSizes(): ReadonlyMap<string, Size> {
    return new Map();
  }

  async measure(trees: readonly ArchivedTree[]): Promise<ReadonlyMap<string, Size>> {
    if (trees.length === 0) return new Map();
    const paths = trees.map((tree) => ({ path: this.#pathOfName(tree.name) }));
    // Each is counted for itself (`-l`): a file that two roots hard-link is in both.
    const result = await this.#services.run('du', ['-sxl0', '--block-size=1', '--', ...paths], { signal: this.#services.signal });
    const sizes = result.stdout.toString('latin1').split('\0').map((line) => Number(line.split('\t', 1)[0]));
    if (sizes.length !== trees.length + 1) throw new RootsError('failed', `sizes cannot be measured: ${printableText(result.stderr)}`);
    return new Map(trees.map((tree, at) => [tree.id, { sizeBytes: sizes[at] ?? null, exclusiveBytes: sizes[at] ?? null }]));
  }

  async remove(tree: ArchivedTree): Promise<RemoveReport> {
    const notes: string[] = [];
    await this.#positively(tree);
    const out = this.#freePlace(this.#removingFolder(), tree.name);
    try {
      renameSync(toBytes(this.#pathOfName(tree.name)), toBytes(out));
    } catch (error) {
      // The flags of the old root itself stop its rename; those of what is in it do not.
      const cleared = errnoOf(error) === 'EPERM' ? await clearBlockingFlags(this.#services.run, this.#pathOfName(tree.name)) : [];
      if (cleared.length === 0) throw refused(tree, messageOf(error));
      notes.push(`cleared the ${cleared.map((flag) => (flag === 'i' ? 'immutable' : 'append-only')).join(' and ')} flag of ${printable(tree.name)}`);
      renameSync(toBytes(this.#pathOfName(tree.name)), toBytes(out));
    }
    notes.push(...(await this.#destroy(out)));
    return { nested: [], notes };
  }

  /** Everything that the plan assumed, asked again. */
  async #positively(tree: ArchivedTree): Promise<void> {
    if (tree.name.includes('/') || tree.name === '..' || tree.name === '.' || tree.name === STATE_FOLDER) throw refused(tree, 'this is no name of an old root');
    const path = this.#pathOfName(tree.name);
    const before = this.#listed.get(tree.name);
    const now = lstatSync(toBytes(path), { throwIfNoEntry: false });
    if (now === undefined) throw refused(tree, 'it does not exist any more');
    const why = whyNoTree(now, lstatSync(toBytes(this.#archive)).dev);
    if (why !== null) throw refused(tree, why);
    if (before?.ino !== now.ino || before.dev !== now.dev) throw refused(tree, 'another directory has this name now');
    for (const [word, other] of [['live root', this.location.live], ['blank', this.location.blank]] as const) {
      if (other !== null && (isWithin(withoutLinks(other), path) || isSameDirectory(other, now))) throw refused(tree, `it is or holds the ${word}`);
    }
    const nested = nestedRoot(path, this.location.live);
    if (nested !== null) throw refused(tree, `it holds another old root at \`${printable(nested)}\``);
    const pin = pinOf(readPins(this.#archive), tree.id);
    if (pin !== null) throw refused(tree, `it is pinned${pin.note === '' ? '' : ` (${pin.note})`}`);
    const { mounts, complete } = await readAllMountTables(this.#services.run);
    // An unprivileged user cannot look into the namespaces of others, and cannot remove what is a mount point there either.
    if (!complete && process.geteuid?.() === 0) throw refused(tree, 'not every mount namespace can be read, so it is not known whether it is mounted');
    const used = this.#mountPoints(path, mounts)[0];
    if (used !== undefined) throw refused(tree, `it is mounted, or something in it is, at ${printable(used)}`);
  }

  /** A name for it on its way out, which a killed run may have used as well; never longer than a name can be. */
  #freePlace(folder: BytePath, name: BytePath): BytePath {
    for (let number = 0; ; number += 1) {
      const place = joinPath(folder, `${name.slice(0, 200)}.${String(process.pid)}.${String(number)}` as BytePath);
      if (lstatSync(toBytes(place), { throwIfNoEntry: false }) === undefined) return place;
    }
  }

  /**
   * What is out of the archive already. `rm` follows no link, and `--one-file-system` keeps it off other filesystems, but not off a part
   * of this one that is bound there meanwhile.
   */
  async #destroy(path: BytePath): Promise<string[]> {
    const { mounts } = await readAllMountTables(this.#services.run);
    const used = this.#mountPoints(path, mounts)[0];
    if (used !== undefined) throw new RootsError('failed', `${printable(path)} is not removed: it is mounted, or something in it is, at ${printable(used)}`);
    const rm = ['-rf', '--one-file-system', '--', { path }];
    const first = await this.#services.run('rm', rm);
    if (first.status === 0) return [];
    await clearBlockingFlagsBelow(this.#services.run, path);
    const second = await this.#services.run('rm', rm);
    if (second.status === 0) return ['cleared immutable flags in it'];
    throw new RootsError('failed', `${printable(path)} cannot be removed completely: ${printableText(second.stderr.split('\n')[0] ?? '')}`);
  }

  #removingFolder(): BytePath {
    this.#makeFolder(this.#archive, STATE_FOLDER);
    return this.#makeFolder(joinPath(this.#archive, STATE_FOLDER), REMOVING);
  }

  #makeFolder(parent: BytePath, name: BytePath): BytePath {
    const path = joinPath(parent, name);
    const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
    if (stats === undefined) mkdirSync(toBytes(path), { mode: 0o700 });
    else if (!stats.isDirectory()) throw new RootsError('failed', `${printable(path)} is no directory`, { hint: 'move it away: roots keeps its state there' });
    return path;
  }

  #leftovers(): string[] {
    const names = this.#unfinished();
    return names.length === 0 ? [] : [`${String(names.length)} removed before could not be deleted completely; the next prune tries again (${printable(joinPath(this.#archive, STATE_FOLDER, REMOVING))})`];
  }

  #unfinished(): BytePath[] {
    try {
      return readdirSync(toBytes(joinPath(this.#archive, STATE_FOLDER, REMOVING)), { encoding: 'latin1' }) as BytePath[];
    } catch {
      return [];
    }
  }

  async sweep(): Promise<void> {
    for (const name of this.#unfinished()) await this.#destroy(joinPath(this.#archive, STATE_FOLDER, REMOVING, name));
  }

  async flush(): Promise<void> {
    const result = await this.#services.run('sync', ['-f', '--', { path: this.#archive }]);
    if (result.status !== 0) throw new RootsError('failed', `the filesystem cannot be synchronised: ${printableText(result.stderr)}`);
  }

  async setPin(tree: ArchivedTree, pin: Pin | null): Promise<void> {
    if (!hasStateFolder(this.#archive)) this.#makeFolder(this.#archive, STATE_FOLDER);
    writePin(this.#archive, tree, pin);
  }

  async lock(): Promise<Lock> {
    const device = mountOf(readMountTable(), this.#archive)?.device ?? '';
    const keeper = await lockDirectory(this.#archive, device, `the archive ${printable(this.#archive)}`);
    this.#lock = { release: () => keeper.close() };
    return this.#lock;
  }

  async close(): Promise<void> {
    await this.#lock?.release();
  }
}

function whyNoTree(stats: Stats, archiveDevice: number): string | null {
  if (stats.isSymbolicLink()) return 'a symbolic link, not a directory';
  if (!stats.isDirectory()) return 'a file, not a directory';
  // A subvolume has a device number of its own as well.
  if (stats.dev !== archiveDevice) return 'a subvolume or a mount point, not a plain directory';
  return null;
}

/** A name in bytes may have no text of its own; then base64url stands for it, after what no name can have. */
function identityOf(name: BytePath): string {
  return isUtf8(name) ? toText(name) : `/${toBytes(name).toString('base64url')}`;
}

/** As it is given if it leads nowhere. */
function withoutLinks(path: BytePath): BytePath {
  try {
    return fromBytes(realpathSync(toBytes(path), { encoding: 'buffer' }));
  } catch {
    return path;
  }
}

/** Every root has a `/root`, so what was moved in there by a collision of names must look like a root of its own. */
function nestedRoot(path: BytePath, live: BytePath | null): BytePath | null {
  const isRoot = (name: BytePath): boolean => ['etc', 'var'].every((part) => lstatSync(toBytes(joinPath(path, name, fromText(part))), { throwIfNoEntry: false })?.isDirectory() === true);
  return nestedRootNames(live).find(isRoot) ?? null;
}

function isSameDirectory(path: BytePath, stats: Stats): boolean {
  const other = statSync(toBytes(path), { throwIfNoEntry: false });
  return other?.ino === stats.ino && other.dev === stats.dev;
}

function refused(tree: ArchivedTree, why: string): RootsError {
  return new RootsError('failed', `${printable(tree.name)} is not removed: ${why}`);
}
