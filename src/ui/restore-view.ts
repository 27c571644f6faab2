/**
 * `roots restore` for people.
 */
import { printable, printableText } from '../byte-path.ts';
import type { RestoreItem, Restored } from '../operations/restore-apply.ts';
import type { RestoreOutcome, RestorePlan } from '../operations/restore.ts';
import { formatAgo, formatBytes, formatCount } from './format.ts';
import type { Screen } from './terminal.ts';

export function renderRestorePlan(screen: Screen, plan: RestorePlan, now: Date): string {
  return [...plan.items.map((item) => renderItem(screen, item, now)), ...renderProblems(screen, plan)].join('\n');
}

function renderProblems(screen: Screen, { problems }: RestorePlan): string[] {
  return problems.map(({ error }) => screen.style('red', `failed   ${printableText(error.message)}`));
}

function renderItem(screen: Screen, item: RestoreItem, now: Date): string {
  const from = screen.style('dim', `from ${item.from.label}${ageOf(item, now)}`);
  const what = `${printable(item.destination)}${item.type === 'directory' ? '/' : ''}`;
  switch (item.action) {
    case 'create':
      return `${screen.style('green', `create   ${what}`)}${sizeOf(item)}  ${from}`;
    case 'replace':
      return `${screen.style('yellow', `replace  ${what}`)}${sizeOf(item)}  ${from}`;
    case 'same':
      return screen.style('dim', `same     ${what}  nothing to do`);
    case 'refuse':
      return screen.style('red', `keep     ${what}  ${item.why ?? ''}; not overwritten`);
  }
}

function sizeOf({ size, entries }: RestoreItem): string {
  const count = entries === null ? '' : `  ${formatCount(entries, 'entry', 'entries')}`;
  return `${count}${size === null ? '' : `  ${formatBytes(size)}`}`;
}

function ageOf({ from }: RestoreItem, now: Date): string {
  return from.judged === null ? '' : `, ${formatAgo((now.getTime() - from.judged.root.archivedAt.getTime()) / 1000)}`;
}

export function renderRestored(screen: Screen, { item, result, error, lost, missing, backup }: Restored): string {
  const what = printable(item.destination);
  switch (result) {
    case 'restored':
      return [
        `${screen.style('green', 'restored')} ${what}  ${screen.style('dim', `from ${item.from.label}`)}`,
        ...(backup === null ? [] : [screen.style('dim', `         what was there is now ${printable(backup)}`)]),
        ...lost.map((each) => screen.style('yellow', `         warning: ${each}`)),
        ...missing.map(({ path, why }) => screen.style('red', `failed   ${what}/${printable(path)}: ${why}`)),
      ].join('\n');
    case 'same':
      return screen.style('dim', `same     ${what}`);
    case 'refused':
      return screen.style('red', `kept     ${what}: ${error ?? ''}`);
    case 'failed':
      return screen.style('red', `failed   ${what}: ${printableText(error ?? '')}`);
  }
}

export function renderRestoreEnd(screen: Screen, { plan, results }: RestoreOutcome): string {
  const count = (result: Restored['result']): number => results.filter((each) => each.result === result).length;
  const parts = [`${formatCount(count('restored'), 'item')} restored`];
  if (count('same') > 0) parts.push(`${String(count('same'))} the same already`);
  if (count('refused') > 0)
    parts.push(`${String(count('refused'))} left as they are (use --overwrite, with --backup to keep the old ones)`);
  const failed = count('failed') + plan.problems.length + results.flatMap(({ missing }) => missing).length;
  if (failed > 0) parts.push(`${String(failed)} failed`);
  return [...renderProblems(screen, plan), `${parts.join(', ')}.`].join('\n');
}
