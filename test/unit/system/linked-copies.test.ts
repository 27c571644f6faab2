import { linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { placeBeneath } from '../../../src/system/beneath.ts';
import { LinkedCopies } from '../../../src/system/linked-copies.ts';
import { run } from '../../../src/system/run.ts';
import { copyInto } from '../../../src/system/staged-copy.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let from: string;
let to: string;
beforeEach(() => {
  scratch = makeScratch();
  [from, to] = [join(scratch.path, 'from'), join(scratch.path, 'to')];
  for (const path of [from, to]) mkdirSync(path);
  writeFileSync(join(from, 'one'), 'content');
  linkSync(join(from, 'one'), join(from, 'two'));
  writeFileSync(join(from, 'alone'), 'content');
});
afterEach(() => scratch.remove());

const inode = (name: string): number => lstatSync(join(to, name)).ino;

/** One after the other, as restoring does it. */
async function copy(links: LinkedCopies, name: string): Promise<void> {
  const [source, destination] = [from, to].map((directory) => placeBeneath(fromText(directory), fromText(name), { links: 'trusted' }));
  await copyInto(run, source!, destination!, {
    replace: false,
    signal: new AbortController().signal,
    links: { copies: links, at: fromText(join(to, name)) },
  });
  for (const place of [source!, destination!]) place.directory.close();
}

describe('names of one file that are copied one by one', () => {
  it('are names of one file again', async () => {
    const links = new LinkedCopies();
    for (const name of ['one', 'alone', 'two']) await copy(links, name);
    expect(inode('two')).toBe(inode('one'));
    expect(inode('alone')).not.toBe(inode('one'));
    expect(readdirSync(to).sort()).toEqual(['alone', 'one', 'two']);
  });

  it.each([
    ['is gone', () => rmSync(join(to, 'one'))],
    [
      'was exchanged',
      () => {
        renameSync(join(to, 'one'), join(to, 'old'));
        writeFileSync(join(to, 'one'), 'of somebody else');
      },
    ],
    [
      'has become a link to something else',
      () => {
        writeFileSync(join(scratch.path, 'secret'), 'secret');
        rmSync(join(to, 'one'));
        symlinkSync(join(scratch.path, 'secret'), join(to, 'one'));
      },
    ],
  ])('are copied each for itself if the first copy %s meanwhile', async (_, change) => {
    const links = new LinkedCopies();
    await copy(links, 'one');
    change();
    await copy(links, 'two');
    expect(lstatSync(join(to, 'two'))).toMatchObject({ nlink: 1, size: 7 });
    expect(readFileSync(join(to, 'two'), 'utf8')).toBe('content');
    expect(readdirSync(to).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('names of one file in directories that are copied as a whole', () => {
  const times = (of: string): bigint[] => ['', 'x', 'y'].map((name) => lstatSync(join(of, name), { bigint: true }).mtimeNs);
  beforeEach(() => {
    for (const directory of ['x', 'y']) {
      mkdirSync(join(from, directory));
      linkSync(join(from, 'one'), join(from, directory, 'in'));
      linkSync(join(from, 'one'), join(from, directory, 'too'));
      writeFileSync(join(from, directory, 'alone'), 'alone');
    }
  });

  it.each([[['one', 'x', 'y', 'two']], [['x', 'one', 'two', 'y']], [['y', 'x', 'two', 'one']]])(
    'are names of one file again: %j',
    async (order) => {
      const links = new LinkedCopies();
      for (const name of order) await copy(links, name);
      const names = ['one', 'two', 'x/in', 'x/too', 'y/in', 'y/too'];
      expect(new Set(names.map(inode)).size).toBe(1);
      expect(lstatSync(join(to, 'one')).nlink).toBe(names.length);
      expect(new Set(['x/alone', 'y/alone', 'one'].map(inode)).size).toBe(3);
      expect(times(to).slice(1)).toEqual(times(from).slice(1));
      expect(readdirSync(join(to, 'x')).sort()).toEqual(['alone', 'in', 'too']);
      expect(readdirSync(to).sort()).toEqual(['one', 'two', 'x', 'y']);
    },
  );

  it('stay together in the directory if the copy elsewhere is not what it was', async () => {
    const links = new LinkedCopies();
    await copy(links, 'one');
    writeFileSync(join(to, 'one'), 'of somebody else');
    await copy(links, 'x');
    expect(inode('x/in')).toBe(inode('x/too'));
    expect(readFileSync(join(to, 'x/in'), 'utf8')).toBe('content');
  });
});
