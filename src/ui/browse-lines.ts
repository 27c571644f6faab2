/** The lines of `roots browse`: each is one old root or one entry, no wider than the screen, and safe to print. */
import { baseName, printable, type BytePath } from '../byte-path.ts';
import type { BrowsedRoot } from '../operations/browse.ts';
import type { Version } from '../operations/history.ts';
import type { BrowsedEntry } from '../operations/open-root.ts';
import { formatAgo, formatBytes, formatCount, formatTime } from './format.ts';
import { shorten, shortenMiddle } from './terminal.ts';

export interface LineOptions {
  /** Columns for the line. */
  readonly width: number;
  readonly now: Date;
  readonly zone: string | undefined;
}

/** When, how long ago, when that boot began and how large it is, as far as that is known; its target where there are several. */
export function rootLines(roots: readonly BrowsedRoot[], options: LineOptions): string[] {
  const targets = new Set(roots.map(({ root }) => root.target.name));
  const hasSizes = roots.some(({ size }) => size.sizeBytes !== null);
  return roots.map(({ root: { judged, label, target }, size }) => {
    if (judged === null) return shortenMiddle(`${label}  (nobody knows when that was)`, options.width);
    const { archivedAt, bootedAt } = judged.root;
    const parts = [
      formatTime(archivedAt, options.zone),
      agoOf(archivedAt, options.now).padEnd('in 999 days'.length),
      ...(hasSizes ? [(size.sizeBytes === null ? '' : formatBytes(size.sizeBytes)).padStart('999 KiB'.length)] : []),
      ...(targets.size > 1 ? [target.name] : []),
      ...(bootedAt === null ? [] : [`booted ${formatTime(bootedAt, options.zone)}`]),
    ];
    return shorten(parts.join('  ').trimEnd(), options.width);
  });
}

/** The old root by when it was, as a person thinks of it. */
export function rootTitle({ root: { judged, label } }: Pick<BrowsedRoot, 'root'>, { now, zone }: Omit<LineOptions, 'width'>): string {
  return judged === null ? label : `${formatTime(judged.root.archivedAt, zone)}, ${agoOf(judged.root.archivedAt, now)}`;
}

function agoOf(time: Date, now: Date): string {
  return formatAgo((now.getTime() - time.getTime()) / 1000);
}

/** `of`: by their names in one directory, or by their paths from anywhere. One column for all names, as wide as the longest needs. */
export function entryLines(entries: readonly BrowsedEntry[], of: 'names' | 'paths', { width, zone }: LineOptions): string[] {
  const room = Math.max(width - SIZE - TIME - 4, 12);
  const names = entries.map((entry) => shortenMiddle(nameOf(entry, of), room));
  const column = Math.min(Math.max(...names.map((name) => name.length), 0), room);
  return entries.map((entry, at) => {
    const name = (names[at] ?? '').padEnd(column);
    return shorten(`${name}  ${sizeOf(entry).padStart(SIZE)}  ${formatTime(modifiedAt(entry), zone)}`, width);
  });
}

const SIZE = '999 KiB'.length;
const TIME = 'yyyy-MM-dd HH:mm'.length;

function nameOf(entry: BrowsedEntry, of: 'names' | 'paths'): string {
  const path = of === 'names' ? printable(baseName(entry.path)) : shownPath(entry.path);
  if (entry.type === 'directory') return `${path}/`;
  return entry.target === null ? path : `${path} → ${printable(entry.target)}`;
}

/** As it was on the live system. */
export function shownPath(path: BytePath): string {
  return `/${printable(path)}`;
}

/** Null if the line says all there is to say. */
export function fullName(entry: BrowsedEntry, of: 'names' | 'paths', line: string): string | null {
  const name = nameOf(entry, of);
  return line.startsWith(name) ? null : name;
}

function modifiedAt({ mtimeNs }: Pick<BrowsedEntry, 'mtimeNs'>): Date {
  return new Date(Number(mtimeNs / 1_000_000n));
}

/** The size of a file, and of anything else what it is; nothing for directories, which their names end to say. */
function sizeOf({ type, size }: BrowsedEntry): string {
  switch (type) {
    case 'file':
      return formatBytes(size);
    case 'directory':
      return '';
    case 'symlink':
      return 'link';
    case 'block':
    case 'char':
      return 'device';
    case 'fifo':
    case 'socket':
      return type;
  }
}

/** When it was written, how large it is, where it was, and what is other than before. */
export function versionLines(versions: readonly Version[], { width, now, zone }: LineOptions): string[] {
  return versions.map((version) => {
    const { modifiedAt: time, size, roots, isLive, last, what } = version;
    const ago = last.judged === null ? '' : `, last ${agoOf(last.judged.root.archivedAt, now)}`;
    const where = roots === 0 ? 'only now' : `in ${formatCount(roots, 'old root')}${ago}${isLive ? ', and now' : ''}`;
    const parts = [formatTime(time, zone), (size === null ? '' : formatBytes(size)).padStart(SIZE), where, what.join(', ')];
    return shorten(parts.join('  ').trimEnd(), width);
  });
}

/** The label of an old root that has it, the newest that is known; null if only the live root does. */
export function newestWith({ first, last }: Version): string | null {
  return [last, first].find(({ judged }) => judged !== null)?.label ?? null;
}

/** What a thing is, for the title of its menu: type or size, time and permissions. */
export function factsOf(entry: Pick<BrowsedEntry, 'type' | 'size' | 'mode' | 'mtimeNs' | 'uid'>, zone: string | undefined): string {
  const what = entry.type === 'file' ? formatBytes(entry.size) : TYPES[entry.type];
  return [what, formatTime(modifiedAt(entry), zone), `mode ${entry.mode.toString(8).padStart(4, '0')}`, `user ${String(entry.uid)}`].join(
    ', ',
  );
}

const TYPES = {
  directory: 'directory',
  symlink: 'symbolic link',
  fifo: 'FIFO',
  socket: 'socket',
  block: 'block device',
  char: 'character device',
} as const;
