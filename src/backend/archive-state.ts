/**
 * What roots itself keeps in an archive that is a directory: the folder `.roots`. Nothing of it may be on the live root, which forgets.
 *
 * On btrfs the folder is a subvolume. Boot snippets walk the archive by age, and on a plain directory there some go on to delete every subvolume beside
 * it (`btrfs subvolume list -o DIR` lists those of the containing subvolume). On bcachefs it is a plain directory: those snippets would delete a subvolume
 * with the pins in it, and `bcachefs subvolume delete` of a plain directory fails and does nothing (1.13).
 */
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import * as v from 'valibot';
import { fromText, joinPath, printable, toBytes, toText, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import type { Pin } from './backend.ts';

export const STATE_FOLDER = fromText('.roots');
const PINS = fromText('pins.json');

const StoredPin = v.strictObject({
  /** Only so that a person can read the file. */
  name: v.string(),
  note: v.string(),
  at: v.pipe(v.string(), v.isoTimestamp()),
});
/** `v.record` would leave out `constructor` and its like without a word, and so the pin of a directory of that name. */
const PinsById = v.pipe(
  v.custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  v.transform((value) => Object.entries(value)),
  v.array(v.tuple([v.string(), StoredPin])),
  v.transform((entries) => Object.fromEntries(entries)),
);
const PinsFile = v.strictObject({ version: v.literal(1), pins: PinsById });

type StoredPins = Readonly<Record<string, v.InferOutput<typeof StoredPin>>>;

export interface Pins {
  /** By the id of the tree. */
  readonly stored: StoredPins;
  /** Set if the pins are there and cannot be understood: then every tree must be taken for pinned. */
  readonly unreadable: string | null;
}

export function readPins(archive: BytePath): Pins {
  const path = joinPath(archive, STATE_FOLDER, PINS);
  try {
    // A link that leads nowhere would look like no pins at all.
    if ([joinPath(archive, STATE_FOLDER), path].some(isLink))
      return { stored: {}, unreadable: `${printable(STATE_FOLDER)}/${printable(PINS)} is reached by a symbolic link` };
    return { stored: v.parse(PinsFile, JSON.parse(readFileSync(toBytes(path), 'utf8'))).pins, unreadable: null };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { stored: {}, unreadable: null };
    return {
      stored: {},
      unreadable: `${printable(STATE_FOLDER)}/${printable(PINS)} ${errnoOf(error) === undefined ? 'is damaged' : `cannot be read (${messageOf(error)})`}`,
    };
  }
}

function isLink(path: BytePath): boolean {
  return lstatSync(toBytes(path), { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** Of an archive, for people. `onTheirWay`: how many removals were cut short. */
export function warningsOf({ unreadable }: Pins, onTheirWay: number): string[] {
  return [
    ...(unreadable === null ? [] : [`${unreadable}: every old root counts as pinned`]),
    ...(onTheirWay === 0 ? [] : [`${String(onTheirWay)} on the way out when a run was cut short; the next prune goes on with that`]),
  ];
}

/** The pin of a tree as `Pins` have it; while they are unreadable, a pin that says so. */
export function pinOf(pins: Pins, id: string): Pin | null {
  if (pins.unreadable !== null) return { note: pins.unreadable, at: new Date(0) };
  const stored = Object.hasOwn(pins.stored, id) ? pins.stored[id] : undefined;
  return stored === undefined ? null : { note: stored.note, at: new Date(stored.at) };
}

/** Replaces the file as a whole. The state folder must exist; the lock must be held. */
export function writePin(archive: BytePath, tree: { readonly id: string; readonly name: BytePath }, pin: Pin | null): void {
  const { stored, unreadable } = readPins(archive);
  if (unreadable !== null) {
    throw new RootsError('failed', `${unreadable}, so no pin can be changed`, {
      hint: 'mend the file, or move it away if its pins are not needed',
    });
  }
  const others = Object.entries(stored).filter(([id]) => id !== tree.id);
  const own = pin === null ? [] : [[tree.id, { name: toText(tree.name), note: pin.note, at: pin.at.toISOString() }] as const];
  writeDurably(
    joinPath(archive, STATE_FOLDER),
    PINS,
    `${JSON.stringify({ version: 1, pins: Object.fromEntries([...others, ...own]) }, null, 2)}\n`,
  );
}

/** As a plain directory, if it is missing. Errors: `failed` if something else has its name, a link to a directory too. */
export function makeStateFolder(archive: BytePath): void {
  if (!hasStateFolder(archive)) mkdirSync(toBytes(joinPath(archive, STATE_FOLDER)), { mode: 0o700 });
}

/** True if the state folder is there. Errors: `failed` if something else has its name. */
export function hasStateFolder(archive: BytePath): boolean {
  const stats = lstatSync(toBytes(joinPath(archive, STATE_FOLDER)), { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (!stats.isDirectory())
    throw new RootsError('failed', `\`${printable(STATE_FOLDER)}\` in the archive is no directory`, {
      hint: 'move it away: roots keeps its state there',
    });
  return true;
}

/** Changes with every name in the directory. Two changes within one tick of the kernel's clock have one time, but seldom one size. */
export function generationOf(archive: BytePath): string {
  const { dev, ino, mtimeNs, size } = statSync(toBytes(joinPath(archive, fromText('.'))), { bigint: true });
  return [dev, ino, mtimeNs, size].map(String).join(' ');
}

/** Old content or new content, whole, whatever happens between two steps. */
export function writeDurably(directory: BytePath, name: BytePath, text: string): void {
  const folder = openSync(toBytes(directory), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const at = fromText(`/proc/self/fd/${String(folder)}`);
    const fresh = toBytes(joinPath(at, fromText(`.${toText(name)}.new`)));
    const file = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, toBytes(joinPath(at, name)));
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
