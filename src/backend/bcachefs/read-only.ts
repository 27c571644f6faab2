/**
 * Whether a subvolume is read-only. bcachefs-tools before 1.37 cannot tell, and access(2) does not say either (Linux 6.12), so an extended attribute that is
 * not there is taken away from its root: of a read-only one that is refused with EROFS, of the others with ENODATA, and nothing is changed (ctime neither).
 */
import { joinPath, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { REMOUNT_WRITABLE } from '../../system/mount-source.ts';
import type { Access } from '../../system/private-mount.ts';
import type { RunResult } from '../../system/run.ts';
import { pathOfEntry, type SubvolumeSite } from '../subvolume-archive.ts';
import { parseProbe } from './parse.ts';

const ABSENT = 'user.roots.absent';

/** In a mount namespace of its own, the read-only mount is a writable one; its superblock is. */
const IN_WRITABLE = 'mount -o "$1" -- "$2" && shift 2 && exec "$@"';

/** By entry; those of which it cannot be told are missing. `access`: of the private mount. One program for all. */
export async function readOnlyAmong(
  site: SubvolumeSite,
  access: Access,
  entries: readonly BytePath[],
): Promise<ReadonlyMap<BytePath, boolean>> {
  if (entries.length === 0) return new Map();
  const paths = entries.map((entry) => joinPath(site.top.pathInside, pathOfEntry(site, entry)));
  const { stderr } = await probe(site, access, paths);
  const answers = parseProbe(
    stderr,
    paths.map((path) => toBytes(path)),
  );
  return new Map(entries.flatMap((entry, at) => (answers[at] === undefined ? [] : [[entry, answers[at]] as const])));
}

async function probe({ top }: SubvolumeSite, access: Access, paths: readonly BytePath[]): Promise<Pick<RunResult, 'stderr'>> {
  const setfattr = ['-h', '-x', ABSENT, '--', ...paths.map((path) => ({ path }))];
  try {
    if (access === 'write') return await top.runInside('setfattr', setfattr);
    const mount = ['sh', '-c', IN_WRITABLE, 'sh', REMOUNT_WRITABLE, { path: top.pathInside }];
    return await top.runInside('unshare', ['--mount', '--', ...mount, 'setfattr', ...setfattr]);
  } catch (error) {
    // It need not be installed.
    if (error instanceof RootsError && error.kind === 'unsupported') return { stderr: '' };
    throw error;
  }
}
