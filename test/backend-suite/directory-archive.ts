/** What all grounds have in common where an archive is a directory: trees are reached by their paths. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, renameSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { fromText, joinPath, parentOf, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import { readNames } from '../../src/system/names.ts';
import { tool } from '../support/scratch.ts';
import type { Ground, Plant } from './ground.ts';
import { OUTSIDE, SIBLING } from './scene.ts';

const STATE = fromText('.roots');

/** Where the archive is, what is beside it. */
const beside = (path: BytePath, name: BytePath): BytePath => joinPath(parentOf(parentOf(path)), name);

const OTHERS: readonly Plant[] = [
  ['a file', (path) => writeFileSync(toBytes(path), 'kept')],
  ['a link that leads nowhere', (path) => symlinkSync('/nonexistent', toBytes(path))],
  ['a link to a directory', (path) => symlinkSync(toText(beside(path, OUTSIDE)), toBytes(path))],
  ['a link to the blank', (path) => symlinkSync(toText(beside(path, fromText('root-blank'))), toBytes(path))],
  ['a link to another old root', (path) => symlinkSync(toText(SIBLING), toBytes(path))],
  ['a pipe', (path) => void tool('mkfifo', '--', toText(path))],
];

const DAMAGED = ['', '{', 'null', '[]', '{"version":2,"pins":{}}', '{"version":1,"pins":{"x":{"name":1}}}'];

type Shared =
  | 'makeArchive'
  | 'renameTree'
  | 'removeTree'
  | 'exists'
  | 'names'
  | 'within'
  | 'beyond'
  | 'others'
  | 'damagedPins'
  | 'hold'
  | 'space'
  | 'longestName';

export const directoryArchive: Pick<Ground, Shared> = {
  makeArchive: (path) => mkdirSync(toBytes(path)),
  renameTree: (from, to) => {
    // Node would replace an empty directory.
    if (existsSync(toBytes(to))) throw new Error(`${to} is there already`);
    renameSync(toBytes(from), toBytes(to));
  },
  removeTree: (path) => rmSync(toBytes(path), { recursive: true }),
  exists: (path) => lstatSync(toBytes(path), { throwIfNoEntry: false }) !== undefined,
  names: (archive) => readNames(archive).filter((name) => name !== STATE),
  within: (path, use) => use(path),
  beyond: (paths) => flagsOf(paths).map((flags) => ({ nested: [], traits: [], flags })),
  others: OTHERS,
  damagedPins: (tree) => {
    const file = toBytes(joinPath(parentOf(tree), STATE, fromText('pins.json')));
    return DAMAGED.map((content) => ({
      what: content,
      damage: () => {
        writeFileSync(file, content);
        return () => {
          rmSync(file);
        };
      },
    }));
  },
  hold: null,
  space: (archive) => {
    const { bavail, blocks, bsize } = statfsSync(toBytes(archive));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
  // NAME_MAX of Linux.
  longestName: () => 255,
};

/** Of directories; of all of them by one program, to which a name may be any bytes. */
function flagsOf(paths: readonly BytePath[]): string[] {
  const opened = paths.map((path) => (lstatSync(toBytes(path)).isDirectory() ? openSync(toBytes(path), 'r') : null));
  const directories = opened.filter((file) => file !== null);
  try {
    const names = directories.map((_, at) => `/proc/self/fd/${String(3 + at)}/.`);
    const { stdout } = spawnSync('lsattr', ['-d', ...names], { stdio: ['ignore', 'pipe', 'ignore', ...directories], encoding: 'utf8' });
    // Nothing is said where there are no flags.
    const flags = new Map(stdout.split('\n').map((line) => [line.split(' ')[1], line.split(' ')[0]]));
    return opened.map((file) => (file === null ? '' : (flags.get(names[directories.indexOf(file)]) ?? '')));
  } finally {
    for (const file of directories) closeSync(file);
  }
}

/** The path on the filesystem itself of one that a scene has bound to one of its mount points. */
export function unbound(path: string): string {
  return path.replace(/\/mount-\d+\//, '/');
}
