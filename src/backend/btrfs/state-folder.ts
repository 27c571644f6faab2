/** The state folder of an archive on btrfs. */
import { joinPath, printableText, toText } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import { STATE_FOLDER, hasStateFolder } from '../archive-state.ts';
import { pathOfEntry } from '../subvolume-archive.ts';
import type { Site } from './premises.ts';

/** As a subvolume: boot snippets delete the siblings of a plain directory in the archive. Errors: `failed`. */
export async function makeStateFolder(mount: PrivateMount, site: Site): Promise<void> {
  if (hasStateFolder(site.held.path)) return;
  const path = joinPath(mount.pathInside, pathOfEntry(site, STATE_FOLDER));
  const { status, stderr } = await mount.runInside('btrfs', ['subvolume', 'create', { path }]);
  if (status !== 0)
    throw new RootsError('failed', `the folder ${toText(STATE_FOLDER)} cannot be made in the archive: ${printableText(stderr)}`);
}
