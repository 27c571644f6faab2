/** In the test machine: a filesystem with the field fixture on it, mounted as that machine would have it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromText, joinPath, printable, type BytePath } from '../../../src/byte-path.ts';
import { readNames } from '../../../src/system/names.ts';
import type { FieldGround } from '../../fixtures/field-boots.ts';
import { bcachefsGround, btrfsGround, zfsGround } from '../../fixtures/field-grounds.ts';
import { untouchedDigest } from '../../fixtures/tree-digest.ts';
import { tool } from '../../support/scratch.ts';
import { LIVE, type Filesystem, type State } from './story-contract.ts';

const TOP = '/run/top';
const LOOK = '/run/look';
const DEVICES = { btrfs: '/dev/vdb', bcachefs: '/dev/vdc' } as const;

export interface StoryMachine {
  readonly ground: FieldGround;
  /** The sources of its mounts begin with this. */
  readonly source: string;
  /** Makes the live root what is mounted, and nothing else. */
  start(): void;
  /** What the initrd sees. */
  shutDown(): void;
  /** While `use` runs the trees can be read: the blank by its word, old roots by their names. */
  look<T>(use: (trees: ReadonlyMap<string, BytePath>) => T): T;
}

export function makeMachine(filesystem: Filesystem): StoryMachine {
  mkdirSync(LIVE, { recursive: true });
  return filesystem === 'zfs' ? zfsMachine() : subvolumeMachine(filesystem);
}

export function stateOf(trees: ReadonlyMap<string, BytePath>): State {
  return Object.fromEntries([...trees].map(([name, path]) => [name, untouchedDigest(path)]));
}

function subvolumeMachine(filesystem: 'btrfs' | 'bcachefs'): StoryMachine {
  const device = DEVICES[filesystem];
  // bcachefs may crash when all is done (tools 1.13): what counts is whether it can be mounted.
  if (filesystem === 'btrfs') tool('mkfs.btrfs', '-q', device);
  else tool('sh', '-c', 'bcachefs format --quiet "$1" || true', 'sh', device);
  const mount = (options: string, at: string): void => {
    mkdirSync(at, { recursive: true });
    tool('mount', '-t', filesystem, '-o', options, device, at);
  };
  const [top, live, blank] =
    filesystem === 'btrfs' ? ['subvolid=5', 'subvol=root', 'root-blank'] : ['rw', 'X-mount.subdir=root', 'blank_root'];
  mount(top, TOP);
  return {
    ground: filesystem === 'btrfs' ? btrfsGround(TOP) : bcachefsGround(TOP),
    source: device,
    start: () => {
      tool('umount', TOP);
      mount(live, LIVE);
    },
    shutDown: () => {
      tool('umount', LIVE);
      mount(top, TOP);
    },
    look: (use) => {
      mount(top, LOOK);
      try {
        const archive = join(LOOK, 'old_roots');
        const names = readNames(fromText(archive));
        const trees = names.map((name): [string, BytePath] => [printable(name), joinPath(fromText(archive), name)]);
        return use(new Map([['blank', fromText(join(LOOK, blank))], ...trees]));
      } finally {
        tool('umount', LOOK);
      }
    },
  };
}

function zfsMachine(): StoryMachine {
  makePool('rpool');
  return {
    ground: zfsGround('rpool', LIVE),
    source: 'rpool',
    start: () => undefined,
    shutDown: () => undefined,
    look: (use) => lookAtPool('rpool', 'rpool/blank@blank', use),
  };
}

/** As machines with ZFS commonly have it. Without udev a whole disk cannot be given to it, so it lies in a file. */
export function makePool(pool: string): void {
  const file = `/var/${pool}`;
  tool('truncate', '-s', '512M', file);
  tool('zpool', 'create', '-m', 'none', '-O', 'acltype=posixacl', '-O', 'xattr=sa', '-O', 'relatime=on', pool, file);
}

/** Datasets right below the archive, and the blank. */
export function lookAtPool<T>(pool: string, blank: string, use: (trees: ReadonlyMap<string, BytePath>) => T): T {
  const archive = `${pool}/old_roots`;
  const datasets = tool('zfs', 'list', '-H', '-o', 'name', '-d', '1', '-r', archive).trimEnd().split('\n').slice(1);
  const trees = new Map<string, string>([
    ['blank', blank],
    ...datasets.map((dataset): [string, string] => [dataset.slice(archive.length + 1), dataset]),
  ]);
  const at = (name: string): string => join(LOOK, name);
  mkdirSync(LOOK, { recursive: true });
  tool('mount', '-t', 'tmpfs', 'look', LOOK);
  try {
    for (const [name, dataset] of trees) {
      mkdirSync(at(name));
      tool('mount', '-i', '-t', 'zfs', '-o', 'ro', dataset, at(name));
    }
    return use(new Map([...trees.keys()].map((name) => [name, fromText(at(name))])));
  } finally {
    tool('umount', '--recursive', LOOK);
  }
}
