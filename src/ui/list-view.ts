/**
 * `roots ls` for people.
 */
import { printable, printableText } from '../byte-path.ts';
import type { ListOutcome, ListedArchive, ListedRoot } from '../operations/list.ts';
import { isEmpty } from '../retention/policy.ts';
import { formatAge, formatAgo, formatBytes, formatTime } from './format.ts';
import { renderTable } from './table.ts';
import { shorten, wrapText, type Screen } from './terminal.ts';

export interface ListViewOptions {
  readonly now: Date;
  readonly zone: string | undefined;
}

/** Blocks of text, one for each target. */
export function renderList(screen: Screen, { archives, problems, notLookedAt }: ListOutcome, options: ListViewOptions): string {
  const left = [
    ...problems.map(({ target, error }) => `${target} cannot be listed: ${error.message}`),
    ...notLookedAt.map((why) => `not looked at: ${why}`),
  ];
  return [
    ...archives.map((archive) => renderArchive(screen, archive, options)),
    ...left.map((text) => screen.style('yellow', wrapText(screen, `warning: ${printableText(text)}`))),
  ].join('\n\n');
}

function renderArchive(screen: Screen, archive: ListedArchive, options: ListViewOptions): string {
  const { target, roots, warnings } = archive;
  const where = target.assumed.length === 0 ? target.backend.place : `${target.assumed.join(', ')} (recognised, not configured)`;
  const title = wrapText(screen, `${target.name}  ${where}`);
  const parts = [
    `${screen.style('bold', title.slice(0, target.name.length))}${screen.style('dim', title.slice(target.name.length))}`,
    roots.length === 0 ? 'no old roots yet' : renderRoots(screen, roots, options, isEmpty(target.policy)),
    ...(isEmpty(target.policy) && roots.length > 0
      ? [screen.style('dim', wrapText(screen, 'No policy is configured: nothing is ever removed. See roots.toml(5).'))]
      : []),
    ...renderTrash(screen, archive, options),
    ...renderUnrecognised(screen, archive),
    ...warnings.map((warning) => screen.style('yellow', wrapText(screen, `warning: ${warning}`))),
    ...roots.flatMap(({ name, root }) =>
      root.warnings.map((warning) => screen.style('yellow', wrapText(screen, `warning: ${name}: ${printableText(warning)}`))),
    ),
  ];
  return parts.join('\n');
}

function renderRoots(screen: Screen, roots: readonly ListedRoot[], { now, zone }: ListViewOptions, policyIsEmpty: boolean): string {
  const wide = screen.width >= 100;
  const columns = [
    { title: '#', align: 'right' as const },
    { title: 'archived' },
    { title: 'age' },
    { title: 'size', align: 'right' as const },
    { title: 'own', align: 'right' as const },
    { title: 'name' },
    { title: 'kept because / goes when' },
  ];
  const rows = roots.map((each) => [
    String(each.number),
    formatTime(each.root.archivedAt, zone),
    formatAge((now.getTime() - each.root.archivedAt.getTime()) / 1000),
    each.size.sizeBytes === null ? '' : formatBytes(each.size.sizeBytes),
    each.size.exclusiveBytes === null ? '' : formatBytes(each.size.exclusiveBytes),
    wide ? each.name : '',
    renderVerdict(screen, each, policyIsEmpty),
  ]);
  return renderTable(screen, columns, rows);
}

/** Without a policy only what is particular about a root is worth a word. */
function renderVerdict(screen: Screen, { keep, reasons, root }: ListedRoot, policyIsEmpty: boolean): string {
  const words = reasons.filter((reason) => !policyIsEmpty || reason !== 'no policy').map((reason) => describeReason(reason, root));
  if (words.length === 0) return '';
  return keep ? words.join(', ') : screen.style('red', `goes: ${words.join(', ')}`);
}

function describeReason(reason: string, root: ListedRoot['root']): string {
  if (reason === 'held') return `held (${root.heldBy.map((tag) => printableText(tag)).join(', ')})`;
  if (reason === 'pinned' && root.pin !== null && root.pin.note !== '') return `pinned (${printableText(root.pin.note)})`;
  if (reason === 'mounted' && root.mountPoints[0] !== undefined) return `mounted at ${printable(root.mountPoints[0])}`;
  if (reason === 'future') return 'future: the clock was wrong, then or now';
  if (reason === 'implausible time') return 'implausible time: the clock was wrong then';
  return reason;
}

function renderTrash(screen: Screen, { trash }: ListedArchive, { now }: ListViewOptions): string[] {
  if (trash.length === 0) return [];
  const rows = trash.map(({ name, root, due }) => [
    `  ${name}`,
    formatAgo((now.getTime() - root.trashedAt.getTime()) / 1000),
    due ? screen.style('red', 'deleted by the next prune') : '',
  ]);
  return [
    `In the trash, \`roots undelete NAME\` takes one back:\n${renderTable(screen, [{ title: '  name' }, { title: 'removed' }, { title: '' }], rows)}`,
  ];
}

function renderUnrecognised(screen: Screen, { unrecognised }: ListedArchive): string[] {
  if (unrecognised.length === 0) return [];
  const rows = unrecognised.map(({ name, why }) => [`  ${shorten(printable(name), Math.floor(screen.width / 2))}`, why]);
  return [`Left alone, never removed:\n${renderTable(screen, [{ title: '  name' }, { title: 'why' }], rows)}`];
}
