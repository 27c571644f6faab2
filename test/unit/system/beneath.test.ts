import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { directoryBeneath, holdDirectory, placeBeneath, type BeneathOptions } from '../../../src/system/beneath.ts';
import { start } from '../../backend-suite/processes.ts';
import { requires } from '../../support/requirements.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

const INSIDE: BeneathOptions = { links: 'inside' };
const TRUSTED: BeneathOptions = { links: 'trusted' };

let scratch: Scratch;
let root: string;
beforeEach(() => {
  scratch = makeScratch();
  root = join(scratch.path, 'root');
  for (const name of ['', 'etc', 'home', 'home/alice', 'home/alice/docs']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'etc/passwd'), 'inside');
  mkdirSync(join(scratch.path, 'etc'));
  writeFileSync(join(scratch.path, 'etc/passwd'), 'outside');
});
afterEach(() => scratch.remove());

function read(path: string, options = INSIDE): string {
  const place = placeBeneath(fromText(root), fromText(path), options);
  try {
    return readFileSync(toBytes(place.path), 'utf8');
  } finally {
    place.directory.close();
  }
}

function names(path: string, options = INSIDE): string[] {
  const held = directoryBeneath(fromText(root), fromText(path), options);
  try {
    return readdirSync(toBytes(held.path)).sort();
  } finally {
    held.close();
  }
}

/** The kernel's own view. */
const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe('a path beneath a directory', () => {
  it.each([
    'etc/passwd',
    '/etc/passwd',
    '//etc//./passwd',
    '../etc/passwd',
    '../../../../etc/passwd',
    'home/../../etc/passwd',
    'home/alice/../../../../etc/passwd',
  ])('%s never leaves it', (path) => {
    expect(read(path)).toBe('inside');
  });

  it.each([
    ['absolute', '/etc'],
    ['by way of ..', '../../../../../../etc'],
    ['relative', '../../etc'],
    ['with dots and slashes', '/./..//etc/.'],
  ])('a link (%s) stays inside, as after chroot', (_, target) => {
    symlinkSync(target, join(root, 'home/alice/link'));
    expect(read('home/alice/link/passwd')).toBe('inside');
    expect(names('home/alice/link')).toEqual(['passwd']);
  });

  it('does not follow a link at its end', () => {
    symlinkSync('/etc/passwd', join(root, 'home/link'));
    const place = placeBeneath(fromText(root), fromText('home/link'), INSIDE);
    expect(lstatSync(toBytes(place.path)).isSymbolicLink()).toBe(true);
    place.directory.close();
  });

  it('gives up on loops and on too many links, and closes what it opened', () => {
    symlinkSync('b', join(root, 'a'));
    symlinkSync('a', join(root, 'b'));
    symlinkSync('self/x', join(root, 'self'));
    for (let number = 0; number < 41; number += 1)
      symlinkSync(number === 0 ? 'etc' : `l${String(number - 1)}`, join(root, `l${String(number)}`));
    const before = openFiles();
    for (const path of ['a', 'self', 'l40'])
      expect(() => directoryBeneath(fromText(root), fromText(path), INSIDE)).toThrow('too many symbolic links');
    expect(names('l39')).toEqual(['passwd']);
    expect(openFiles()).toBe(before);
  });

  it.each([
    ['none/x', 'not-found'],
    ['etc/passwd/x', 'not-found'],
    ['home/dangling/x', 'not-found'],
    [`${'x'.repeat(300)}/y`, 'not-found'],
    ['..', 'usage'],
    ['', 'usage'],
    ['/', 'usage'],
    ['home/..', 'usage'],
  ])('%s: %s', (path, kind) => {
    symlinkSync('/nowhere', join(root, 'home/dangling'));
    const before = openFiles();
    expect(() => placeBeneath(fromText(root), fromText(path), INSIDE)).toThrow(expect.objectContaining({ kind }) as Error);
    expect(openFiles()).toBe(before);
  });

  it('a pipe or a device in the way does not make it wait', () => {
    const fifo = start('mkfifo', [join(root, 'fifo')]);
    return fifo.gone.then(() => {
      expect(() => placeBeneath(fromText(root), fromText('fifo/x'), INSIDE)).toThrow(
        expect.objectContaining({ kind: 'not-found' }) as Error,
      );
    });
  });

  it('names are bytes, and as deep as they are', () => {
    const name = fromBytes(Buffer.from([0xff, 0x0a, 0xfe]));
    let path = '' as BytePath;
    for (let depth = 0; depth < 300; depth += 1) {
      const held = directoryBeneath(fromText(root), path, INSIDE);
      mkdirSync(toBytes(joinPath(held.path, name)));
      held.close();
      path = joinPath(path, name);
    }
    directoryBeneath(fromText(root), path, INSIDE).close();
  });

  it('a held directory stays the one that was opened, wherever it is moved', () => {
    const held = holdDirectory(fromText(join(root, 'etc')));
    renameSync(join(root, 'etc'), join(scratch.path, 'moved'));
    mkdirSync(join(root, 'etc'));
    expect(readdirSync(toBytes(held.path))).toEqual(['passwd']);
    held.close();
    held.close();
    expect(() => readdirSync(toBytes(held.path))).toThrow();
  });

  it('a link that is swapped for a directory and back while we walk leads nowhere else', async () => {
    mkdirSync(join(root, 'home/real'));
    writeFileSync(join(root, 'home/real/passwd'), 'inside');
    const script = `cd '${root}/home'; ln -s '${scratch.path}/etc' evil; echo ready; while :; do mv -T real spare; mv -T evil real; mv -T real evil; mv -T spare real; done`;
    const swapper = start('sh', ['-c', script]);
    try {
      const found = new Set<string>();
      const until = Date.now() + 1500;
      while (Date.now() < until) {
        try {
          found.add(read('home/real/passwd'));
        } catch (error) {
          found.add((error as { kind?: string; code?: string }).kind ?? String((error as { code?: string }).code));
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([...found].filter((each) => !['inside', 'not-found', 'ENOENT'].includes(each))).toEqual([]);
      expect(found).toContain('inside');
    } finally {
      await swapper.kill();
    }
  });
});

requires.root('which links are trusted', () => {
  /** `docs` in a directory, and beside it the link `link` to it. */
  function link(directory: { readonly uid: number; readonly mode: number }, uid: number): void {
    symlinkSync('/etc', join(root, 'home/alice/link'));
    lchownSync(join(root, 'home/alice/link'), uid, uid);
    chownSync(join(root, 'home/alice'), directory.uid, directory.uid);
    chmodSync(join(root, 'home/alice'), directory.mode);
  }

  it.each([
    ["root's, in root's directory", { uid: 0, mode: 0o755 }, 0],
    ["root's, in root's sticky directory", { uid: 0, mode: 0o1777 }, 0],
  ])('%s: followed', (_, directory, uid) => {
    link(directory, uid);
    expect(names('home/alice/link', TRUSTED)).toEqual(['passwd']);
  });

  it.each([
    ["another user's, in root's directory", { uid: 0, mode: 0o755 }, 1000],
    ["another user's, in root's sticky directory", { uid: 0, mode: 0o1777 }, 1000],
    ["root's, in another user's directory", { uid: 1000, mode: 0o755 }, 0],
    ["root's, in another user's sticky directory", { uid: 1000, mode: 0o1777 }, 0],
    ["root's, in a directory that a group may write to", { uid: 0, mode: 0o775 }, 0],
    ["root's, in a directory that all may write to", { uid: 0, mode: 0o777 }, 0],
  ])('%s: refused', (_, directory, uid) => {
    link(directory, uid);
    expect(() => names('home/alice/link', TRUSTED)).toThrow(expect.objectContaining({ kind: 'not-permitted' }) as Error);
    expect(() => read('home/alice/link/passwd', TRUSTED)).toThrow(expect.objectContaining({ kind: 'not-permitted' }) as Error);
    expect(names('home/alice/link', INSIDE)).toEqual(['passwd']);
  });
});
