/**
 * Real filesystems in image files. Nothing here formats, mounts or detaches anything but an image that it has just made inside a scratch
 * directory: what is behind a loop device is checked before every use.
 */
import {
  accessSync,
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fromText, isWithin, toText } from '../../src/byte-path.ts';
import { messageOf } from '../../src/errors.ts';
import {
  abandonedScratches,
  atProcessEnd,
  backingFile,
  claimAbandoned,
  loopDevicesBelow,
  mountTable,
  removeScratch,
  scratchOf,
  tool,
  type MountEntry,
} from './scratch.ts';

export type ImageFilesystem = 'btrfs' | 'ext4';

export interface MountHow {
  /** btrfs: the subvolume, as a path from the top level. Without it the top level itself. */
  readonly subvolume?: string;
  readonly readOnly?: boolean;
  /** More options of mount(8). */
  readonly options?: readonly string[];
}

export interface LoopImage {
  readonly filesystem: ImageFilesystem;
  readonly file: string;
  readonly device: string;
  /** Mounts at a directory inside the scratch directory, which is made if need be; returns it. */
  mount(how: MountHow, at: string): string;
  /** Undoes the last mount at a directory, with what is mounted below. */
  unmount(at: string): void;
  /**
   * Unmounts it wherever it is mounted, waits until nothing uses the device any more (a lazily detached mount does), detaches it and
   * removes the file. Throws, naming the processes, if something does not let go. Idempotent.
   */
  close(): void;
}

export interface ImageOptions {
  readonly sizeMiB: number;
  /** Inside a scratch directory. */
  readonly dir: string;
}

export function makeBtrfsImage(options: ImageOptions): LoopImage {
  return makeImage('btrfs', options);
}

export function makeExt4Image(options: ImageOptions): LoopImage {
  return makeImage('ext4', options);
}

function makeImage(filesystem: ImageFilesystem, { sizeMiB, dir }: ImageOptions): LoopImage {
  sweepOnce();
  const scratch = scratchOf(dir);
  const file = newFile(realpathSync(dir), filesystem, sizeMiB);
  format(filesystem, file);
  const device = tool('losetup', '--find', '--show', file).trim();
  let closed = false;
  const close = (): void => {
    if (closed) return;
    detach(device, file);
    rmSync(file, { force: true });
    closed = true;
    forget();
  };
  const forget = atProcessEnd(close);
  try {
    assertBacking(device, file);
  } catch (error) {
    forget();
    throw error;
  }
  return {
    filesystem,
    file,
    device,
    mount: (how, at) => {
      if (closed) throw new Error(`${file}: closed`);
      return mountInside(scratch, at, () => {
        assertBacking(device, file);
        tool('mount', '-t', filesystem, '-o', mountOptions(filesystem, how), '--', device, at);
      });
    },
    unmount: (at) => {
      unmountInside(scratch, at);
    },
    close,
  };
}

export interface Tmpfs {
  readonly path: string;
  close(): void;
}

export function mountTmpfs(at: string, sizeMiB = 16): Tmpfs {
  const scratch = scratchOf(join(at, '..'));
  const path = mountInside(scratch, at, () => tool('mount', '-t', 'tmpfs', '-o', `size=${String(sizeMiB)}m,mode=0755`, 'roots-test', at));
  let closed = false;
  const close = (): void => {
    if (closed) return;
    unmountInside(scratch, path);
    closed = true;
    forget();
  };
  const forget = atProcessEnd(close);
  return { path, close };
}

/** Whether this process may make and mount images of a filesystem. */
export function canMountImages(filesystem: ImageFilesystem): boolean {
  return (
    process.geteuid?.() === 0 &&
    isReadable('/dev/loop-control') &&
    new RegExp(`\\b${filesystem}$`, 'm').test(readFileSync('/proc/filesystems', 'utf8')) &&
    (process.env['PATH'] ?? '').split(':').some((directory) => isReadable(join(directory, `mkfs.${filesystem}`)))
  );
}

export interface SweepReport {
  readonly removed: readonly string[];
  readonly failed: readonly { readonly path: string; readonly why: string }[];
}

/** Removes what killed runs left: mounts, loop devices and scratch directories. Leaves all that a living process owns. */
export function sweep(): SweepReport {
  const removed: string[] = [];
  const failed: { path: string; why: string }[] = [];
  for (const path of abandonedScratches()) {
    try {
      if (!claimAbandoned(path)) continue;
      unmountWhere((mount) => isWithin(mount.at, fromText(path)));
      for (const { device, file } of loopDevicesBelow(path)) detach(device, file);
      removeScratch(path);
      removed.push(path);
    } catch (error) {
      failed.push({ path, why: messageOf(error) });
    }
  }
  return { removed, failed };
}

let swept = false;

function sweepOnce(): void {
  if (swept) return;
  swept = true;
  for (const { path, why } of sweep().failed) process.stderr.write(`left behind by an earlier run, and not removable: ${path}: ${why}\n`);
}

/** A file that did not exist before, so that nothing else can be formatted. */
function newFile(directory: string, filesystem: ImageFilesystem, sizeMiB: number): string {
  for (let number = 1; ; number += 1) {
    const file = join(directory, `${filesystem}-${String(number)}.img`);
    if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) continue;
    const descriptor = openSync(file, 'wx', 0o600);
    ftruncateSync(descriptor, sizeMiB * 1024 * 1024);
    closeSync(descriptor);
    return file;
  }
}

function format(filesystem: ImageFilesystem, file: string): void {
  scratchOf(file);
  if (!lstatSync(file).isFile()) throw new Error(`${file}: not a regular file`);
  switch (filesystem) {
    case 'btrfs':
      tool('mkfs.btrfs', '-q', file);
      break;
    case 'ext4':
      tool('mkfs.ext4', '-q', '-F', file);
      break;
  }
}

/** By name in sysfs, and by device and inode as losetup compares them. */
function assertBacking(device: string, file: string): void {
  const behind = backingFile(device);
  const attached = tool('losetup', '--noheadings', '--output', 'NAME', '--associated', file).split(/\s+/);
  if (behind !== file || !attached.includes(device)) throw new Error(`${device}: expected ${file} behind it, found ${behind ?? 'nothing'}`);
}

function mountOptions(filesystem: ImageFilesystem, how: MountHow): string {
  return [
    how.readOnly === true ? 'ro' : 'rw',
    ...(filesystem === 'btrfs' ? [how.subvolume === undefined ? 'subvolid=5' : `subvol=/${how.subvolume}`] : []),
    ...(how.options ?? []),
  ].join(',');
}

function mountInside(scratch: string, at: string, mount: () => void): string {
  const isInside = resolve(at) === at && isWithin(fromText(at), fromText(scratch)) && at !== scratch;
  if (isInside) mkdirSync(at, { recursive: true });
  if (!isInside || realpathSync(at) !== at) throw new Error(`${at}: not inside ${scratch}`);
  mount();
  return at;
}

function unmountInside(scratch: string, at: string): void {
  if (!isWithin(fromText(at), fromText(scratch))) throw new Error(`${at}: not inside ${scratch}`);
  const mounts = mountTable();
  const last = mounts.findLastIndex((mount) => mount.at === fromText(at));
  if (last === -1) return;
  for (const mount of mounts.slice(last).reverse()) if (isWithin(mount.at, fromText(at))) unmount(mount);
}

/** The latest first; again until none is left, because a mount may have been hidden below another. */
function unmountWhere(matches: (mount: MountEntry) => boolean): void {
  for (let round = 0; round < 10; round += 1) {
    const mounts = mountTable().filter(matches).reverse();
    if (mounts.length === 0) return;
    for (const mount of mounts) unmount(mount);
  }
}

function unmount(mount: MountEntry): void {
  const at = toText(mount.at);
  try {
    tool('umount', '--', at);
  } catch {
    // Busy: out of sight at least; `detach` then waits for those who use it.
    try {
      tool('umount', '--lazy', '--', at);
    } catch (error) {
      if (mountTable().some((other) => other.at === mount.at)) throw error;
    }
  }
}

const PATIENCE_MS = 30_000;

function detach(device: string, file: string): void {
  const isAttached = (): boolean => [file, `${file} (deleted)`].includes(backingFile(device) ?? '');
  if (!isAttached()) return;
  unmountWhere((mount) => mount.source === device && isAttached());
  // Of a device in use this only marks it to be detached by the last who closes it.
  if (isAttached()) tool('losetup', '--detach', device);
  for (let waited = 0; isAttached(); waited += 20) {
    if (waited >= PATIENCE_MS) throw new Error(`${device} (${file}) is in use by ${users(device).join(', ') || 'an unknown process'}`);
    pause(20);
  }
}

/** Processes that see the device mounted in their own mount namespace; holders of a lazily detached mount cannot be told. */
function users(device: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return mountTable(`/proc/${pid}/mountinfo`).some((mount) => mount.source === device);
      } catch {
        return false;
      }
    })
    .map((pid) => `process ${pid}`);
}

/** The handlers of `exit` cannot await. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
