/** What of the differences somebody has said not to matter: in the configuration, in a list of another program, in a file of the trees. */
import { fromText, isWithin, joinPath, toText, type BytePath } from '../byte-path.ts';
import type { DiffConfig } from '../config.ts';
import type { HidingRules } from '../diff/hide.ts';
import { RootsError } from '../errors.ts';
import { readContent } from '../system/file-content.ts';
import { targetOfLink } from '../system/links.ts';
import { readMountTable } from '../system/mounts.ts';
import { readPathList } from '../system/path-list.ts';
import type { ReadableTrees } from './diff.ts';

/** Where the NixOS module writes what is declared to be persisted. */
const PERSISTED_LIST = '/etc/roots/persisted.json';
/** Patterns as in gitignore(5), at the top of a tree: the blank may have one, and every boot with it. */
const IGNORE_FILE = fromText('.rootsignore');
const MOST_PATTERNS = 1 << 20;

export const NOTHING_HIDDEN: HidingRules = { targetOf: () => null, mountPoints: new Set(), persisted: [], isIgnored: () => false };

/** `liveMountPoint`: null if the live root is not mounted. `warning` is told of what cannot be read. */
export async function hidingRules(
  config: DiffConfig,
  liveMountPoint: BytePath | null,
  { from, to }: ReadableTrees,
  warning: (text: string) => void,
): Promise<HidingRules> {
  const mounted = liveMountPoint === null ? [] : readMountTable().flatMap(({ mountPoint }) => below(mountPoint, liveMountPoint));
  const declared = [...config.persisted, ...declaredPersisted(config.persistedList)].map(fromText);
  const patterns = [...patternsOf({ from, to }, warning), ...config.ignore];
  return {
    targetOf: ({ kind, path }) => {
      const tree = kind === 'removed' ? from : to;
      return tree === null ? null : targetOfLink(joinPath(tree.path, path));
    },
    mountPoints: new Set(mounted),
    persisted: declared.flatMap((path) => below(path, liveMountPoint ?? fromText('/'))),
    // Only who has patterns pays for what reads them.
    isIgnored: patterns.length === 0 ? () => false : (await import('../diff/ignore.ts')).ignoring(patterns),
  };
}

function declaredPersisted(file: string | undefined): readonly string[] {
  const list = readPathList(file ?? PERSISTED_LIST);
  if (list !== null || file === undefined) return list ?? [];
  throw new RootsError('usage', `there is no file ${file}, which \`persisted_list\` of the configuration names`);
}

/** Of the second tree after those of the first, so that they go before them. */
function patternsOf({ from, to }: ReadableTrees, warning: (text: string) => void): string[] {
  return [from, to].flatMap((tree) => {
    if (tree === null) return [];
    const content = readContent(tree.path, IGNORE_FILE, MOST_PATTERNS);
    // Where a link in an old root leads is not where it led.
    const isLink = targetOfLink(joinPath(tree.path, IGNORE_FILE)) !== null;
    if (content.kind === 'text' && !isLink) return toText(content.text).split(/\r?\n/);
    if (isLink || content.kind !== 'unreadable' || content.why !== 'ENOENT')
      warning('a .rootsignore is no text file that can be read, and nothing is hidden for it');
    return [];
  });
}

/** The path below a place, if it is there. */
function below(path: BytePath, place: BytePath): BytePath[] {
  return path !== place && isWithin(path, place) ? [path.slice(place === '/' ? 1 : place.length + 1) as BytePath] : [];
}
