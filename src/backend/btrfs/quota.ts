/**
 * Sizes that btrfs keeps by itself where quotas are on. They are only read: quotas are never turned on for a user, since
 * they make the removal of a large snapshot many times slower.
 */
import { readFileSync } from 'node:fs';
import type { Size } from '../backend.ts';
import { filesystemOn, SYSFS } from './filesystem.ts';

/** By subvolume id; empty where quotas are off, being counted anew, or simple ones (those count no data that was there before them). */
export function quotaSizes(device: string, ids: readonly number[]): Map<number, Size> {
  const filesystem = filesystemOn(device);
  if (filesystem === undefined) return new Map();
  const groups = `${SYSFS}/${filesystem}/qgroups`;
  if (read(`${groups}/mode`) !== 'qgroup' || read(`${groups}/inconsistent`) !== '0') return new Map();
  return new Map(
    ids.map((id) => {
      const group = `${groups}/0_${String(id)}`;
      return [id, { sizeBytes: bytes(read(`${group}/referenced`)), exclusiveBytes: bytes(read(`${group}/exclusive`)) }];
    }),
  );
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function bytes(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}
