/**
 * `roots prune` for people.
 */
import { printableText } from '../byte-path.ts';
import type { JudgedRoot } from '../operations/judge.ts';
import type { PruneOutcome, PrunePlan, Removal, TargetPlan } from '../operations/prune.ts';
import { formatAge, formatBytes, formatCount, formatTime } from './format.ts';
import { renderTable } from './table.ts';
import { shorten, wrapText, type Screen } from './terminal.ts';

export function renderPlan(screen: Screen, plan: PrunePlan, zone: string | undefined): string {
  return [
    ...plan.targets.map((target) => renderTarget(screen, target, plan.at, zone)),
    ...plan.problems.map((problem) => renderProblem(screen, problem)),
  ].join('\n\n');
}

function renderTarget(screen: Screen, plan: TargetPlan, at: Date, zone: string | undefined): string {
  const title = screen.style('bold', plan.target.name);
  if (plan.policyIsEmpty) return `${title}  no policy is configured: nothing is removed. See roots.toml(5).`;
  const going = new Set(plan.remove);
  const roots = [...plan.keep, ...plan.remove].sort(
    (a, b) => b.root.archivedAt.getTime() - a.root.archivedAt.getTime() || (a.name < b.name ? 1 : -1),
  );
  const rows = roots.map((judged) => row(screen, judged, going.has(judged), at, zone));
  const table =
    rows.length === 0
      ? 'no old roots'
      : renderTable(screen, [{ title: '' }, { title: 'archived' }, { title: 'age' }, { title: 'because' }], rows);
  const space = plan.freedBytes === null || plan.remove.length === 0 ? '' : `, which frees ${formatBytes(plan.freedBytes)}`;
  return [
    title,
    table,
    `${formatCount(plan.remove.length, 'old root')} to remove, ${formatCount(plan.keep.length, 'old root')} to keep${space}.`,
    ...plan.skipped.map(({ name, why }) =>
      screen.style('dim', wrapText(screen, `left alone: ${shorten(name, Math.floor(screen.width / 2))} (${why})`)),
    ),
    ...plan.warnings.map((warning) => screen.style('yellow', wrapText(screen, `warning: ${warning}`))),
  ].join('\n');
}

function row(screen: Screen, { root, reasons }: JudgedRoot, goes: boolean, at: Date, zone: string | undefined): string[] {
  const cells = [
    goes ? 'remove' : 'keep',
    formatTime(root.archivedAt, zone),
    formatAge((at.getTime() - root.archivedAt.getTime()) / 1000),
    reasons.join(', '),
  ];
  return goes ? cells.map((cell) => screen.style('red', cell)) : cells;
}

export function renderRemoval(screen: Screen, { judged, result, error, notes }: Removal): string {
  const name = `${judged.target.name}:${judged.name}`;
  if (result === 'failed') return screen.style('red', `failed   ${name}: ${printableText(error ?? '')}`);
  return [`removed  ${name}`, ...notes.map((note) => screen.style('dim', `         ${note}`))].join('\n');
}

export function renderPruned(screen: Screen, { removals, notTried, problems }: PruneOutcome): string {
  const failed = removals.filter(({ result }) => result === 'failed').length;
  const parts = [formatCount(removals.length - failed, 'old root') + ' removed'];
  if (failed > 0) parts.push(screen.style('red', `${String(failed)} could not be removed`));
  if (notTried.length > 0) parts.push(`${String(notTried.length)} not tried`);
  return [...problems.map((problem) => renderProblem(screen, problem)), `${parts.join(', ')}.`].join('\n');
}

function renderProblem(screen: Screen, { target, error }: PruneOutcome['problems'][number]): string {
  return screen.style('red', `${target}: ${printableText(error.message)}`);
}
