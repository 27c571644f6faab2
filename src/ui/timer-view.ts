/**
 * `roots timer` for people, and its JSON contracts.
 */
import { jsonName, printable, printableText } from '../byte-path.ts';
import type { LoggedRun } from '../operations/logged-runs.ts';
import type { DisableOutcome, EnableOutcome, TimerPlan, UnitFile } from '../operations/timer.ts';
import type { ServiceStatus, TimerStatus } from '../operations/timer-status.ts';
import { formatAgo, formatCount, formatTime } from './format.ts';
import { wrapText, type Screen } from './terminal.ts';

interface Clock {
  readonly now: Date;
  readonly zone: string | undefined;
}

/** What to put where by hand: on NixOS a module, else each file below a line that names it. */
export function renderTimerPlan({ files, nixModule }: TimerPlan): string {
  if (nixModule !== null) return nixModule.trimEnd();
  return files
    .filter(({ action }) => action !== 'remove')
    .map(({ path, text }) => `# ${printable(path)}\n${text}`)
    .join('\n')
    .trimEnd();
}

export function renderEnabled(screen: Screen, outcome: EnableOutcome, { now, zone }: Clock): string {
  const { files, enabled, why, nixModule, warnings, nextRun } = outcome;
  const warned = warnings.map((warning) => screen.style('yellow', wrapText(screen, `warning: ${printableText(warning)}`)));
  if (why !== null) {
    const instead =
      nixModule === null
        ? 'Put these files into what is mounted there or into the image that the root is made of, with a link to the timer in timers.target.wants/:'
        : 'Put this into your configuration:';
    return [
      ...warned,
      screen.style('red', wrapText(screen, `Nothing was written: ${why}.`)),
      wrapText(screen, instead),
      '',
      renderTimerPlan(outcome),
    ].join('\n');
  }
  const done = files.map((file) => `${(enabled ? WRITTEN : TO_WRITE)[file.action].padEnd(enabled ? 9 : 13)} ${printable(file.path)}`);
  if (!enabled) return [...warned, ...done, '', 'Nothing was changed.'].join('\n');
  const next = nextRun === null ? '' : ` Its next run is at ${time(nextRun, now, zone)}.`;
  return [...warned, ...done, wrapText(screen, `The timer is enabled.${next}`)].join('\n');
}

const WRITTEN: Readonly<Record<UnitFile['action'], string>> = {
  create: 'written',
  replace: 'replaced',
  keep: 'unchanged',
  remove: 'removed',
};
const TO_WRITE: Readonly<Record<UnitFile['action'], string>> = {
  create: 'to be written',
  replace: 'to be replaced',
  keep: 'unchanged',
  remove: 'to be removed',
};

export function renderDisabled({ removed }: DisableOutcome, { dryRun }: { readonly dryRun: boolean }): string {
  if (removed.length === 0) return 'There is no timer to disable.';
  const lines = removed.map((path) => `${dryRun ? 'to be removed' : 'removed'}  ${printable(path)}`);
  return [...lines, dryRun ? '\nNothing was changed.' : 'The timer is disabled.'].join('\n');
}

export function renderStatus(screen: Screen, status: TimerStatus, { now, zone }: Clock): string {
  const rows = [
    ['Next run', status.nextRun === null ? 'none' : time(status.nextRun, now, zone)],
    ...status.services.map((service) => [service.unit.replace(/\.service$/, ''), sinceBoot(service, now, zone)]),
    ...status.logged.map((run) => [`${run.target}: ${run.command}`, `${time(run.at, now, zone)}: ${whatItDid(run)}`]),
  ];
  const width = Math.max(...rows.map(([word = '']) => word.length)) + 1;
  return [
    screen.style('bold', status.enabled ? 'The timer is enabled.' : 'The timer is not enabled.'),
    ...rows.map(([word = '', text = '']) => `  ${screen.style('dim', `${word}:`.padEnd(width))} ${text}`),
    ...status.logged.flatMap(({ target, failures }) =>
      failures.map(({ name, error }) => screen.style('red', `failed   ${target}:${name}: ${error}`)),
    ),
    ...status.notRead.map((why) => screen.style('dim', wrapText(screen, `no log was read: ${printableText(why)}`))),
    ...status.failing.map((why) => screen.style('red', wrapText(screen, `failing: ${printableText(why)}`))),
  ].join('\n');
}

function sinceBoot({ running, startedAt, result, exitStatus }: ServiceStatus, now: Date, zone: string | undefined): string {
  if (startedAt === null) return running ? 'is starting' : 'no run since the boot';
  if (running) return `running since ${time(startedAt, now, zone)}`;
  const how =
    result === 'success' ? 'done' : result === 'exit-code' ? `failed with status ${String(exitStatus)}` : `failed (${result ?? 'unknown'})`;
  return `${time(startedAt, now, zone)}: ${how}`;
}

function whatItDid({ removed, trashed, failures, error }: LoggedRun): string {
  const parts = [`${formatCount(removed, 'old root')} removed`];
  if (trashed > 0) parts.push(`${String(trashed)} put into the trash`);
  if (failures.length > 0) parts.push(`${String(failures.length)} failed`);
  if (error !== null) parts.push(error);
  return parts.join(', ');
}

function time(at: Date, now: Date, zone: string | undefined): string {
  return `${formatTime(at, zone)} (${formatAgo((now.getTime() - at.getTime()) / 1000)})`;
}

export function planContract({ files, nixModule }: TimerPlan): object {
  return { units: files.map(({ path, text, action }) => ({ ...jsonName('path', path), content: text, action })), nixModule };
}

export function enabledContract(outcome: EnableOutcome): object {
  const { enabled, why, warnings, nextRun } = outcome;
  return { enabled, why, nextRun: nextRun?.toISOString() ?? null, ...planContract(outcome), warnings };
}

export function disabledContract({ removed }: DisableOutcome): object {
  return { removed: removed.map((path) => jsonName('path', path)) };
}

export function statusContract({ services, logged, nextRun, ...status }: TimerStatus): object {
  return {
    ...status,
    nextRun: nextRun?.toISOString() ?? null,
    services: services.map(({ startedAt, endedAt, ...service }) => ({
      ...service,
      startedAt: startedAt?.toISOString() ?? null,
      endedAt: endedAt?.toISOString() ?? null,
    })),
    logged: logged.map(({ at, ...run }) => ({ ...run, at: at.toISOString() })),
  };
}
