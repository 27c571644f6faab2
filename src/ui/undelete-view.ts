/**
 * `roots undelete` for people.
 */
import { printableText } from '../byte-path.ts';
import type { UndeleteResult } from '../operations/undelete.ts';
import { wrapText, type Screen } from './terminal.ts';

export function renderUndeleted(screen: Screen, { trashed, judged, warnings }: UndeleteResult): string {
  const name = `${trashed.target.name}:${trashed.name}`;
  return [
    `${name} is back${(judged?.root.pin ?? null) === null ? '' : ', and pinned'}.`,
    ...nextOf(name, judged),
    ...warnings.map((each) => `warning: ${printableText(each)}`),
  ]
    .map((line, at) => (at === 0 ? line : screen.style('yellow', wrapText(screen, line))))
    .join('\n');
}

function nextOf(name: string, judged: UndeleteResult['judged']): string[] {
  if (judged === null || judged.keep) return [];
  return [`The policy removes it again at the next prune (${judged.reasons.join(', ')}). To keep it: roots pin ${name}`];
}
