/**
 * Whether two regular files hold the same bytes, read from what was listed and from nothing that was put in its place.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import { toBytes } from '../byte-path.ts';
import { Unreadable, type Located } from '../diff/tree.ts';
import { errnoOf, RootsError } from '../errors.ts';
import type { Pace } from './pace.ts';
import { asUnreadable, CHANGED, requireSame } from './unreadable.ts';

const BLOCK = 256 * 1024;

/** Of a file that is written to all the time there is nothing to say. */
const ATTEMPTS = 3;

/** What changes meanwhile is compared again as it is then. Errors: `Unreadable`, if it does so each time, too; `interrupted`. */
export async function sameContent(a: Located, b: Located, pace: Pace, signal: AbortSignal | undefined): Promise<boolean> {
  let pair: readonly [Located, Located] = [a, b];
  for (let attempt = 1; ; attempt += 1) {
    await pace.breathe();
    try {
      return await compareOnce(...pair, pace, signal);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const about = error.located === pair[0] ? a : b;
      if (error.why !== CHANGED || attempt === ATTEMPTS) throw asUnreadable(error, about);
      pair = [asItIs(a), asItIs(b)];
      if (pair[0].entry.size !== pair[1].entry.size) return false;
    }
  }
}

/** Errors: `Unreadable` if it is no file any more. */
function asItIs(located: Located): Located {
  try {
    const stats = fs.lstatSync(toBytes(located.address), { bigint: true });
    // What has taken its place may be reached by a link that has taken the place of its directory.
    if (!stats.isFile()) throw new Unreadable(CHANGED, { located });
    requireSame(stats, located.entry);
    const { dev, ino, size, ctimeNs } = stats;
    // Spelled out: an entry need not hold what it can tell.
    const { name, type, mode, uid, gid, rdev, mtimeNs, mounted } = located.entry;
    return { address: located.address, entry: { name, type, mode, uid, gid, rdev, mtimeNs, mounted, dev, ino, size, ctimeNs } };
  } catch (error) {
    throw asUnreadable(error, located);
  }
}

async function compareOnce(a: Located, b: Located, pace: Pace, signal: AbortSignal | undefined): Promise<boolean> {
  const calls = a.entry.size < BLOCK && pace.warm ? BLOCKING : POOLED;
  const first = await openFile(calls, a);
  try {
    const second = await openFile(calls, b);
    try {
      const same = await sameBytes(calls, first, second, signal);
      if (same) for (const file of [first, second]) requireUnchanged(file);
      return same;
    } finally {
      fs.closeSync(second.descriptor);
    }
  } finally {
    fs.closeSync(first.descriptor);
  }
}

interface OpenFile {
  readonly located: Located;
  readonly descriptor: number;
}

async function sameBytes(calls: FileCalls, a: OpenFile, b: OpenFile, signal: AbortSignal | undefined): Promise<boolean> {
  const { size } = a.located.entry;
  // One byte more than the file has, so that one read finds the end, and growth.
  const length = size < BLOCK ? Number(size) + 1 : BLOCK;
  const left = Buffer.allocUnsafe(length);
  const right = Buffer.allocUnsafe(length);
  for (let position = 0n; ;) {
    if (signal?.aborted === true) throw new RootsError('interrupted', 'the comparison was interrupted');
    const counts = await Promise.all([fill(calls, a, left, position), fill(calls, b, right, position)]);
    if (counts[0] !== counts[1] || !left.subarray(0, counts[0]).equals(right.subarray(0, counts[1]))) return false;
    position += BigInt(counts[0]);
    // Not to the end of a file that grows while it is read: that it did shows afterwards.
    if (counts[0] < length || position >= size) return true;
  }
}

/** Fills the buffer unless the file ends: read(2) may give less than was asked for. */
async function fill(calls: FileCalls, file: OpenFile, buffer: Buffer, position: bigint): Promise<number> {
  let filled = 0;
  try {
    for (let count = -1; count !== 0 && filled < buffer.length; filled += count) {
      count = await calls.read(file.descriptor, buffer.subarray(filled), position + BigInt(filled));
    }
    return filled;
  } catch (error) {
    throw asUnreadable(error, file.located);
  }
}

const READ_ONLY = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;

async function openFile(calls: FileCalls, located: Located): Promise<OpenFile> {
  try {
    const descriptor = await openQuietly(calls, toBytes(located.address));
    try {
      const stats = fs.fstatSync(descriptor, { bigint: true });
      if (!stats.isFile()) throw new Unreadable(CHANGED);
      requireSame(stats, located.entry);
      return { located, descriptor };
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
  } catch (error) {
    throw asUnreadable(error, located);
  }
}

/** Reading is no reason to write an access time into an old root; but only the owner and root may ask for that. */
async function openQuietly(calls: FileCalls, path: Buffer): Promise<number> {
  try {
    return await calls.open(path, READ_ONLY | fs.constants.O_NOATIME);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
    return calls.open(path, READ_ONLY);
  }
}

function requireUnchanged({ located, descriptor }: OpenFile): void {
  const { size, ctimeNs } = fs.fstatSync(descriptor, { bigint: true });
  if (size !== located.entry.size || ctimeNs !== located.entry.ctimeNs) throw new Unreadable(CHANGED, { located });
}

interface FileCalls {
  readonly open: (path: Buffer, flags: number) => number | Promise<number>;
  readonly read: (descriptor: number, buffer: Buffer, position: bigint) => number | Promise<number>;
}

const BLOCKING: FileCalls = {
  open: (path, flags) => fs.openSync(path, flags),
  read: (descriptor, buffer, position) => fs.readSync(descriptor, buffer, 0, buffer.length, position),
};

const POOLED: FileCalls = {
  open: promisify(fs.open),
  read: (descriptor, buffer, position) =>
    new Promise((resolve, reject) => {
      fs.read(descriptor, buffer, 0, buffer.length, position, (error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    }),
};
