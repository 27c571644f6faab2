import { readlinkSync } from 'node:fs';
import { toBytes, type BytePath } from '../byte-path.ts';

/** Where a symbolic link leads, as it is written; null if that cannot be read, or it is none. */
export function targetOfLink(path: BytePath): BytePath | null {
  try {
    return readlinkSync(toBytes(path), 'latin1') as BytePath;
  } catch {
    return null;
  }
}
