/** `roots history` for people. */
import { printable } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import type { Contents } from '../diff/unified.ts';
import type { History, Version } from '../operations/history.ts';
import { formatAgo, formatBytes, formatCount } from './format.ts';
import { formatPatch } from './patch.ts';
import { renderTable } from './table.ts';
import { wrapText, type Screen } from './terminal.ts';

type Root = Version['first'];

/** Where something comes and goes with every boot, nobody reads on. */
const MOST_GAPS = 3;

/** What it is, where it is not, and a table of its versions. */
export function renderHistory(screen: Screen, history: History, now: Date): string {
  const { versions, searched } = history;
  const states = versions.map(({ state }) => state);
  const [newest] = states;
  const isSame = (of: (state: Version['state']) => string): boolean => new Set(states.map(of)).size === 1;
  const common =
    newest === undefined ? [] : [typeOf, modeOf, ownerOf].flatMap((of) => (isSame(of) && of(newest) !== '' ? [of(newest)] : []));
  const columns = [
    { title: 'first in' },
    { title: 'last in' },
    { title: 'old roots', align: 'right' as const },
    { title: 'size', align: 'right' as const },
    { title: 'type' },
    { title: 'mode' },
    { title: 'owner' },
    { title: 'what changed' },
  ];
  const rows = versions.map((version) => [
    nameOf(version.first),
    nameOf(version.last),
    String(version.roots),
    version.size === null ? '' : formatBytes(version.size),
    isSame(typeOf) ? '' : typeOf(version.state),
    isSame(modeOf) ? '' : modeOf(version.state).replace('mode ', ''),
    isSame(ownerOf) ? '' : ownerOf(version.state).replace('owner ', ''),
    version.what.join(', '),
  ]);
  return [
    `${screen.style('bold', printable(history.name))}${screen.style('dim', `  ${common.join(', ')}`)}`,
    ...whereNot(screen, history, now),
    '',
    renderTable(screen, columns, rows),
    screen.style(
      'dim',
      wrapText(screen, `${formatCount(versions.length, 'version')} in ${formatCount(searched, 'old root')} of ${history.target.name}.`),
    ),
  ].join('\n');
}

/** Whole lines: one that says which version it is, and what has changed in it. */
export async function formatVersion(
  { version, path, contents }: { readonly version: Version; readonly path: Change['path']; readonly contents: Contents | null },
  screen: Screen,
  raw: boolean,
): Promise<Buffer> {
  const { first, last, roots, state, what, before } = version;
  const until = last === first ? '' : ` to ${last.label}`;
  const detail = [
    before === null ? typeOf(state) : what.join(', '),
    roots === 0 ? 'in no old root yet' : `in ${formatCount(roots, 'old root')}`,
  ];
  const head = Buffer.from(`${screen.style('yellow', `${first.label}${until}`)}${screen.style('dim', `  ${detail.join('; ')}`)}\n`);
  const change: Change = { path, kind: before === null ? 'added' : 'modified', type: state.type, what };
  const patch = contents === null ? Buffer.alloc(0) : await formatPatch(change, contents, screen, raw);
  return Buffer.concat([head, patch, Buffer.from('\n')]);
}

function whereNot(screen: Screen, { deleted, gaps }: History, now: Date): string[] {
  const lost =
    deleted === null
      ? []
      : [
          screen.style(
            'red',
            wrapText(
              screen,
              `deleted: last seen in ${deleted.lastSeen.label}${ageOf(deleted.lastSeen, now)}, gone in ${deleted.missing.label}`,
            ),
          ),
        ];
  const away = gaps
    .slice(0, MOST_GAPS)
    .map(({ newest, oldest, roots }) =>
      screen.style(
        'yellow',
        wrapText(
          screen,
          roots === 1
            ? `not there in ${newest.label}, and back after it`
            : `not there in ${formatCount(roots, 'old root')}, ${oldest.label} to ${newest.label}, and back after that`,
        ),
      ),
    );
  const more = gaps.length - MOST_GAPS;
  return [
    ...lost,
    ...away,
    ...(more > 0 ? [screen.style('yellow', `and ${formatCount(more, 'time')} more before that, which --json has`)] : []),
  ];
}

function ageOf({ judged }: Root, now: Date): string {
  return judged === null ? '' : `, ${formatAgo((now.getTime() - judged.root.archivedAt.getTime()) / 1000)}`;
}

function nameOf({ judged, label }: Root): string {
  return judged?.name ?? label.slice(label.indexOf(':') + 1);
}

function typeOf({ type }: Version['state']): string {
  return type;
}

function modeOf({ type, mode }: Version['state']): string {
  return type === 'symlink' ? '' : `mode ${mode.toString(8).padStart(3, '0')}`;
}

function ownerOf({ uid, gid }: Version['state']): string {
  return `owner ${String(uid)}:${String(gid)}`;
}
