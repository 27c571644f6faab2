/**
 * The layouts that are in the field: where boot snippets put old roots, and what they call the blank and the live root.
 */
import { lstatSync } from 'node:fs';
import { baseName, fromText, joinPath, parentOf, toBytes, type BytePath } from '../byte-path.ts';
import { errnoOf } from '../errors.ts';

export interface KnownArchive {
  /** Relative to the top level of a filesystem. */
  readonly path: BytePath;
  /** The target that such an archive is of. */
  readonly target: 'root' | 'home';
}

const ROOT_ARCHIVES = [
  'old_roots',
  '@old_roots',
  'old-roots',
  '@snapshots/old_roots',
  'persist/old_roots',
  '@persist/old_roots',
  '.snapshots/old_roots',
];

export const KNOWN_ARCHIVES: readonly KnownArchive[] = ROOT_ARCHIVES.flatMap((path) => [
  { path: fromText(path), target: 'root' as const },
  { path: joinPath(parentOf(fromText(path)), fromText(baseName(fromText(path)).replace('root', 'home'))), target: 'home' as const },
]);

/** Names of the blank at the top level. */
export const KNOWN_BLANKS: Readonly<Record<KnownArchive['target'], readonly string[]>> = {
  root: ['root-blank', 'blank_root', '@root-blank', '@blank', 'root_blank', 'blank'],
  home: ['home-blank', 'blank_home', '@home-blank', 'home_blank'],
};

/** Names of the live tree at the top level. */
export const KNOWN_LIVE: Readonly<Record<KnownArchive['target'], readonly string[]>> = {
  root: ['root', '@root', '@', 'rootfs'],
  home: ['home', '@home'],
};

/**
 * What `mv LIVE ARCHIVE/TIME` makes inside an old root when TIME is there already: the name of the live tree, which may have been another
 * one then, so the usual ones as well.
 */
export function nestedRootNames(live: BytePath | null): readonly BytePath[] {
  const name = live === null ? fromText('') : baseName(live);
  return [...new Set([...(name === '' ? [] : [name]), ...KNOWN_LIVE.root.map(fromText)])];
}

/** Root's home has no `etc` and `var` of its own. What may not be looked into is no whole root of somebody else's. */
export function looksLikeRoot(path: BytePath): boolean {
  try {
    return ['etc', 'var'].every(
      (name) => lstatSync(toBytes(joinPath(path, fromText(name))), { throwIfNoEntry: false })?.isDirectory() === true,
    );
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}

/** Where the live tree of a target is mounted. */
export const MOUNT_POINT_OF: Readonly<Record<KnownArchive['target'], BytePath>> = { root: fromText('/'), home: fromText('/home') };
