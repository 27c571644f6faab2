/**
 * `roots prune` for people.
 */
import { printable, printableText } from '../byte-path.ts';
import type { Leftover } from '../backend/backend.ts';
import type { JudgedRoot, JudgedTrash } from '../operations/judge.ts';
import type { PruneOutcome, PrunePlan } from '../operations/prune.ts';
import type { SpacePlan, TargetPlan } from '../operations/prune-plan.ts';
import type { SpaceOutcome, TargetOutcome } from '../operations/prune-target.ts';
import type { Removal } from '../operations/removal-step.ts';
import type { Simulations } from '../operations/simulate.ts';
import type { Line } from '../system/journal.ts';
import { formatAge, formatBytes, formatCount, formatTime } from './format.ts';
import { renderSimulation } from './simulation-view.ts';
import { renderTable } from './table.ts';
import { shorten, wrapText, type Screen } from './terminal.ts';

export function renderPlan(screen: Screen, plan: PrunePlan, zone: string | undefined): string {
  return [
    ...plan.targets.map((target) => renderTarget(screen, target, plan.at, zone)),
    ...plan.problems.map((problem) => renderProblem(screen, problem)),
  ].join('\n\n');
}

export function renderSimulations(screen: Screen, { simulations, problems }: Simulations, zone: string | undefined): string {
  const blocks = simulations.map(({ target, days, policyIsEmpty }) => {
    const title = screen.style('bold', target.name);
    return policyIsEmpty
      ? `${title}  no policy is configured: nothing is ever removed.`
      : `${title}\n${renderSimulation(screen, days, zone)}`;
  });
  return [...blocks, ...problems.map((problem) => renderProblem(screen, problem))].join('\n\n');
}

/** The question, or null if there is nothing to ask about. */
export function questionOf({ targets }: PrunePlan): string | null {
  const sum = (count: (plan: TargetPlan) => number): number => targets.reduce((total, plan) => total + count(plan), 0);
  const trashed = sum(({ into, remove }) => (into === 'trash' ? remove.length : 0));
  const gone = sum(({ into, remove, purge }) => purge.length + (into === 'trash' ? 0 : remove.length));
  const perhaps = sum(({ space }) => (space === null ? 0 : mayGo(space).length));
  const parts = [
    ...(trashed > 0 ? [`put ${formatCount(trashed, 'old root')} into the trash`] : []),
    ...(gone > 0 ? [`delete ${formatCount(gone, 'old root')} for good`] : []),
    ...(perhaps > 0 ? [`delete up to ${String(perhaps)}${gone > 0 ? ' more' : ' old roots'} until there is space`] : []),
  ];
  if (parts.length === 0) return null;
  const text = parts.join(', ').replace(/, ([^,]*)$/, ' and $1');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}?`;
}

function renderTarget(screen: Screen, plan: TargetPlan, at: Date, zone: string | undefined): string {
  const title = screen.style('bold', plan.target.name);
  const notes = [
    ...plan.skipped.map(({ name, why }) =>
      screen.style('dim', wrapText(screen, `left alone: ${shorten(name, Math.floor(screen.width / 2))} (${why})`)),
    ),
    ...plan.warnings.map((warning) => screen.style('yellow', wrapText(screen, `warning: ${warning}`))),
  ];
  if (plan.policyIsEmpty && plan.purge.length === 0)
    return [`${title}  no policy is configured: nothing is removed. See roots.toml(5).`, ...notes].join('\n');
  const all = rowsOf(plan);
  const sizes = plan.target.backend.knownSizes(all.map(({ judged }) => judged.root));
  const rows = all.map((each) => row(screen, each, sizes.get(each.judged.root.id)?.exclusiveBytes ?? null, { at, zone }));
  const columns = [
    { title: '' },
    { title: 'name' },
    { title: 'archived' },
    { title: 'age' },
    { title: 'frees', align: 'right' as const },
    { title: 'because' },
  ];
  return [
    title,
    rows.length === 0 ? 'no old roots' : renderTable(screen, columns, rows),
    ...renderSums(screen, plan),
    ...(plan.space === null ? [] : [wrapText(screen, renderSpace(plan.space))]),
    ...renderLater(screen, plan),
    ...notes,
  ].join('\n');
}

interface Row {
  readonly judged: JudgedRoot | JudgedTrash;
  readonly word: string;
  readonly reasons: readonly string[];
  readonly style: 'red' | 'yellow' | null;
}

/** Newest first. */
function rowsOf(plan: TargetPlan): Row[] {
  const perhaps = new Map((plan.space?.roots ?? []).map((judged) => [judged.root.id, judged.reasons]));
  const kept = plan.keep.map((judged): Row => {
    const reasons = perhaps.get(judged.root.id);
    return reasons === undefined
      ? { judged, word: 'keep', reasons: judged.reasons, style: null }
      : { judged, word: 'if needed', reasons: [...reasons, `else ${judged.reasons.join(', ')}`], style: 'yellow' };
  });
  const word = plan.into === 'trash' ? 'trash' : 'remove';
  const alsoForSpace = (judged: JudgedRoot): string[] =>
    plan.space?.trashedNow.includes(judged) === true ? [`deleted at once if ${plan.space.text} is not free`] : [];
  const removed = plan.remove.map((judged): Row => ({ judged, word, reasons: [...judged.reasons, ...alsoForSpace(judged)], style: 'red' }));
  const purged = plan.purge.map((judged): Row => ({ judged, word: 'delete', reasons: ['in the trash', ...judged.reasons], style: 'red' }));
  const emptied = (plan.space?.trash ?? []).map((judged): Row => ({
    judged,
    word: 'if needed',
    reasons: ['in the trash', ...judged.reasons],
    style: 'yellow',
  }));
  return [...kept, ...removed, ...purged, ...emptied].sort(
    ({ judged: a }, { judged: b }) => b.root.archivedAt.getTime() - a.root.archivedAt.getTime() || (a.name < b.name ? 1 : -1),
  );
}

function row(
  screen: Screen,
  { judged, word, reasons, style }: Row,
  bytes: number | null,
  { at, zone }: { readonly at: Date; readonly zone: string | undefined },
): string[] {
  const { root } = judged;
  const cells = [
    word,
    judged.name,
    // Most names say it.
    screen.width >= 100 ? formatTime(root.archivedAt, zone) : '',
    formatAge((at.getTime() - root.archivedAt.getTime()) / 1000),
    bytes === null || style === null ? '' : formatBytes(bytes),
    reasons.join(', '),
  ];
  return style === null ? cells : cells.map((cell) => screen.style(style, cell));
}

function renderSums(screen: Screen, { target, remove, keep, purge, trash, into, freedBytes }: TargetPlan): string[] {
  const frees = freedBytes === null || freedBytes === 0 ? '' : `, which frees ${formatBytes(freedBytes)}`;
  const going =
    into === 'trash'
      ? `${formatCount(remove.length, 'old root')} to put into the trash for ${target.grace?.text ?? ''}`
      : `${formatCount(remove.length, 'old root')} to remove`;
  const purging = purge.length === 0 ? '' : `, ${String(purge.length)} to delete from the trash`;
  const left = trash.length === 0 ? [] : [screen.style('dim', `${String(trash.length)} in the trash, see \`roots undelete\`.`)];
  return [`${going}${purging}, ${formatCount(keep.length, 'old root')} to keep${frees}.`, ...left];
}

/** All for the same reason. */
function renderLater(screen: Screen, { later }: TargetPlan): string[] {
  const [first] = later;
  return first === undefined ? [] : [wrapText(screen, `${formatCount(later.length, 'more old root')} to go later: ${first.why}.`)];
}

function mayGo({ trash, trashedNow, roots }: SpacePlan): readonly (JudgedRoot | JudgedTrash)[] {
  return [...trash, ...trashedNow, ...roots];
}

function renderSpace(space: SpacePlan): string {
  const { freeBytes, totalBytes, wantedBytes, text, isImpossible } = space;
  const state = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free`;
  if (freeBytes >= wantedBytes) return `${state}, which is enough (${text}).`;
  const count = mayGo(space).length;
  if (isImpossible) return `${state}, and ${formatBytes(wantedBytes)} (${text}) are wanted, which there can never be: nothing goes for it.`;
  const rest = count === 0 ? 'nothing more may go for it' : `up to ${formatCount(count, 'old root')} may go for it, one by one`;
  return `${state}, and ${formatBytes(wantedBytes)} (${text}) are wanted: ${rest}.`;
}

export function renderRemoval(screen: Screen, { judged, result, error, notes }: Removal): string {
  const name = `${judged.target.name}:${judged.name}`;
  if (result === 'failed') return screen.style('red', `failed   ${name}: ${printableText(error ?? '')}`);
  const word = result === 'trashed' ? 'trashed ' : 'trashedAt' in judged.root ? 'deleted ' : 'removed ';
  return [
    `${word} ${name}  ${screen.style('dim', judged.reasons.join(', '))}`,
    ...notes.map((note) => screen.style('dim', `         ${printableText(note)}`)),
  ].join('\n');
}

export function renderPruned(screen: Screen, outcome: PruneOutcome): Line[] {
  const { removals, notTried, problems, outcomes } = outcome;
  const count = (result: Removal['result']): number => removals.filter((removal) => removal.result === result).length;
  const parts = count('trashed') === 0 ? [] : [`${formatCount(count('trashed'), 'old root')} put into the trash`];
  if (parts.length === 0 || count('removed') > 0) parts.push(`${formatCount(count('removed'), 'old root')} removed`);
  if (count('failed') > 0) parts.push(screen.style('red', `${String(count('failed'))} could not be removed`));
  if (notTried.length > 0) parts.push(`${String(notTried.length)} not tried`);
  return [
    ...[...outcomes].flatMap(([{ target }, each]) => renderOutcome(screen, target.name, each)),
    ...renderFreeing(screen, outcome),
    ...problems.map((problem): Line => ({ level: 'error', text: renderProblem(screen, problem) })),
    { level: 'notice', text: `${parts.join(', ')}.` },
  ];
}

/** Where the free space says nothing yet of what is gone. Where space was wanted, it was waited for. */
function renderFreeing(screen: Screen, { removals, outcomes }: PruneOutcome): Line[] {
  const targets = [...outcomes].flatMap(([{ target }, { space }]) => {
    const isFreeing = space === null && target.backend.capabilities.freesLater;
    return isFreeing && removals.some(({ judged, result }) => judged.target === target && result === 'removed') ? [target.name] : [];
  });
  return targets.map((name): Line => ({
    level: 'info',
    text: screen.style('dim', `${name}: the space of what was removed is being freed.`),
  }));
}

function renderOutcome(screen: Screen, target: string, { leftovers, space, warnings }: TargetOutcome): Line[] {
  return [
    ...renderLeftovers(screen, target, leftovers),
    ...(space === null ? [] : renderSpaceOutcome(screen, target, space)),
    ...warnings.map((warning) => warningLine(screen, `${target}: warning: ${printableText(warning)}`)),
  ];
}

/** What an earlier run began. */
export function renderLeftovers(screen: Screen, target: string, leftovers: readonly Leftover[]): Line[] {
  return leftovers.map(({ formerName, result, error }): Line => {
    const what = `${target}: the removal of ${printable(formerName)}, which an earlier run began,`;
    const why = printableText(error?.message ?? '');
    switch (result) {
      case 'removed':
        return { level: 'notice', text: screen.style('dim', `${what} is finished`) };
      case 'restored':
        return warningLine(screen, `${what} is undone: ${why}`);
      case 'failed':
        return { level: 'error', text: screen.style('red', `${what} cannot be finished: ${why}`) };
    }
  });
}

function renderSpaceOutcome(screen: Screen, target: string, { plan, freeBytes, short }: SpaceOutcome): Line[] {
  if (short === null)
    return plan.roots.length + plan.trash.length === 0
      ? []
      : [{ level: 'info', text: `${target}: ${formatBytes(freeBytes)} are free now.` }];
  const next = short === 'space is still coming back' || short === 'no more in one run' ? '; the next prune goes on from there' : '';
  const text = `${target}: ${formatBytes(freeBytes)} are free, less than ${formatBytes(plan.wantedBytes)} (${plan.text}): ${short}${next}.`;
  return [warningLine(screen, text)];
}

function warningLine(screen: Screen, text: string): Line {
  return { level: 'warning', text: screen.style('yellow', wrapText(screen, text)) };
}

function renderProblem(screen: Screen, { target, error }: PruneOutcome['problems'][number]): string {
  return screen.style('red', `${target}: ${printableText(error.message)}`);
}
