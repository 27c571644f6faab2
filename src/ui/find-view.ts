/** `roots find` for people: each path, and on a line below it where it is. */
import { printable, toBytes } from '../byte-path.ts';
import type { FindOutcome, FoundPath } from '../operations/find.ts';
import { formatAgo, formatBytes, formatCount } from './format.ts';
import { wrapText, type Screen } from './terminal.ts';

/** Of more nobody asks next what to do with one. */
const FEW = 3;

export function renderFound(screen: Screen, path: FoundPath, now: Date): string {
  const { name, type, size, roots, versions } = path;
  const isDirectory = type === 'directory' || type === 'subvolume';
  const [newest, oldest] = [roots[0], roots.at(-1)];
  const about = [...(type === 'file' || isDirectory ? [] : [type]), ...(size === null ? [] : [formatBytes(size)])];
  const count = roots.length === 1 ? 'in one old root' : `${formatCount(versions, 'version')} in ${formatCount(roots.length, 'old root')}`;
  const where =
    roots.length === 1
      ? `: ${newest?.label ?? ''} (${ageOf(path, now)})`
      : `, newest ${newest?.label ?? ''} (${ageOf(path, now)}), oldest ${oldest?.label ?? ''}`;
  const text = `${count}${where}${about.length === 0 ? '' : `; ${about.join(', ')}`}`;
  const below = wrapText({ ...screen, width: screen.width - 2 }, text).replace(/^/gm, '  ');
  return `${screen.style('bold', `${printable(name)}${isDirectory && name !== '/' ? '/' : ''}`)}\n${screen.style('dim', below)}`;
}

export function renderFindEnd(screen: Screen, { found, searched }: FindOutcome): string {
  const count = `${formatCount(found.length, 'path')} found in ${formatCount(searched, 'old root')}.`;
  const next = found.length > FEW ? '' : ' `roots history PATH` shows the versions, `roots restore PATH` brings the newest back.';
  return screen.style('dim', wrapText(screen, `${count}${next}`));
}

/** As it is, with a NUL. */
export function foundName({ name }: FoundPath): Buffer {
  return Buffer.concat([toBytes(name), Buffer.from([0])]);
}

function ageOf({ roots }: FoundPath, now: Date): string {
  const archivedAt = roots[0]?.judged?.root.archivedAt;
  return archivedAt === undefined ? 'of an unknown time' : formatAgo((now.getTime() - archivedAt.getTime()) / 1000);
}
