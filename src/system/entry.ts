/**
 * One entry of a directory as lstat(2) has it, and whether two are the same.
 */
import { closeSync, constants, lstatSync, openSync, readSync, readlinkSync } from 'node:fs';
import { toBytes, type BytePath } from '../byte-path.ts';

export interface Entry {
  readonly type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block' | 'char';
  /** Bytes. */
  readonly size: number;
  /** Permission bits, set-user-ID and its like included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly rdev: bigint;
}

/** Null if there is nothing. */
export function readEntry(path: BytePath): Entry | null {
  const stats = lstatSync(toBytes(path), { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return null;
  return {
    type: typeOf(Number(stats.mode & 0o170000n)),
    size: Number(stats.size),
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    dev: stats.dev,
    ino: stats.ino,
    rdev: stats.rdev,
  };
}

// S_IFMT, inode(7).
function typeOf(bits: number): Entry['type'] {
  switch (bits) {
    case 0o140000:
      return 'socket';
    case 0o120000:
      return 'symlink';
    case 0o060000:
      return 'block';
    case 0o040000:
      return 'directory';
    case 0o020000:
      return 'char';
    case 0o010000:
      return 'fifo';
    default:
      return 'file';
  }
}

/** Equal in type, mode, owner and content; files also in their time, to the nanosecond. Not in extended attributes. */
export function isSameEntry(aPath: BytePath, a: Entry, bPath: BytePath, b: Entry): boolean {
  if (a.type !== b.type || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (a.type === 'symlink') return readlinkSync(toBytes(aPath), 'latin1') === readlinkSync(toBytes(bPath), 'latin1');
  if (a.mode !== b.mode || a.rdev !== b.rdev) return false;
  if (a.type !== 'file') return true;
  return a.size === b.size && a.mtimeNs === b.mtimeNs && isSameContent(aPath, bPath);
}

/** Whether `now` is the very thing that `before` was, as far as lstat(2) can tell. */
export function isUnchanged(before: Entry, now: Entry): boolean {
  return (
    before.dev === now.dev &&
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeNs === now.mtimeNs &&
    before.ctimeNs === now.ctimeNs
  );
}

const BLOCK = 1 << 20;

export function isSameContent(a: BytePath, b: BytePath): boolean {
  const files = [a, b].map((path) => openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  const [fileA, fileB] = files;
  try {
    if (fileA === undefined || fileB === undefined) return false;
    const [bufferA, bufferB] = [Buffer.allocUnsafe(BLOCK), Buffer.allocUnsafe(BLOCK)];
    for (;;) {
      const [lengthA, lengthB] = [fill(fileA, bufferA), fill(fileB, bufferB)];
      if (lengthA !== lengthB || !bufferA.subarray(0, lengthA).equals(bufferB.subarray(0, lengthB))) return false;
      if (lengthA === 0) return true;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** read(2) may return less than was asked for. */
function fill(file: number, buffer: Buffer): number {
  let length = 0;
  while (length < buffer.length) {
    const read = readSync(file, buffer, length, buffer.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return length;
}
