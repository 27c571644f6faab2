/**
 * `roots rotate` for people.
 */
import { printableText } from '../byte-path.ts';
import type { Rotations } from '../operations/rotate.ts';
import type { TargetRotation } from '../operations/rotate-plan.ts';
import type { RotationOutcome } from '../operations/rotate-target.ts';
import type { Line } from '../system/journal.ts';
import { formatCount } from './format.ts';
import { renderLeftovers, renderRemoval } from './prune-view.ts';
import { renderTable } from './table.ts';
import { wrapText, type Screen } from './terminal.ts';

export function renderRotations(screen: Screen, rotations: readonly TargetRotation[]): string {
  return rotations.map((rotation) => renderRotation(screen, rotation)).join('\n\n');
}

function renderRotation(screen: Screen, { target, plan, drop, warnings }: TargetRotation): string {
  const rows = [
    ...plan.renames.map(({ from, to }) => ['rename', from, `to ${to}`]),
    ...(plan.take === null ? [] : [['take', plan.take, 'a read-only snapshot of the live root']]),
    ...drop.map(({ name, reasons }) =>
      [target.grace === null ? 'remove' : 'trash', name, reasons.join(', ')].map((cell) => screen.style('red', cell)),
    ),
  ];
  return [
    screen.style('bold', target.name),
    rows.length === 0
      ? 'today has its snapshot, and each has its name: nothing to do'
      : renderTable(screen, [{ title: '' }, { title: 'name' }, { title: '' }], rows),
    ...warnings.map((warning) => screen.style('yellow', wrapText(screen, `warning: ${printableText(warning)}`))),
  ].join('\n');
}

/** The question, or null if there is nothing to ask about: only what removes something is worth one. */
export function rotationQuestion(rotations: readonly TargetRotation[]): string | null {
  const count = rotations.reduce((sum, { drop }) => sum + drop.length, 0);
  if (count === 0) return null;
  const word = rotations.every(({ target, drop }) => target.grace !== null || drop.length === 0) ? 'put' : 'remove';
  return `Rotate, and ${word} ${formatCount(count, 'old snapshot')}${word === 'put' ? ' into the trash' : ''}?`;
}

export function renderRotated(screen: Screen, { outcomes, problems }: Rotations): Line[] {
  return [
    ...outcomes.flatMap((outcome) => renderOutcome(screen, outcome)),
    ...problems.map(({ target, error }): Line => errorLine(screen, `${target}: ${printableText(error.message)}`)),
  ];
}

function renderOutcome(screen: Screen, { rotation, leftovers, taken, renamed, removals, warnings, stopped }: RotationOutcome): Line[] {
  const { name } = rotation.target;
  const done = renamed.filter(({ error }) => error === null).length;
  const failures = renamed.flatMap(({ from, to, error }) =>
    error === null ? [] : [`${name}: ${from} is not renamed to ${to}: ${printableText(error)}`],
  );
  const result = `${name}: ${taken === null ? 'no snapshot was taken' : `the snapshot \`${taken}\` was taken`}${done === 0 ? '' : `, ${String(done)} renamed`}.`;
  return [
    ...renderLeftovers(screen, name, leftovers),
    ...failures.map((text) => errorLine(screen, text)),
    ...removals.map((removal): Line => ({ level: removal.result === 'failed' ? 'error' : 'notice', text: renderRemoval(screen, removal) })),
    ...(stopped === null
      ? []
      : [errorLine(screen, `${name}: not done to its end: ${stopped}. No snapshot is lost; the next run goes on.`)]),
    ...warnings.map((warning): Line => ({
      level: 'warning',
      text: screen.style('yellow', wrapText(screen, `${name}: warning: ${printableText(warning)}`)),
    })),
    { level: 'notice', text: result },
  ];
}

function errorLine(screen: Screen, text: string): Line {
  return { level: 'error', text: screen.style('red', text) };
}
