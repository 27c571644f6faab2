/**
 * The lock of an archive: flock(2) on the archive's directory itself, held by a keeper, so that the kernel drops it when we die.
 * The inode is the same through every mount of the filesystem, private ones too, and nothing has to be written.
 */
import { fstatSync, readFileSync } from 'node:fs';
import { fromBytes, printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { holdDirectory } from './beneath.ts';
import { HOLD, startKeeper, type Keeper } from './keeper.ts';

/** What flock(1) is told to end with when the lock is taken. */
const TAKEN = 75;

/** `shared` for those who read what must not go away meanwhile, `exclusive` for those who change. */
export type LockMode = 'shared' | 'exclusive';

/** `device`: `major:minor` of the superblock as mount tables show it, to find the holder. Errors: `locked`. */
export async function lockDirectory(directory: BytePath, mode: LockMode, device: string, what: string): Promise<Keeper> {
  const held = holdDirectory(directory);
  // By way of a descriptor it may have any name. Without the dot flock(1) makes a file where there is nothing.
  const path = `${held.path}/.`;
  // Asked now: who waits for the lock may have let go of the directory by the time that the answer comes.
  const { ino } = fstatSync(held.fd, { bigint: true });
  const args = [`--${mode}`, '--nonblock', '--conflict-exit-code', String(TAKEN), '--no-fork', path, 'sh', '-c', HOLD];
  try {
    return await startKeeper('flock', args, ({ status, stderr }) =>
      status === TAKEN
        ? new RootsError('locked', `${what} is locked by another run${describeHolder(ino, device)}`, {
            hint: 'wait until it has finished, then try again',
          })
        : new RootsError('failed', `${what} cannot be locked: ${stderr}`),
    );
  } finally {
    held.close();
  }
}

function describeHolder(inode: bigint, device: string): string {
  const keeper = holderOf(readFileSync('/proc/locks', 'utf8'), device, inode);
  const owner = keeper === undefined ? undefined : parentOfProcess(keeper);
  return owner === undefined ? '' : ` (process ${String(owner)})${commandOf(owner)}`;
}

/** As it was typed, if the process is one of ours: `: roots prune --yes`. */
function commandOf(pid: number): string {
  try {
    const [, script = '', ...args] = fromBytes(readFileSync(`/proc/${String(pid)}/cmdline`))
      .split('\0')
      .slice(0, -1);
    if (!/\/(?:run\.js|roots)$/.test(script)) return '';
    return `: ${['roots', ...args].map((each) => printable(each as BytePath)).join(' ')}`;
  } catch {
    return '';
  }
}

/** The process that holds an flock, from proc_locks(5): `1: FLOCK ADVISORY WRITE 4711 00:2b:257 0 EOF`. */
export function holderOf(locks: string, device: string, inode: bigint): number | undefined {
  const [major, minor] = device.split(':').map((part) => Number(part).toString(16).padStart(2, '0'));
  const line = locks
    .split('\n')
    .find((each) => / FLOCK .* (?:READ|WRITE) /.test(each) && each.includes(` ${major ?? ''}:${minor ?? ''}:${String(inode)} `));
  const pid = line?.split(/\s+/)[4];
  return pid === undefined ? undefined : Number(pid);
}

/** The keeper is a child of the run that holds the lock; 1 means that the run is gone and the keeper about to go. */
function parentOfProcess(pid: number): number | undefined {
  try {
    const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return parent === undefined ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}
