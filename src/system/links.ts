import { readlinkSync, realpathSync } from 'node:fs';
import { fromBytes, toBytes, type BytePath } from '../byte-path.ts';

/** Where a symbolic link leads, as it is written; null if that cannot be read, or it is none. */
export function targetOfLink(path: BytePath): BytePath | null {
  try {
    return readlinkSync(toBytes(path), 'latin1') as BytePath;
  } catch {
    return null;
  }
}

/** Without links on the way, which all must lead somewhere. Errors: those of realpath(3), with their `code`. */
export function realPath(path: BytePath): BytePath {
  // `realpathSync` itself takes all bytes for UTF-8 (Node 20 and 24).
  return fromBytes(realpathSync.native(toBytes(path), { encoding: 'buffer' }));
}

/** The same, or the path as it is given if it leads nowhere. */
export function withoutLinks(path: BytePath): BytePath {
  try {
    return realPath(path);
  } catch {
    return path;
  }
}
