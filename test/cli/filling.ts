/** Filesystems that are full, or nearly. */
import { closeSync, mkdirSync, openSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { errnoOf } from '../../src/errors.ts';
import { tool } from '../support/scratch.ts';

export const MIB = 1 << 20;

/** What an ordinary user can have, in bytes. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** All that its filesystem has, as `min_free` takes it: no removal brings so much, but it could be. */
export function allSpace(path: string): string {
  const { blocks, bsize } = statfsSync(path);
  return `${String(Math.floor((blocks * bsize) / 1024))}K`;
}

/** A file of data that nothing else has. */
export function writeData(path: string, mib: number): void {
  const block = randomBytes(MIB);
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < mib; at += 1) {
      block.writeUInt32LE(at);
      writeSync(file, block);
    }
  } finally {
    closeSync(file);
  }
}

/** Until nothing more can be written to it: neither data, nor the smallest file. */
export function fillUp(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let round = 0; round < 3; round += 1) {
    untilFull(() => writeData(join(folder, `large-${String(round)}`), 4096));
    tool('sync', '-f', folder);
    let number = 0;
    untilFull(() => {
      for (;;) {
        number += 1;
        writeFileSync(join(folder, `small-${String(round)}-${String(number)}`), 'x'.repeat(1500));
      }
    });
    tool('sync', '-f', folder);
  }
}

function untilFull(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC') throw error;
  }
}
