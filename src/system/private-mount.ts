/**
 * Mounts that nobody else sees and that cannot be left behind: they live in the mount namespace of a keeper process.
 *
 * Files are reached through a descriptor of its root, `/proc/PID/fd/N/…`. Programs that resolve their arguments to real paths (`btrfs` does) would get lost
 * there and are started inside the namespace instead.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { fromText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { HOLD, startKeeper, type Keeper } from './keeper.ts';
import { mountArguments, mountError, remountOptions, type Access, type MountSource } from './mount-source.ts';
import { readMountTable, type Mount } from './mounts.ts';
import { mountPlainly, placeForPlainMounts } from './plain-mount.ts';
import type { Run } from './run.ts';

export type { Access };

export interface PrivateMount {
  /** Where this process reads it. */
  readonly path: BytePath;
  /** Where programs started with `runInside` see it. */
  readonly pathInside: BytePath;
  /** `major:minor` of its superblock, as mount tables show it. */
  readonly device: string;
  /** Like `run`, in the mount namespace that has the mount. */
  readonly runInside: Run;
  close(): Promise<void>;
}

/** POSIX promises this directory; in the private namespace the mount covers it. */
const MOUNT_POINT = '/tmp';

/**
 * Mounts a filesystem. Errors: `not-permitted` without privileges (or where namespaces are forbidden), `unsupported` if the
 * kernel does not know the filesystem, `failed` with mount(8)'s words otherwise.
 */
export async function mountPrivately(run: Run, source: MountSource): Promise<PrivateMount> {
  const place = placeForPlainMounts();
  return place === null ? mountInNewNamespace(run, source) : mountPlainly(run, source, place);
}

async function mountInNewNamespace(run: Run, source: MountSource): Promise<PrivateMount> {
  const script = `again=$1; shift; mount "$@" ${MOUNT_POINT} && { [ -z "$again" ] || mount -o "$again" ${MOUNT_POINT}; } && ${HOLD}`;
  // A new namespace has copies of all mounts, which would keep what is unmounted elsewhere in use for as long as somebody browses. As slaves they go with it.
  const args = [
    '--mount',
    '--propagation',
    'slave',
    '--',
    'sh',
    '-c',
    script,
    'sh',
    remountOptions(source) ?? '',
    ...mountArguments(source),
  ];
  const keeper = await startKeeper('unshare', args, (failure) => mountError(source, failure));
  const inside = fromText(MOUNT_POINT);
  try {
    const mount = readMountTable(keeper.pid).findLast((each) => each.mountPoint === inside);
    if (mount === undefined)
      throw new RootsError('failed', `the private mount of ${source.device} is not in the mount table of its namespace`);
    return hold(run, keeper, mount);
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/** By descriptors of ours and not by the keeper's number, which could one day be that of another process. */
function hold(run: Run, keeper: Keeper, mount: Mount): PrivateMount {
  const namespace = openSync(`/proc/${String(keeper.pid)}/ns/mnt`, constants.O_RDONLY);
  const root = openSync(`/proc/${String(keeper.pid)}/root${MOUNT_POINT}`, constants.O_RDONLY | constants.O_DIRECTORY);
  const enter = [`--mount=/proc/${String(process.pid)}/fd/${String(namespace)}`, '--'];
  let closing: Promise<void> | undefined;
  return {
    path: fromText(`/proc/${String(process.pid)}/fd/${String(root)}`),
    pathInside: fromText(MOUNT_POINT),
    device: mount.device,
    runInside: async (program, args, runOptions) => {
      const result = await run('nsenter', [...enter, program, ...args], runOptions);
      // The statuses of nsenter for this could be those of the program as well.
      if (result.status === 0 || !/^nsenter: failed to execute .*: No such file or directory$/m.test(result.stderr)) return result;
      throw new RootsError('unsupported', `the program \`${program}\` is not installed`, {
        hint: `install the package that has \`${program}\``,
      });
    },
    close: () => {
      closing ??= (async () => {
        closeSync(root);
        closeSync(namespace);
        await keeper.close();
      })();
      return closing;
    },
  };
}

/** One private mount per device for a whole command, however many targets are on it. */
export class PrivateMountPool {
  readonly access: Access;
  readonly #mounts = new Map<string, Promise<PrivateMount>>();
  readonly #run: Run;

  constructor(run: Run, access: Access) {
    this.#run = run;
    this.access = access;
  }

  /** `how`: what is not as usual. */
  mount(device: string, type: string, options: readonly string[], how: Partial<MountSource> = {}): Promise<PrivateMount> {
    const source = { device, type, options, access: this.access, ...how };
    const key = JSON.stringify(source);
    const mount = this.#mounts.get(key) ?? mountPrivately(this.#run, source);
    this.#mounts.set(key, mount);
    return mount;
  }

  async close(): Promise<void> {
    const mounts = await Promise.allSettled([...this.#mounts.values()]);
    this.#mounts.clear();
    await Promise.all(mounts.flatMap((mount) => (mount.status === 'fulfilled' ? [mount.value.close()] : [])));
  }
}
