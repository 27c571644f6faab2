/** The first bytes of a file of a tree, to tell what it is. */
import { closeSync, constants, fstatSync, openSync, readSync, readlinkSync } from 'node:fs';
import { toBytes, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { placeBeneath } from './beneath.ts';

export interface Beginning {
  readonly bytes: Buffer;
  /** Of the whole file, in bytes. */
  readonly size: number;
}

/** `path`: relative to `root`, and not followed if it is a link. `most`: in bytes. Errors: `not-found`, `failed` if it is no regular file, those of the kernel. */
export function readBeginning(root: BytePath, path: BytePath, most: number): Beginning {
  const place = placeBeneath(root, path, { links: 'inside' });
  try {
    // What is a FIFO now would keep us waiting.
    const file = openSync(toBytes(place.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) throw new RootsError('failed', 'it is no file any more');
      return { bytes: readUpTo(file, most), size: stats.size };
    } finally {
      closeSync(file);
    }
  } finally {
    place.directory.close();
  }
}

/** read(2) may return less than was asked for. */
function readUpTo(file: number, most: number): Buffer {
  const bytes = Buffer.alloc(most);
  let length = 0;
  while (length < most) {
    const read = readSync(file, bytes, length, most - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/** Where a symbolic link of a directory that is held open points to. Errors: those of the kernel. */
export function readTarget(path: BytePath): BytePath {
  return readlinkSync(toBytes(path), 'latin1') as BytePath;
}
