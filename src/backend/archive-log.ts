/**
 * The log of an archive that is a directory: lines in its state folder, and one older file when that has grown. What is written in them is
 * the business of those who write it.
 */
import { closeSync, constants, fstatSync, fsyncSync, lstatSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { fromText, joinPath, toBytes, type BytePath } from '../byte-path.ts';
import { errnoOf } from '../errors.ts';
import { STATE_FOLDER } from './archive-state.ts';

const LOG = fromText('log.jsonl');
const OLDER = fromText('log.1.jsonl');
/** Bytes; some thousand removals. */
const ROTATE_AT = 1 << 20;
/** Bytes that are read of a file: one that we wrote is no longer. */
const MOST = 4 * ROTATE_AT;

/** Whole lines, oldest first. */
export function readLogLines(archive: BytePath): string[] {
  const folder = openIfThere(joinPath(archive, STATE_FOLDER), constants.O_DIRECTORY);
  if (folder === undefined) return [];
  try {
    return [OLDER, LOG].flatMap((name) => readLines(joinPath(fromText(`/proc/self/fd/${String(folder)}`), name)));
  } finally {
    closeSync(folder);
  }
}

/** What was cut short by a power loss has no end. */
function readLines(path: BytePath): string[] {
  const file = openIfThere(path, constants.O_NONBLOCK);
  if (file === undefined) return [];
  try {
    if (!fstatSync(file).isFile()) return [];
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, MOST));
    const length = readSync(file, tail, 0, tail.length, size - tail.length);
    const lines = tail.toString('utf8', 0, length).split('\n').slice(0, -1);
    return size > MOST ? lines.slice(1) : lines;
  } finally {
    closeSync(file);
  }
}

/** A link is none of ours. */
function openIfThere(path: BytePath, flags: number): number | undefined {
  try {
    return openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | flags);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** The state folder must exist. Errors: as the kernel's. */
export function appendLogLines(archive: BytePath, lines: readonly string[]): void {
  const folder = openSync(toBytes(joinPath(archive, STATE_FOLDER)), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const at = (name: BytePath): Buffer => toBytes(joinPath(fromText(`/proc/self/fd/${String(folder)}`), name));
    const size = lstatSync(at(LOG), { throwIfNoEntry: false })?.size;
    const isNew = size === undefined || size >= ROTATE_AT;
    if (size !== undefined && isNew) renameSync(at(LOG), at(OLDER));
    const file = openSync(at(LOG), constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      const text = lines.map((line) => `${line}\n`).join('');
      writeFileSync(file, endsInLine(file) ? text : `\n${text}`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (isNew) fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function endsInLine(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.toString() === '\n');
}
