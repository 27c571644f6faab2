/** What is in one file of a tree, for people to read: as it is, unless it is long or no text. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { fromBytes, toBytes, type BytePath } from '../byte-path.ts';
import type { FileContent } from '../diff/unified.ts';
import { errnoOf } from '../errors.ts';
import { placeBeneath } from './beneath.ts';

/** As git(1) tells what is no text: by a NUL near the beginning. */
const LOOKED_AT = 8000;

/** `path`: relative to `root`, and not followed if it is a link: where that points to is its content then. `most`: in bytes. */
export function readContent(root: BytePath, path: BytePath, most: number): FileContent {
  try {
    const place = placeBeneath(root, path, { links: 'inside' });
    try {
      return readPlace(place.path, most);
    } finally {
      place.directory.close();
    }
  } catch (error) {
    return { kind: 'unreadable', why: errnoOf(error) ?? (error instanceof Error ? error.message : 'for an unknown reason') };
  }
}

function readPlace(path: BytePath, most: number): FileContent {
  const target = targetOf(path);
  if (target !== null) return { kind: 'text', text: target };
  // What is a FIFO now would keep us waiting.
  const file = openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return { kind: 'unreadable', why: 'it is no file any more' };
    if (stats.size > most) return { kind: 'large', bytes: stats.size };
    const bytes = readFileSync(file);
    const isBinary = bytes.subarray(0, LOOKED_AT).includes(0);
    return isBinary ? { kind: 'binary', bytes: bytes.length } : { kind: 'text', text: fromBytes(bytes) };
  } finally {
    closeSync(file);
  }
}

function targetOf(path: BytePath): BytePath | null {
  try {
    return readlinkSync(toBytes(path), 'latin1') as BytePath;
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return null;
    throw error;
  }
}
