/**
 * `roots timer status`: what systemd knows of this boot, and what the archives know of the boots before.
 */
import { EXIT_STATUS } from '../errors.ts';
import { parseTimespan, parseTimestamp, requireSystemd, showUnits, uptime, type Properties } from '../system/systemd.ts';
import { PRUNE_SERVICE, PRUNE_TIMER, ROTATE_SERVICE } from '../units/timer-units.ts';
import type { Context } from './context.ts';
import { lastLoggedRuns, type LoggedRun } from './logged-runs.ts';

export interface ServiceStatus {
  readonly unit: string;
  readonly running: boolean;
  /** The last run of this boot; null if there was none. */
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** In systemd's words: `success`, `exit-code`, `timeout`, …; null if there was no run. */
  readonly result: string | null;
  /** Null if it did not exit by itself. */
  readonly exitStatus: number | null;
}

export interface TimerStatus {
  /** Whether it starts at each boot. */
  readonly enabled: boolean;
  readonly active: boolean;
  readonly nextRun: Date | null;
  /** Those that there are. */
  readonly services: readonly ServiceStatus[];
  /** Of each target the last of each kind, whoever started it and at whichever boot. */
  readonly logged: readonly LoggedRun[];
  /** Why archives could not be asked, for people. */
  readonly notRead: readonly string[];
  /** What is wrong, for people; empty if all is well. That no timer is enabled is not wrong. */
  readonly failing: readonly string[];
}

const PROPERTIES = [
  'LoadState',
  'UnitFileState',
  'ActiveState',
  'NextElapseUSecRealtime',
  'NextElapseUSecMonotonic',
  'Result',
  'ExecMainStartTimestamp',
  'ExecMainExitTimestamp',
  'ExecMainCode',
  'ExecMainStatus',
];

/** Errors: `unsupported` without systemd. `booted`: is there while systemd runs the machine. */
export async function timerStatus(context: Context, booted?: string): Promise<TimerStatus> {
  requireSystemd(booted);
  const { logged, notRead } = await lastLoggedRuns(context);
  const names = [PRUNE_SERVICE, ROTATE_SERVICE];
  const [timer = new Map<string, string>(), ...shown] = await showUnits(context.run, [PRUNE_TIMER, ...names], PROPERTIES);
  const enabled = ['enabled', 'enabled-runtime'].includes(timer.get('UnitFileState') ?? '');
  const active = timer.get('ActiveState') === 'active';
  const services = names.flatMap((unit, at) => serviceStatus(unit, shown[at] ?? new Map<string, string>()));
  return {
    enabled,
    active,
    nextRun: active ? nextRunOf(timer, context.now) : null,
    services,
    logged,
    notRead,
    failing: [
      ...[PRUNE_TIMER, ...names].flatMap((unit, at) => whyNotLoaded(unit, [timer, ...shown][at])),
      ...(enabled && !active ? [`${PRUNE_TIMER} is enabled and not active`] : []),
      ...services.flatMap(whyFailed),
      ...logged.flatMap(whyNotWhole),
    ],
  };
}

/** Null if that is not known. */
export async function nextRun({ run, now }: Context): Promise<Date | null> {
  const [timer] = await showUnits(run, [PRUNE_TIMER], PROPERTIES);
  return timer === undefined ? null : nextRunOf(timer, now);
}

/** The earlier of what goes by the calendar and what goes by the time since something happened. */
function nextRunOf(timer: Properties, now: Date): Date | null {
  const realtime = parseTimestamp(timer.get('NextElapseUSecRealtime'))?.getTime();
  const monotonic = parseTimespan(timer.get('NextElapseUSecMonotonic'));
  const times = [realtime, monotonic === null ? undefined : now.getTime() + (monotonic - uptime()) * 1000].filter(
    (time) => time !== undefined,
  );
  return times.length === 0 ? null : new Date(Math.min(...times));
}

function serviceStatus(unit: string, properties: Properties): ServiceStatus[] {
  if (properties.get('LoadState') !== 'loaded') return [];
  const startedAt = parseTimestamp(properties.get('ExecMainStartTimestamp'));
  const ran = startedAt !== null;
  // CLD_EXITED; what a signal ended has the number of that as its status.
  const exited = ran && properties.get('ExecMainCode') === '1';
  const running = ['activating', 'deactivating', 'reloading'].includes(properties.get('ActiveState') ?? '');
  return [
    {
      unit,
      running,
      startedAt,
      endedAt: ran && !running ? parseTimestamp(properties.get('ExecMainExitTimestamp')) : null,
      result: ran && !running ? (properties.get('Result') ?? null) : null,
      exitStatus: exited && !running ? Number(properties.get('ExecMainStatus')) : null,
    },
  ];
}

function whyNotLoaded(unit: string, properties: Properties | undefined): string[] {
  const state = properties?.get('LoadState') ?? 'not-found';
  return ['loaded', 'not-found', 'masked'].includes(state) ? [] : [`systemd cannot load ${unit}: ${state}`];
}

function whyFailed({ unit, result, exitStatus }: ServiceStatus): string[] {
  if (result === null || result === 'success') return [];
  const meaning = Object.values(EXIT_STATUS).find(({ status }) => status === exitStatus)?.meaning;
  const how =
    result === 'exit-code' && exitStatus !== null
      ? `exit status ${String(exitStatus)}${meaning === undefined ? '' : `, ${meaning}`}`
      : result;
  return [`the last run of ${unit} failed: ${how}`];
}

function whyNotWhole({ target, command, failures, error }: LoggedRun): string[] {
  if (error !== null) return [`the last \`roots ${command}\` of ${target} failed: ${error}`];
  return failures.length === 0
    ? []
    : [`the last \`roots ${command}\` of ${target} failed for ${failures.map(({ name }) => name).join(', ')}`];
}
