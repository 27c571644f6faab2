/**
 * What btrfs-progs (6.2 to 7.3) print, as values. Names are printed raw, newlines included, and a user may name a
 * subvolume of their own: whatever could have been made up by a name is left out here, never guessed at.
 */
import { fromBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';

export interface Subvolume {
  /** Never used twice in the life of a filesystem. */
  readonly id: number;
  /** The subvolume that contains it; 5 is the top level. */
  readonly parentId: number;
  readonly uuid: string;
  /** Relative to the top level. */
  readonly path: BytePath;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const LIST_LINE = new RegExp(
  `^ID (\\d+) gen \\d+ parent (\\d+) top level \\d+ (?:parent_uuid (?:${UUID}|-) +)?uuid (${UUID}|-) +path (.*)$`,
  's',
);

/**
 * `btrfs subvolume list -p -u`, with or without `-q`, and with the top level as its path. A name with a newline looks like several lines; a line that is made up this way
 * repeats an id or a path that is there for real, or names one that does not exist. All that is there twice is left out.
 */
export function parseSubvolumeList(stdout: Buffer): Subvolume[] {
  const found: Subvolume[] = [];
  for (const line of linesOf(stdout)) {
    const [, id, parentId, uuid, path] = LIST_LINE.exec(line) ?? [];
    if (id === undefined || parentId === undefined || uuid === undefined || path === undefined) {
      if (found.length === 0) throw unexpected('btrfs subvolume list', line);
      continue;
    }
    found.push({ id: Number(id), parentId: Number(parentId), uuid, path: path as BytePath });
  }
  return withoutRepeated(
    found,
    (each) => String(each.id),
    (each) => each.path,
    (each) => each.uuid,
  );
}

/** The ids and parents of all lines, those that a name imitates among them: each must be asked for by its id before it counts. */
export function parseSubvolumeIds(stdout: Buffer): Pick<Subvolume, 'id' | 'parentId'>[] {
  return linesOf(stdout).flatMap((line) => {
    const [, id, parentId] = LIST_LINE.exec(line) ?? [];
    return id === undefined || parentId === undefined ? [] : [{ id: Number(id), parentId: Number(parentId) }];
  });
}

const ANCESTRY_LINE = new RegExp(`^ID \\d+ gen \\d+ parent \\d+ top level \\d+ parent_uuid (${UUID}|-) +uuid (${UUID}) +path `);

/** `btrfs subvolume list -p -q -u`: by UUID, that of what it is a snapshot of. A name can imitate a line, so it may say of some what is not so. */
export function parseAncestry(stdout: Buffer): Map<string, string> {
  return new Map(
    linesOf(stdout).flatMap((line) => {
      const [, parent, own] = ANCESTRY_LINE.exec(line) ?? [];
      return parent === undefined || own === undefined || parent === '-' ? [] : [[own, parent] as const];
    }),
  );
}

/** `btrfs inspect-internal inode-resolve INODE ROOT`: the names of a file, as paths below the root. One with a line break in it takes several lines. */
export function parseResolved(stdout: Buffer, root: BytePath): BytePath[] {
  const names: string[] = [];
  for (const line of linesOf(stdout)) {
    if (line.startsWith(`${root}/`)) names.push(line.slice(root.length + 1));
    else names.push(`${names.pop() ?? ''}\n${line}`);
  }
  return names as BytePath[];
}

export interface RootItem {
  readonly id: number;
  readonly uuid: string;
  /** otime: when the subvolume was made, to the second. */
  readonly createdAt: Date;
  readonly readOnly: boolean;
}

/**
 * The root items of `btrfs inspect-internal dump-tree -t root`, which is one program for all, where `btrfs subvolume show`
 * is one program for each. It shows what was last committed, so a new subvolume may be missing; id, uuid and otime of those that are there never change
 * (whether it is read-only does).
 */
export function parseRootItems(stdout: Buffer): RootItem[] {
  const found: RootItem[] = [];
  let id: number | undefined;
  let uuid: string | undefined;
  let readOnly = false;
  for (const line of linesOf(stdout)) {
    const item = /^\titem \d+ key \((\S+) (\S+) \d+\)/.exec(line);
    if (item !== null) {
      id = item[2] === 'ROOT_ITEM' ? Number(item[1]) : undefined;
      uuid = undefined;
      continue;
    }
    readOnly = /^\t\tlast_snapshot \d+ flags 0x[0-9a-f]+\((.*)\) refs \d+$/.exec(line)?.[1]?.includes('RDONLY') ?? readOnly;
    uuid = new RegExp(`^\t\tuuid (${UUID})$`).exec(line)?.[1] ?? uuid;
    // To the second, as `btrfs subvolume show` has it: which of the two was asked must not be seen.
    const [, seconds] = /^\t\totime (\d+)\.\d{1,9} /.exec(line) ?? [];
    if (id === undefined || Number.isNaN(id) || uuid === undefined || seconds === undefined) continue;
    found.push({ id, uuid, createdAt: new Date(Number(seconds) * 1000), readOnly });
  }
  return withoutRepeated(
    found,
    (each) => String(each.id),
    (each) => each.uuid,
  );
}

/** `btrfs subvolume show PATH`. Errors: `failed` unless each of its lines is there exactly once. */
export function parseSubvolumeShow(stdout: Buffer): {
  readonly id: number;
  readonly uuid: string;
  readonly createdAt: Date;
  readonly readOnly: boolean;
} {
  const text = stdout.toString('latin1');
  const uuid = onlyMatch(text, new RegExp(`^\tUUID: \\s+(${UUID})$`, 'gm'));
  const id = onlyMatch(text, /^\tSubvolume ID:\s+(\d+)$/gm);
  const created = onlyMatch(text, /^\tCreation time:\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})$/gm);
  const flags = onlyMatch(text, /^\tFlags:\s+(\S+)$/gm);
  return {
    id: Number(id),
    uuid,
    createdAt: new Date(created.replace(/^(\S+) (\S+) (...)(..)$/, '$1T$2$3:$4')),
    readOnly: flags === 'readonly',
  };
}

/** `btrfs filesystem du -s --raw PATH…`: total and exclusive bytes, in the order of the arguments. */
export function parseDiskUsage(stdout: Buffer, count: number): { readonly total: number; readonly exclusive: number }[] {
  const sizes = linesOf(stdout).flatMap((line) => {
    const [, total, exclusive] = /^\s*(\d+)\s+(\d+)\s+(?:\d+|-)\s{2}/.exec(line) ?? [];
    return total === undefined || exclusive === undefined ? [] : [{ total: Number(total), exclusive: Number(exclusive) }];
  });
  if (sizes.length !== count)
    throw new RootsError('failed', `\`btrfs filesystem du\` told ${String(sizes.length)} sizes for ${String(count)} subvolumes`);
  return sizes;
}

function linesOf(stdout: Buffer): string[] {
  const text: string = fromBytes(stdout);
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function onlyMatch(text: string, pattern: RegExp): string {
  const matches = [...text.matchAll(pattern)];
  const value = matches[0]?.[1];
  if (matches.length !== 1 || value === undefined) throw unexpected('btrfs subvolume show', text);
  return value;
}

function withoutRepeated<T>(items: readonly T[], ...keys: readonly ((item: T) => string)[]): T[] {
  const counts = keys.map((key) => {
    const count = new Map<string, number>();
    for (const item of items) count.set(key(item), (count.get(key(item)) ?? 0) + 1);
    return count;
  });
  return items.filter((item) => keys.every((key, at) => counts[at]?.get(key(item)) === 1));
}

function unexpected(program: string, text: string): RootsError {
  return new RootsError('failed', `\`${program}\` printed what is not understood: ${JSON.stringify(text.slice(0, 200))}`);
}

/**
 * `stat --file-system --printf '%i\0%n\0'` of the top level and then of other paths on one btrfs: the subvolume that each path is in, by path.
 * statfs(2) gives the filesystem's id xor that of the subvolume (fs/btrfs/super.c, since Linux 2.6.29), and the top level is 5. Paths that do
 * not exist are missing.
 */
export function parseFilesystemIds(stdout: Buffer): Map<BytePath, number> {
  const fields = fromBytes(stdout).split('\0').slice(0, -1);
  const words = fields.filter((_, at) => at % 2 === 0);
  const paths = fields.filter((_, at) => at % 2 === 1) as BytePath[];
  const [top, ...others] = words.map((word) => (/^[0-9a-f]{1,16}$/.test(word) ? BigInt(`0x${word}`) : undefined));
  if (top === undefined || others.includes(undefined) || words.length !== paths.length)
    throw unexpected('stat --file-system', fields.join(' '));
  return new Map(paths.slice(1).map((path, at) => [path, Number((others[at] ?? top) ^ top ^ 5n)]));
}

/** The ids of `btrfs subvolume list -d`: what is removed and not yet cleaned up, so that its space has not come back. */
export function parseDeleted(stdout: Buffer): Set<number> {
  const lines = linesOf(stdout).map((line) => /^ID (\d+) gen \d+ top level 0 path DELETED$/.exec(line)?.[1]);
  return new Set(lines.filter((id) => id !== undefined).map(Number));
}
