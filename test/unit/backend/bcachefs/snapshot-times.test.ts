import { mkdirSync, readFileSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText, type BytePath } from '../../../../src/byte-path.ts';
import { readSnapshotTimes, requireReadable, snapshotTimeOf, writeSnapshotTime } from '../../../../src/backend/bcachefs/snapshot-times.ts';
import type { Identity } from '../../../../src/backend/bcachefs/subvolumes.ts';
import { makeScratch, type Scratch } from '../../../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
  mkdirSync(join(scratch.path, '.roots'));
});
afterEach(() => scratch.remove());

const archive = (): BytePath => fromText(scratch.path);
const file = (): string => join(scratch.path, '.roots/snapshots.json');
const AT = new Date('2026-11-20T12:00:00.123Z');

function subvolume(number: number, more: Partial<Identity> = {}): Identity {
  return {
    subvolume: number,
    inum: (1n << 63n) + 7n,
    generation: 0,
    device: 'fe00010',
    bornNs: 5n,
    changedNs: 1795272575615929985n,
    ...more,
  };
}

function write(number: number, present: readonly Identity[], name = 'today'): void {
  writeSnapshotTime(archive(), { name: fromText(name), at: AT, identity: subvolume(number) }, present);
}

const timeOf = (identity: Identity): Date | null => snapshotTimeOf(readSnapshotTimes(archive()), identity);

describe('the times of snapshots', () => {
  it('are none where nothing was written', () => {
    expect(readSnapshotTimes(archive())).toEqual({ stored: [], unreadable: null });
    expect(timeOf(subvolume(7))).toBeNull();
  });

  it('are those of the very subvolume, whatever its name and the number of its disk are by now', () => {
    write(7, [subvolume(7)]);
    write(8, [subvolume(7), subvolume(8)], 'yesterday');
    expect([7, 8].map((number) => timeOf(subvolume(number, { device: '0' })))).toEqual([AT, AT]);
    expect(readdirSync(join(scratch.path, '.roots'))).toEqual(['snapshots.json']);
  });

  it('are not those of another that has the number since, or of one that was written to', () => {
    write(7, [subvolume(7)]);
    for (const more of [{ inum: 8n }, { generation: 1 }, { bornNs: 6n }, { changedNs: 1795272575615929986n }, { subvolume: 8 }])
      expect(timeOf(subvolume(7, more))).toBeNull();
  });

  it('are dropped with what is gone, when the next is written', () => {
    for (const number of [7, 8]) write(number, [subvolume(7), subvolume(8)]);
    write(9, [subvolume(8), subvolume(7, { changedNs: 1n }), subvolume(9)]);
    expect([7, 8, 9].map((number) => timeOf(subvolume(number)))).toEqual([null, AT, AT]);
  });

  it('are not written over where they are not understood', () => {
    for (const content of ['', '{', '[]', '{"version":2,"snapshots":[]}', '{"version":1,"snapshots":[{"name":"x"}]}']) {
      writeFileSync(file(), content);
      expect(readSnapshotTimes(archive()).unreadable, content).toBe('.roots/snapshots.json is damaged');
      expect(() => {
        requireReadable(readSnapshotTimes(archive()));
      }).toThrow('is damaged');
      expect(() => {
        write(7, []);
      }).toThrow('is damaged');
      expect(readFileSync(file(), 'utf8')).toBe(content);
    }
  });

  it('are not read or written through a link', () => {
    write(7, [subvolume(7)]);
    renameSync(file(), join(scratch.path, 'elsewhere'));
    symlinkSync('../elsewhere', file());
    expect(timeOf(subvolume(7))).toBeNull();
    expect(() => {
      write(8, []);
    }).toThrow('is reached by a symbolic link');
  });
});
