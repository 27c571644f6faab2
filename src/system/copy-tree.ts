/**
 * Copying something with all that it is made of, by cp(1) of coreutils: Node's own copy loses owners, ACLs, capabilities, hard links and nanoseconds, and leaves set-user-ID bits
 * on what has become root's.
 */
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { joinPath, printableText, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { isSameContent, readEntry } from './entry.ts';
import { readNames } from './names.ts';
import type { Run, RunResult } from './run.ts';
import { asUnreadable } from './unreadable.ts';

export interface CopyReport {
  /** What the destination's filesystem could not take on (attributes, an owner), for people. */
  readonly lost: readonly string[];
  /** What of a directory could not be read, or not be made. The rest was copied. */
  readonly missing: readonly Missing[];
}

export interface Missing {
  /** Relative to what was copied. Of a directory: nothing below it was copied. */
  readonly path: BytePath;
  /** For people. */
  readonly why: string;
}

/**
 * Copies the file, link, special file or directory at `from` to `to`, where nothing is. Of a directory, what cannot be copied does not stop the rest. Errors: `failed` if nothing can be copied, or
 * if there is no room for all; `interrupted`. After an error anything may be at `to`.
 */
export async function copyTree(run: Run, from: BytePath, to: BytePath, signal: AbortSignal): Promise<CopyReport> {
  // `-a` alone is silent about attributes that it cannot keep; naming `xattr` makes it say so, and fail.
  const strict = await copy(run, ['-dR', '--preserve=mode,ownership,timestamps,links,xattr'], from, to, signal);
  const lost = complaints(strict).filter((line) => ATTRIBUTE_LOST.test(line));
  const last = lost.length === 0 ? strict : await copyAgain(run, from, to, signal);
  return {
    lost: lost.map((line) => printableText(line.replace(/^cp: /, '').replace(/ for '.*': /, ': '))),
    missing: last.status === 0 ? [] : missingFrom(from, to, last),
  };
}

/** Where the filesystem just has no place for an attribute. */
async function copyAgain(run: Run, from: BytePath, to: BytePath, signal: AbortSignal): Promise<RunResult> {
  await run('rm', ['-rf', '--one-file-system', '--', { path: to }]);
  return copy(run, ['-a'], from, to, signal);
}

async function copy(run: Run, how: readonly string[], from: BytePath, to: BytePath, signal: AbortSignal): Promise<RunResult> {
  const result = await run('cp', [...how, '--reflink=auto', '--sparse=auto', '--no-target-directory', '--', { path: from }, { path: to }], {
    signal,
  });
  // A status of cp itself is 0 or 1.
  if (result.status > 1 || complaints(result).some((line) => NO_ROOM.test(line))) throw describeFailure(result);
  return result;
}

function complaints({ status, stderr }: RunResult): string[] {
  return status === 0 ? [] : stderr.split('\n').filter((line) => line !== '');
}

// coreutils 9.1 and 9.7, with LC_ALL=C.
const ATTRIBUTE_LOST =
  /^cp: (?:setting attributes?|preserving|failed to preserve|.*xattr).*: (?:Operation not supported|Operation not permitted|Not supported)$/;
/** The copy would be cut short, and so would whatever comes after it. */
const NO_ROOM = /: (?:No space left on device|Disk quota exceeded|Read-only file system)$/;

function describeFailure(result: RunResult): RootsError {
  return new RootsError('failed', `it cannot be copied: ${reasonOf(result)}`);
}

/** The first of them. */
function reasonOf(result: RunResult): string {
  const lines = complaints(result).filter((line) => !ATTRIBUTE_LOST.test(line));
  return printableText((lines.find((line) => NO_ROOM.test(line)) ?? lines[0])?.split(': ').at(-1) ?? 'cp was ended');
}

/**
 * What cp says names files in a way that cannot be read back, so both trees are looked at. A file that could not be read to its end is a part of a file at its destination, and is
 * taken away there.
 */
function missingFrom(from: BytePath, to: BytePath, result: RunResult): Missing[] {
  if (readEntry(from)?.type !== 'directory' || readEntry(to)?.type !== 'directory') throw describeFailure(result);
  const missing: Missing[] = [];
  const ahead = [{ path: '' as BytePath, source: from, copied: to }];
  for (let each = ahead.pop(); each !== undefined; each = ahead.pop()) {
    const { path, source, copied } = each;
    try {
      if (!isCopied(source, copied)) missing.push({ path, why: whyNotRead(source) ?? reasonOf(result) });
      else if (readEntry(source)?.type === 'directory')
        for (const name of readNames(source))
          ahead.push({ path: path === '' ? name : joinPath(path, name), source: joinPath(source, name), copied: joinPath(copied, name) });
    } catch (error) {
      missing.push({ path, why: asUnreadable(error).why });
    }
  }
  // What cp complains of and is not seen here is not a success either.
  if (missing.length === 0 || missing.some(({ path }) => path === '')) throw describeFailure(result);
  return missing.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isCopied(source: BytePath, copied: BytePath): boolean {
  const [wanted, made] = [readEntry(source), readEntry(copied)];
  if (made === null || wanted?.type !== made.type) return false;
  if (made.type !== 'file') return true;
  // Not every filesystem keeps all of a time.
  if (wanted.size === made.size && (wanted.mtimeNs === made.mtimeNs || isSameContent(source, copied))) return true;
  rmSync(toBytes(copied));
  return false;
}

/** Null if it can be, as far as opening it tells. */
function whyNotRead(path: BytePath): string | null {
  try {
    const type = readEntry(path)?.type;
    if (type === 'directory') readNames(path);
    else if (type === 'file') closeSync(openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
    return null;
  } catch (error) {
    return asUnreadable(error).why;
  }
}
