/** One file of a tree, to be read from its beginning to its end. */
import { closeSync, constants, fstatSync, openSync, read, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { joinPath, parentOf, printable, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf } from '../errors.ts';
import { directoryBeneath, placeBeneath } from './beneath.ts';
import { readEntry, type Entry } from './entry.ts';

export interface OpenFile {
  /** Bytes, when it was opened. */
  readonly size: number;
  /** Not more than `PIECE` at a time, so that a file of any size takes no more memory. */
  pieces(): AsyncGenerator<Buffer, void, undefined>;
  close(): void;
}

const PIECE = 256 * 1024;
/** As the kernel: ELOOP after 40. */
const MOST_LINKS = 40;

/**
 * Links resolve inside the tree, as after chroot(2), the last component's too. Errors: `not-found`; `not-permitted`; `failed` if it is no regular file, with what
 * it is.
 */
export function openFileBeneath(root: BytePath, path: BytePath): OpenFile {
  let at = path;
  for (let links = 0; links <= MOST_LINKS; links += 1) {
    if (isOfDirectory(at)) {
      directoryBeneath(root, at, { links: 'inside' }).close();
      throw noFile(path, 'directory');
    }
    const place = placeBeneath(root, at, { links: 'inside' });
    try {
      const entry = readEntry(place.path);
      if (entry === null) throw notThere(path, at);
      if (entry.type !== 'symlink') return open(place.path, path, entry);
      const target = readlinkSync(toBytes(place.path), 'latin1') as BytePath;
      // What is before it is resolved again, so that `..` goes up from where the link really is.
      at = target.startsWith('/') ? target : joinPath(parentOf(at), target);
    } finally {
      place.directory.close();
    }
  }
  throw new RootsError('failed', `${shown(path)}: too many symbolic links`);
}

function isOfDirectory(path: BytePath): boolean {
  return /(?:^|\/)(?:\.{0,2})$/.test(path);
}

/** As a path of the tree. */
function shown(path: BytePath): string {
  return printable(`/${path.replace(/^\/+/, '')}` as BytePath);
}

function notThere(path: BytePath, at: BytePath): RootsError {
  const how = at === path ? 'does not exist' : `leads to ${shown(at)}, which does not exist`;
  return new RootsError('not-found', `${shown(path)} ${how}`);
}

function noFile(path: BytePath, type: Entry['type']): RootsError {
  const what: Readonly<Record<Entry['type'], string>> = {
    file: 'a file',
    directory: 'a directory',
    symlink: 'a symbolic link',
    fifo: 'a named pipe',
    socket: 'a socket',
    block: 'a block device',
    char: 'a character device',
  };
  return new RootsError('failed', `${shown(path)} is ${what[type]}, no file`);
}

function open(address: BytePath, path: BytePath, entry: Entry): OpenFile {
  if (entry.type !== 'file') throw noFile(path, entry.type);
  const file = openQuietly(address, path);
  const now = fstatSync(file, { bigint: true });
  if (now.ino !== entry.ino || now.dev !== entry.dev || !now.isFile()) {
    closeSync(file);
    throw new RootsError('failed', `${shown(path)} changed while it was opened`, { hint: 'try again' });
  }
  return { size: Number(now.size), pieces: () => piecesOf(file), close: () => closeSync(file) };
}

async function* piecesOf(file: number): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafe(PIECE);
  for (;;) {
    const { bytesRead } = await readLater(file, buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield Buffer.from(buffer.subarray(0, bytesRead));
  }
}

const readLater = promisify(read);

/** Reading is no reason to write an access time into an old root; but only the owner and root may ask for that. */
function openQuietly(address: BytePath, path: BytePath): number {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  try {
    return openSync(toBytes(address), flags | constants.O_NOATIME);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw unopened(error, path);
  }
  try {
    return openSync(toBytes(address), flags);
  } catch (error) {
    throw unopened(error, path);
  }
}

function unopened(error: unknown, path: BytePath): unknown {
  return errnoOf(error) === 'EACCES'
    ? new RootsError('not-permitted', `${shown(path)} may not be read`, { hint: 'run as root (sudo)', cause: error })
    : error;
}
