/** Archives of a few small old roots, made in a moment: each test has one of its own and may do to it what it likes. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBtrfsImage, makeExt4Image, type LoopImage } from '../support/loop-image.ts';
import { missing } from '../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../support/scratch.ts';

/** The newest of an archive is its floor. Of these, `STAYS` is, and the others go by `KEEP_ONE`. */
export const [GOES, GOES_TOO, STAYS] = ['2020-01-01_00:00:00', '2020-01-02_00:00:00', '2021-06-01_00:00:00'] as const;
export const KEEP_ONE = 'keep = { last = 1 }';

export interface SmallArchive {
  readonly scratch: string;
  /** Where its things are on the host. */
  readonly top: string;
  /** Where the live root is mounted, or just is. */
  readonly live: string;
  readonly archive: string;
  /** An old root with a few files; returns its path. */
  add(name: string): string;
  /** What is in the archive, but for what the program keeps there. */
  names(): string[];
  /** A configuration of this archive as the target `root`; `more` is put after it. */
  config(rules?: string, more?: string): string;
  /** The lines that say where it is. */
  readonly place: string;
  close(): void;
}

export interface SmallBtrfs extends SmallArchive {
  readonly image: LoopImage;
  create(path: string): string;
  idOf(path: string): string;
}

export const FILE = 'home/alice/notes.txt';

export function fillRoot(root: string, name: string): void {
  for (const path of ['etc', 'var', 'home/alice']) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, FILE), `notes of ${name}\n`);
}

/** Directories on a small filesystem of their own. */
export function smallExt4({ sizeMiB }: { readonly sizeMiB: number }): SmallArchive {
  const scratch = makeScratch();
  const image = makeExt4Image({ sizeMiB, dir: scratch.path });
  const top = image.mount({}, join(scratch.path, 'top'));
  const live = join(top, 'live');
  for (const path of ['old_roots', 'live']) mkdirSync(join(top, path), { mode: 0o755 });
  fillRoot(live, 'now');
  const place = `backend = "directory"\nlive = "${live}"\narchive = "${join(top, 'old_roots')}"`;
  const made = common(scratch, top, place, (path) => {
    mkdirSync(join(top, path));
  });
  const close = (): void => {
    image.close();
    scratch.remove();
  };
  return { ...made, live, close };
}

/** `step`: the call that takes an old root away for good, as the program makes it. */
export type Kind = readonly [name: string, make: () => SmallArchive, step: readonly [program: string, calls: string]];

export function smallBtrfs({ sizeMiB = 128 }: { readonly sizeMiB?: number } = {}): SmallBtrfs {
  const scratch = makeScratch();
  const image = makeBtrfsImage({ sizeMiB, dir: scratch.path });
  const top = image.mount({}, join(scratch.path, 'top'));
  const create = (path: string): string => {
    tool('btrfs', 'subvolume', 'create', join(top, path));
    return join(top, path);
  };
  mkdirSync(join(top, 'old_roots'));
  for (const name of ['root', 'root-blank']) create(name);
  const live = image.mount({ subvolume: 'root' }, join(scratch.path, 'live'));
  fillRoot(live, 'now');
  const place = `device = "${image.device}"\nlive = "root"\nblank = "root-blank"\narchive = "old_roots"`;
  return {
    ...common(scratch, top, place, (path) => create(path)),
    image,
    create,
    idOf: (path) => /^\tSubvolume ID:\s+(\d+)$/m.exec(tool('btrfs', 'subvolume', 'show', join(top, path)))?.[1] ?? '',
    close: () => {
      image.close();
      scratch.remove();
    },
  };
}

export function smallDirectory(): SmallArchive {
  const scratch = makeScratch();
  const { path } = scratch;
  for (const name of ['old_roots', 'live']) {
    mkdirSync(join(path, name));
    // Whatever the umask is: an archive that others can write to is none.
    chmodSync(join(path, name), 0o755);
  }
  fillRoot(join(path, 'live'), 'now');
  const place = `backend = "directory"\nlive = "${join(path, 'live')}"\narchive = "${join(path, 'old_roots')}"`;
  const made = common(scratch, path, place, (each) => {
    mkdirSync(join(path, each));
  });
  return { ...made, close: () => scratch.remove() };
}

const BTRFS: Kind = ['btrfs', smallBtrfs, ['nsenter', '*"subvolume delete"*']];
const DIRECTORIES: Kind = ['directories', smallDirectory, ['rm', '*/.roots-deleting.*']];
/** What this machine can make. */
export const KINDS = missing('btrfs') === false ? [BTRFS, DIRECTORIES] : [DIRECTORIES];

function common(scratch: Scratch, top: string, place: string, make: (path: string) => unknown): Omit<SmallArchive, 'close'> {
  const archive = join(top, 'old_roots');
  const add = (name: string): string => {
    make(join('old_roots', name));
    fillRoot(join(archive, name), name);
    return join(archive, name);
  };
  for (const name of [GOES, GOES_TOO, STAYS]) add(name);
  let configs = 0;
  return {
    scratch: scratch.path,
    top,
    live: join(scratch.path, 'live'),
    archive,
    place,
    add,
    names: () =>
      readdirSync(archive)
        .filter((name) => name !== '.roots')
        .sort(),
    config: (rules = KEEP_ONE, more = '') => {
      configs += 1;
      const file = join(scratch.path, `roots-${String(configs)}.toml`);
      writeFileSync(file, `[targets.root]\n${place}\n${rules}\n${more}\n`);
      return file;
    },
  };
}
