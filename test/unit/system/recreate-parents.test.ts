import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { recreateMissingParents } from '../../../src/system/recreate-parents.ts';
import { missing } from '../../support/requirements.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let root: string;
let live: string;
beforeEach(() => {
  scratch = makeScratch();
  [root, live] = [join(scratch.path, 'root'), join(scratch.path, 'live')];
  for (const path of [live, root, join(root, 'home'), join(root, 'home/alice'), join(root, 'home/alice/docs')]) mkdirSync(path);
  chmodSync(join(root, 'home/alice'), 0o700);
  chmodSync(join(root, 'home/alice/docs'), 0o2775);
  if (missing('root') === false) for (const path of ['home/alice', 'home/alice/docs']) chownSync(join(root, path), 1000, 1001);
});
afterEach(() => scratch.remove());

const recreate = (source: string, destination: string): void =>
  recreateMissingParents(fromText(root), source as BytePath, destination as BytePath);

describe('parents that are missing', () => {
  it('are made as they were, and those that are there stay as they are', () => {
    mkdirSync(join(live, 'home'));
    chmodSync(join(live, 'home'), 0o711);
    recreate('home/alice/docs/file', join(live, 'home/alice/docs/file'));
    const of = (path: string): (number | string)[] => [
      (lstatSync(path).mode & 0o7777).toString(8),
      lstatSync(path).uid,
      lstatSync(path).gid,
    ];
    expect(of(join(live, 'home'))[0]).toBe('711');
    for (const path of ['home/alice', 'home/alice/docs']) expect(of(join(live, path))).toEqual(of(join(root, path)));
    expect(readdirSync(join(live, 'home/alice/docs'))).toEqual([]);
    recreate('home/alice/docs/file', join(live, 'home/alice/docs/file'));
    recreate('file', join(live, 'file'));
  });

  it('are bytes', () => {
    const name = 'caf\xe9\n';
    mkdirSync(toBytes(`${root}/${name}` as BytePath));
    recreate(`${name}/file`, `${live}/${name}/file`);
    expect(readdirSync(live, { encoding: 'latin1' })).toEqual([name]);
  });

  it('are not made where a file or a dangling link has the name, nor where the source has none', () => {
    writeFileSync(join(live, 'home'), '');
    expect(() => recreate('home/alice/file', join(live, 'home/alice/file'))).toThrow();
    expect(lstatSync(join(live, 'home')).isFile()).toBe(true);
    mkdirSync(join(scratch.path, 'other'));
    symlinkSync('nowhere', join(scratch.path, 'other/home'));
    expect(() => recreate('home/alice/file', join(scratch.path, 'other/home/alice/file'))).toThrow();
    expect(readdirSync(join(scratch.path, 'other'))).toEqual(['home']);
    mkdirSync(join(scratch.path, 'third'));
    expect(() => recreate('none/file', join(scratch.path, 'third/none/file'))).toThrow();
    expect(readdirSync(join(scratch.path, 'third'))).toEqual([]);
  });
});
