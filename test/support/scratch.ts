/**
 * Private temporary directories that can be told from everything else on the machine. A marker file says that a directory is ours and which
 * process made it; without that marker nothing is ever removed.
 */
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fromBytes, fromText, isWithin, toText, type BytePath } from '../../src/byte-path.ts';
import { errnoOf, messageOf } from '../../src/errors.ts';

export interface Scratch {
  /** Absolute, free of symlinks. */
  readonly path: string;
  /** Removes it with all that is in it; throws, and removes nothing, while anything is mounted or attached below. Idempotent. */
  remove(): void;
}

const PREFIX = 'roots-test-';
const MARKER = '.roots-test-scratch';
const CLAIM = '.roots-test-claim';

export function makeScratch(): Scratch {
  // The pid in the name says whose a directory is that was left before its marker was written.
  const path = mkdtempSync(join(realpathSync(tmpdir()), `${PREFIX}${String(process.pid)}-`));
  writeFileSync(join(path, MARKER), JSON.stringify({ path, owner: thisProcess() }), { flag: 'wx', mode: 0o600 });
  let removed = false;
  const remove = (): void => {
    if (removed) return;
    removeScratch(path);
    removed = true;
    forget();
  };
  const forget = atProcessEnd(remove);
  return { path, remove };
}

export async function withScratch<T>(use: (scratch: Scratch) => Promise<T> | T): Promise<T> {
  const scratch = makeScratch();
  try {
    return await use(scratch);
  } finally {
    scratch.remove();
  }
}

export function removeScratch(path: string): void {
  assertScratch(path);
  const mounts = mountTable().filter((mount) => isWithin(mount.at, fromText(path)));
  if (mounts.length > 0) throw new Error(`${path}: still mounted below: ${mounts.map((mount) => toText(mount.at)).join(', ')}`);
  const loops = loopDevicesBelow(path);
  if (loops.length > 0) throw new Error(`${path}: still attached: ${loops.map((loop) => loop.device).join(', ')}`);

  try {
    removeContent(path);
  } catch {
    // Neither chattr -R nor find follows the symlinks that it meets, and nothing is mounted below.
    attempt(() => tool('chattr', '-R', '-f', '-ia', path));
    attempt(() => tool('find', path, '-xdev', '-type', 'd', '!', '-perm', '-700', '-exec', 'chmod', 'u+rwx', '{}', '+'));
    removeContent(path);
  }
  // The marker goes last, so that a removal that was killed can be finished by the next sweep.
  rmSync(join(path, CLAIM), { force: true });
  rmSync(join(path, MARKER), { force: true });
  rmdirSync(path);
}

/** The scratch directory that holds `path`. Throws if there is none. */
export function scratchOf(path: string): string {
  const real = realpathSync(path);
  for (let at = real; at !== dirname(at); at = dirname(at)) {
    if (basename(at).startsWith(PREFIX)) {
      assertScratch(at);
      return at;
    }
  }
  throw new Error(`${path}: not inside a scratch directory of the tests`);
}

/** Scratch directories in the temporary directory whose process is gone. */
export function abandonedScratches(): string[] {
  const base = realpathSync(tmpdir());
  return readdirSync(base)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(base, name))
    .filter((path) => {
      try {
        return !isAlive(assertScratch(path).owner);
      } catch {
        removeUnmarked(path);
        return false;
      }
    });
}

/** Takes an abandoned directory for this process, so that two sweeps at once do not undo each other's work. */
export function claimAbandoned(path: string): boolean {
  const claim = join(path, CLAIM);
  const draft = `${claim}-${String(process.pid)}`;
  try {
    writeFileSync(draft, JSON.stringify(thisProcess()), { mode: 0o600 });
    if (tryLink(draft, claim)) return true;
    if (isAlive(JSON.parse(readFileSync(claim, 'utf8')) as Owner)) return false;
    rmSync(claim, { force: true });
    return tryLink(draft, claim);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Runs `cleanup` when the process ends by itself, SIGINT or SIGTERM; the latest first. Returns how to take it back. */
export function atProcessEnd(cleanup: () => void): () => void {
  if (cleanups.size === 0) listen();
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
    if (cleanups.size === 0) unlisten();
  };
}

/** Runs a program without a shell and in UTC; throws, with what it said, if it fails. */
export function tool(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
}

export interface MountEntry {
  readonly at: BytePath;
  /** The path within the filesystem that is mounted; on btrfs the subvolume. */
  readonly root: BytePath;
  readonly type: string;
  readonly source: string;
}

/** What is mounted for this process, in the order of mounting. */
export function mountTable(file = '/proc/self/mountinfo'): MountEntry[] {
  return fromBytes(readFileSync(file))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      const [type = '', source = ''] = fields.slice(fields.indexOf('-') + 1);
      return { at: unescapeOctal(fields[4] ?? ''), root: unescapeOctal(fields[3] ?? ''), type, source: unescapeOctal(source) };
    });
}

export interface LoopDevice {
  readonly device: string;
  readonly file: string;
}

/** Loop devices whose file is, or was, below a directory. */
export function loopDevicesBelow(directory: string): LoopDevice[] {
  return readdirSync('/sys/block')
    .filter((name) => /^loop\d+$/.test(name))
    .map((name) => ({ device: `/dev/${name}`, file: backingFile(`/dev/${name}`) ?? '' }))
    .filter(({ file }) => file !== '' && isWithin(fromText(file), fromText(directory)));
}

/** The file behind a loop device, or undefined if none is attached. */
export function backingFile(device: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${basename(device)}/loop/backing_file`, 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

interface Owner {
  readonly pid: number;
  /** In clock ticks since the boot: a pid alone may have been given away again. */
  readonly started: string;
  readonly boot: string;
  readonly pidNamespace: string;
}

function thisProcess(): Owner {
  return { pid: process.pid, started: startOf(process.pid) ?? '', boot: bootId(), pidNamespace: readlinkSync('/proc/self/ns/pid') };
}

function isAlive(owner: Owner): boolean {
  if (owner.boot !== bootId()) return false;
  // A pid of another namespace says nothing here; its directory is left alone.
  if (owner.pidNamespace !== readlinkSync('/proc/self/ns/pid')) return true;
  return startOf(owner.pid) === owner.started;
}

/** When a process started; undefined if it is gone, or a zombie, which holds nothing any more. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function assertScratch(path: string): { readonly owner: Owner } {
  const directory = lstatSync(path);
  // The temporary directory is everyone's: what another user put there under our name is not ours.
  const ours = directory.isDirectory() && directory.uid === process.geteuid?.() && (directory.mode & 0o022) === 0;
  if (!ours || !basename(path).startsWith(PREFIX) || realpathSync(path) !== path) {
    throw new Error(`${path}: not a scratch directory of the tests`);
  }
  const marker = join(path, MARKER);
  if (!lstatSync(marker).isFile()) throw new Error(`${path}: its marker is not a file`);
  const content = JSON.parse(readFileSync(marker, 'utf8')) as { readonly path: string; readonly owner: Owner };
  // A copy of a scratch directory is not one: nothing is known of what else was put there.
  if (content.path !== path) throw new Error(`${path}: its marker is that of ${content.path}`);
  return { owner: content.owner };
}

/** A directory whose maker was killed before it wrote the marker is empty; rmdir takes nothing else. */
function removeUnmarked(path: string): void {
  attempt(() => {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(basename(path))?.[1];
    const directory = lstatSync(path);
    // The pid may be of another namespace, where its process is about to write the marker.
    const isOld = Date.now() - directory.mtimeMs > 60_000;
    if (pid === undefined || startOf(Number(pid)) !== undefined || directory.uid !== process.geteuid?.() || !isOld) return;
    rmdirSync(path);
  });
}

function removeContent(path: string): void {
  const entries = ['-mindepth', '1', '-maxdepth', '1', '!', '-name', MARKER, '!', '-name', CLAIM];
  tool('find', path, ...entries, '-exec', 'rm', '-rf', '--one-file-system', '--', '{}', '+');
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function unescapeOctal(text: string): BytePath {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))) as BytePath;
}

function attempt(action: () => unknown): void {
  try {
    action();
  } catch {
    // What could not be done shows in what follows.
  }
}

const cleanups = new Set<() => void>();

function cleanUp(): void {
  for (const cleanup of [...cleanups].reverse()) {
    try {
      cleanup();
    } catch (error) {
      process.stderr.write(`${messageOf(error)}\n`);
    }
  }
}

function cleanUpOnSignal(signal: NodeJS.Signals): void {
  cleanUp();
  cleanups.clear();
  unlisten();
  // Without a listener of someone else the signal has its usual effect.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function listen(): void {
  process.on('exit', cleanUp);
  process.on('SIGINT', cleanUpOnSignal);
  process.on('SIGTERM', cleanUpOnSignal);
}

function unlisten(): void {
  process.off('exit', cleanUp);
  process.off('SIGINT', cleanUpOnSignal);
  process.off('SIGTERM', cleanUpOnSignal);
}
