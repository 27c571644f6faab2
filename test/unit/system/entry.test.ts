import { chmodSync, lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText, type BytePath } from '../../../src/byte-path.ts';
import { isSameContent, isSameEntry, isUnchanged, readEntry, type Entry } from '../../../src/system/entry.ts';
import { readNames } from '../../../src/system/names.ts';
import { makeScratch, tool, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => (scratch = makeScratch()));
afterEach(() => scratch.remove());

const at = (name: string): BytePath => fromText(join(scratch.path, name));

function entry(name: string): Entry {
  const found = readEntry(at(name));
  if (found === null) throw new Error(`${name} is not there`);
  return found;
}
const same = (a: string, b: string): boolean => isSameEntry(at(a), entry(a), at(b), entry(b));

function file(name: string, content: string | Buffer, time = 1e9): void {
  writeFileSync(join(scratch.path, name), content);
  utimesSync(join(scratch.path, name), time, time);
}

describe('an entry', () => {
  it('has the type that it is, and does not follow links', () => {
    file('file', 'x');
    mkdirSync(join(scratch.path, 'directory'));
    symlinkSync('file', join(scratch.path, 'symlink'));
    tool('mkfifo', join(scratch.path, 'fifo'));
    for (const type of ['file', 'directory', 'symlink', 'fifo']) expect(entry(type).type).toBe(type);
    expect(readEntry(fromText('/dev/null'))?.type).toBe('char');
    expect(readEntry(at('none'))).toBeNull();
    expect(readNames(at('directory'))).toEqual([]);
  });

  it('is the same as another with equal content, mode, owner and time', () => {
    file('a', 'content');
    file('b', 'content');
    expect(same('a', 'b')).toBe(true);
    file('b', 'CONTENT');
    expect(same('a', 'b')).toBe(false);
    file('b', 'content', 1e9 + 1);
    expect(same('a', 'b')).toBe(false);
    tool('touch', '-d', '2001-09-09T01:46:40.000000001Z', join(scratch.path, 'b'));
    expect(same('a', 'b')).toBe(false);
    file('b', 'content');
    chmodSync(join(scratch.path, 'b'), 0o4644);
    expect(same('a', 'b')).toBe(false);
    symlinkSync('a', join(scratch.path, 'l'));
    symlinkSync('a', join(scratch.path, 'm'));
    lutimesSync(join(scratch.path, 'm'), 1, 1);
    symlinkSync('b', join(scratch.path, 'n'));
    expect([same('l', 'm'), same('l', 'n'), same('l', 'a')]).toEqual([true, false, false]);
  });

  it('is compared to its last byte', () => {
    const large = Buffer.alloc((2 << 20) + 5, 7);
    file('a', large);
    file('b', large);
    expect(isSameContent(at('a'), at('b'))).toBe(true);
    large[large.length - 1] = 8;
    file('b', large);
    expect(isSameContent(at('a'), at('b'))).toBe(false);
    file('b', large.subarray(0, 2 << 20));
    expect(isSameContent(at('a'), at('b'))).toBe(false);
  });

  it('is unchanged until something is done to it', () => {
    file('a', 'x');
    const before = entry('a');
    expect(isUnchanged(before, entry('a'))).toBe(true);
    tool('cp', '-a', join(scratch.path, 'a'), join(scratch.path, 'copy'));
    expect(isUnchanged(before, entry('copy'))).toBe(false);
    chmodSync(join(scratch.path, 'a'), 0o600);
    expect(isUnchanged(before, entry('a'))).toBe(false);
  });
});
