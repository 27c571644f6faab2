/**
 * The configuration: /etc/roots.toml, or the file that --config or ROOTS_CONFIG names. No file is needed.
 *
 * Most machines have no file and start-up time counts, so the parser, the schema and all that reads a file are loaded
 * only once there is one.
 */
import { isUtf8 } from 'node:buffer';
import { constants, type Stats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import type { BackendName } from './backend/backend.ts';
import { printableText } from './byte-path.ts';
import { RootsError, errnoOf, messageOf } from './errors.ts';
import type { Duration } from './retention/duration.ts';
import type { Policy } from './retention/policy.ts';

export interface TargetConfig {
  readonly name: string;
  /** Undefined: that of the filesystem on the device, or that the absolute paths are on; without either, to be detected. */
  readonly backend?: BackendName;
  /** Absolute; of bcachefs several, joined by colons. Given exactly if the place of a target on btrfs or bcachefs is configured. */
  readonly device?: string;
  /** The live root on ZFS. Given exactly if the place of such a target is configured. */
  readonly dataset?: string;
  /** With a device, these three are relative to the top level without a leading slash; without one, absolute. ZFS has no `live`. */
  readonly live?: string;
  /** ZFS: a snapshot. */
  readonly blank?: string;
  /** ZFS: a dataset. It may be left out: then the snapshots of `dataset` are all old roots there are. */
  readonly archive?: string;
  readonly policy: Policy;
  /** How long a removed old root stays in the trash. Undefined: not at all, it is deleted at once. */
  readonly grace?: Duration;
  /** Undefined: no snapshots are taken. */
  readonly rotate?: { readonly slots: number };
}

/** What `diff` hides beside what it hides anyway. */
export interface DiffConfig {
  /** Absolute paths of what is kept elsewhere, with all that is in it. */
  readonly persisted: readonly string[];
  /** A file with more of them, in JSON. Undefined: the usual one, if there is one. */
  readonly persistedList?: string;
  /** Patterns as in gitignore(5), relative to the root. */
  readonly ignore: readonly string[];
}

export interface Config {
  /** Where it was read from; null if there is no file. */
  readonly file: string | null;
  /** Undefined: the system's. */
  readonly timezone: string | undefined;
  /** How to read names that carry no zone. */
  readonly nameTimezone: string;
  readonly diff: DiffConfig;
  /** In the order of the file. */
  readonly targets: readonly TargetConfig[];
}

export const DEFAULT_FILE = '/etc/roots.toml';
export const DEFAULT_CONFIG: Config = {
  file: null,
  timezone: undefined,
  nameTimezone: 'UTC',
  diff: { persisted: [], ignore: [] },
  targets: [],
};

/** A configuration is a page of text; a file this large is something else. */
const MAX_BYTES = 1024 * 1024;

export async function readConfig(options: { path?: string; env: { ROOTS_CONFIG?: string } }): Promise<Config> {
  const chosen = choose(options.path, options.env.ROOTS_CONFIG);
  const bytes = await readSafely(chosen.file);
  if (bytes !== undefined) return parseConfig(decode(bytes, chosen.file), chosen.file);
  if (chosen.namedBy === undefined && !(await isLink(chosen.file))) return DEFAULT_CONFIG;
  throw missing(chosen);
}

/** Pure; `file` is only for messages. Throws one RootsError with every problem that the text has. */
export async function parseConfig(text: string, file: string): Promise<Config> {
  const parser = await import('./config/parse.ts');
  return parser.parseConfig(text, file);
}

/** Why root should not act on a file that somebody else can write; undefined if it may. */
export function distrust(stats: Pick<Stats, 'uid' | 'mode'>, euid: number | undefined): string | undefined {
  if (euid !== 0) return undefined;
  if (stats.uid !== 0) return `is owned by user ${stats.uid} and not by root`;
  if ((stats.mode & 0o022) !== 0) return `can be written by others than root (mode ${(stats.mode & 0o7777).toString(8).padStart(4, '0')})`;
  return undefined;
}

interface Choice {
  readonly file: string;
  readonly namedBy?: '--config' | 'ROOTS_CONFIG';
}

function choose(path: string | undefined, variable: string | undefined): Choice {
  if (path !== undefined) return { file: path, namedBy: '--config' };
  // Set but empty is how a unit file or a wrapper script says "unset".
  if (variable !== undefined && variable !== '') return { file: variable, namedBy: 'ROOTS_CONFIG' };
  return { file: DEFAULT_FILE };
}

/** Undefined if there is no such file. What is checked is the open file, so that it cannot be swapped in between. */
async function readSafely(file: string): Promise<Buffer | undefined> {
  let handle: FileHandle;
  try {
    // O_NONBLOCK: a FIFO must be refused, not waited for.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw unreadable(file, error);
  }
  try {
    const stats = await handle.stat();
    checkFile(file, stats);
    return await handle.readFile();
  } catch (error) {
    throw error instanceof RootsError ? error : unreadable(file, error);
  } finally {
    await handle.close();
  }
}

function checkFile(file: string, stats: Stats): void {
  const name = printableText(file);
  if (stats.isDirectory()) throw new RootsError('usage', `${name}: is a directory, not a configuration file`);
  if (!stats.isFile()) throw new RootsError('usage', `${name}: is not a regular file`);
  if (stats.size > MAX_BYTES) throw new RootsError('usage', `${name}: is too large for a configuration file (${stats.size} bytes)`);
  const reason = distrust(stats, process.geteuid?.());
  if (reason === undefined) return;
  throw new RootsError('usage', `${name}: ${reason}; it says what root deletes, so it is not used`, {
    hint: "make it root's alone: chown root, then chmod go-w",
  });
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RootsError('usage', `${printableText(file)}:${lineOfBadText(bytes)}: is not UTF-8 text`, { cause });
  }
}

function lineOfBadText(bytes: Buffer): number {
  const lines = bytes.toString('latin1').split('\n');
  return lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1'))) + 1;
}

async function isLink(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isSymbolicLink();
  } catch {
    return false;
  }
}

function missing({ file, namedBy }: Choice): RootsError {
  if (namedBy === undefined) return new RootsError('usage', `${file}: is a symbolic link to a file that does not exist`);
  return new RootsError('usage', `${printableText(file)}: no such configuration file`, {
    hint: `${namedBy} names it; without ${namedBy} roots reads ${DEFAULT_FILE}, and needs no file at all`,
  });
}

function unreadable(file: string, error: unknown): RootsError {
  const code = errnoOf(error);
  const name = printableText(file);
  if (code === 'EACCES' || code === 'EPERM') return new RootsError('not-permitted', `${name}: not permitted to read it`, { cause: error });
  return new RootsError('usage', `${name}: cannot be read: ${printableText(messageOf(error))}`, { cause: error });
}
