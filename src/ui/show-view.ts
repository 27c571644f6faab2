/**
 * `roots show` for people.
 */
import { printable, printableText } from '../byte-path.ts';
import type { ShownRoot } from '../operations/show.ts';
import { formatAgo, formatBytes, formatTime } from './format.ts';
import type { Screen } from './terminal.ts';

export function renderShow(
  screen: Screen,
  { target, judged, number, size }: ShownRoot,
  { now, zone }: { now: Date; zone: string | undefined },
): string {
  const { root } = judged;
  const time = (at: Date | null): string =>
    at === null ? 'not known' : `${formatTime(at, zone)}  (${formatAgo((now.getTime() - at.getTime()) / 1000)})`;
  const bytes = (value: number | null): string => (value === null ? 'not known (--size measures it)' : formatBytes(value));
  const lines: (readonly [string, string])[] = [
    ['Number', String(number)],
    ['Archived', `${time(root.archivedAt)}, by its ${root.archivedAtSource}`],
    ['Booted', time(root.bootedAt)],
    ['Made', time(root.createdAt)],
    ['Size', bytes(size.sizeBytes)],
    ['Only here', bytes(size.exclusiveBytes)],
    ['Backend', target.backend.name],
    ['Identity', printableText(root.id)],
    ['Read-only', root.readOnly ? 'yes' : 'no'],
    ['Mounted', root.mountPoints.length === 0 ? 'no' : root.mountPoints.map(printable).join(', ')],
    [
      'Pinned',
      root.pin === null ? 'no' : `since ${formatTime(root.pin.at, zone)}${root.pin.note === '' ? '' : `: ${printableText(root.pin.note)}`}`,
    ],
    ...(root.heldBy.length === 0 ? [] : [['Held', `by ${root.heldBy.map((tag) => printableText(tag)).join(', ')}`] as const]),
    [judged.keep ? 'Kept' : 'Goes', judged.reasons.join(', ')],
    ...root.warnings.map((warning) => ['Warning', printableText(warning)] as const),
  ];
  return [
    screen.style('bold', `${target.name}:${judged.name}`),
    ...lines.map(([word, text]) => `  ${screen.style('dim', `${word}:`.padEnd(11))} ${text}`),
  ].join('\n');
}
