/**
 * `roots timer enable` and `disable`: unit files where systemd finds them, or what to put where instead.
 */
import type { BackendName } from '../backend/backend.ts';
import { fromText, isWithin, joinPath, printable, type BytePath } from '../byte-path.ts';
import { DEFAULT_FILE } from '../config.ts';
import { RootsError } from '../errors.ts';
import { isEmpty } from '../retention/policy.ts';
import { withoutLinks } from '../system/links.ts';
import { readMountTable } from '../system/mounts.ts';
import { checkCalendarEvent, requireSystemd, systemctl } from '../system/systemd.ts';
import { isMadeByNixOS, readUnitFile, removeUnitFile, replaceableByOthers, writeUnitFile, type PresentFile } from '../system/unit-files.ts';
import { renderNixModule } from '../units/nix-module.ts';
import { PRUNE_SERVICE, PRUNE_TIMER, ROTATE_SERVICE, timerUnits } from '../units/timer-units.ts';
import { isWrittenByRoots, renderUnit, type Unit } from '../units/unit.ts';
import { calendarEvent } from '../units/value.ts';
import type { Context } from './context.ts';
import { withTargets } from './targets.ts';
import { whyForgotten, type MountedLiveRoot } from './timer-place.ts';
import { nextRun } from './timer-status.ts';

/** Where things are on the machine; tests have their own. */
export interface TimerPlaces {
  readonly etc: BytePath;
  /** Where units are put by hand. */
  readonly units: BytePath;
  /** What a unit with PrivateTmp= does not see. */
  readonly hidden: readonly BytePath[];
  /** Is there while systemd runs the machine. */
  readonly booted: string;
}

const MACHINE: TimerPlaces = {
  etc: fromText('/etc'),
  units: fromText('/etc/systemd/system'),
  hidden: ['/tmp', '/var/tmp'].map(fromText),
  booted: '/run/systemd/system',
};

export interface TimerRequest {
  /** What starts `roots`, with absolute paths. */
  readonly program: readonly [program: BytePath, ...args: readonly BytePath[]];
  /** The configuration as an absolute path; null if there is none. */
  readonly config: BytePath | null;
  readonly onCalendar: string | null;
  readonly onFailure: string | null;
}

export interface UnitFile {
  readonly path: BytePath;
  readonly text: string;
  readonly action: 'create' | 'replace' | 'keep' | 'remove';
}

export interface TimerPlan {
  readonly files: readonly UnitFile[];
  /** The same as a NixOS module, where /etc is made by NixOS; else null. */
  readonly nixModule: string | null;
}

export interface EnableOutcome extends TimerPlan {
  readonly enabled: boolean;
  /** Why nothing was written, for people; null if that is not so. */
  readonly why: string | null;
  readonly warnings: readonly string[];
  readonly nextRun: Date | null;
}

/** The units, from the configuration alone where the archives cannot be looked at. Changes nothing and needs neither root nor systemd. */
export async function printTimer(context: Context, request: TimerRequest, places: TimerPlaces = MACHINE): Promise<TimerPlan> {
  const machine = await lookAround(context).catch((error: unknown) => {
    if (error instanceof RootsError && error.kind !== 'interrupted') return undefined;
    throw error;
  });
  return planTimer(context, request, machine ?? configured(context), places);
}

/**
 * Writes the units and starts the timer, unless the next boot would not have them; then the outcome says what to put where. `dryRun`: writes nothing.
 * Errors: `unsupported` without systemd; `not-permitted`; `usage` for what a unit cannot do; `failed` if a file is there that is not ours.
 */
export async function enableTimer(
  context: Context,
  request: TimerRequest,
  { dryRun }: { readonly dryRun: boolean },
  places: TimerPlaces = MACHINE,
): Promise<EnableOutcome> {
  requireSystemd(places.booted);
  refuseUnprivileged(context);
  if (request.onCalendar !== null) await checkCalendarEvent(context.run, calendarEvent(request.onCalendar));
  const surroundings = await lookAround(context);
  const { archives, lives, warnings } = surroundings;
  const files = filesOf(request);
  for (const path of [...files, ...archives]) refuseHidden(path, places);
  const plan = planTimer(context, request, surroundings, places);
  const mounts = readMountTable();
  const forgotten = (path: BytePath): string | null => whyForgotten(mounts, lives, withoutLinks(path));
  const outcome = {
    ...plan,
    enabled: false,
    why: plan.nixModule === null ? forgotten(places.units) : `NixOS makes ${printable(places.etc)} from its configuration`,
    warnings: [...warnings, ...files.flatMap((path) => aboutFile(path, forgotten))],
    nextRun: null,
  };
  if (outcome.why !== null) return outcome;
  for (const { path } of plan.files) refuseForeign(path);
  if (dryRun) return outcome;
  for (const { path, text, action } of plan.files) {
    if (action === 'remove') removeUnitFile(path);
    else if (action !== 'keep') writeUnitFile(path, text);
  }
  await systemctl(context.run, ['daemon-reload']);
  await systemctl(context.run, ['enable', '--now', PRUNE_TIMER]);
  return { ...outcome, enabled: true, nextRun: await nextRun(context) };
}

export interface DisableOutcome {
  /** Those that were there, and are gone. */
  readonly removed: readonly BytePath[];
}

/**
 * Stops the timer, and a run under way after its step; removes the units. `dryRun`: only says which.
 * Errors: `unsupported` without systemd; `not-permitted`; `failed` if a file is there that is not ours.
 */
export async function disableTimer(
  context: Context,
  { dryRun }: { readonly dryRun: boolean },
  places: TimerPlaces = MACHINE,
): Promise<DisableOutcome> {
  requireSystemd(places.booted);
  refuseUnprivileged(context);
  const paths = [PRUNE_SERVICE, PRUNE_TIMER, ROTATE_SERVICE].map((name) => joinPath(places.units, fromText(name)));
  const removed = paths.filter((path) => readUnitFile(path) !== undefined);
  for (const path of removed) refuseForeign(path);
  if (dryRun || removed.length === 0) return { removed };
  const units = [PRUNE_TIMER, PRUNE_SERVICE, ROTATE_SERVICE].filter((name) => removed.includes(joinPath(places.units, fromText(name))));
  // The timer first, so that it starts nothing meanwhile.
  for (const unit of units) await systemctl(context.run, ['stop', unit]);
  if (units.includes(PRUNE_TIMER)) await systemctl(context.run, ['disable', PRUNE_TIMER]);
  for (const path of removed) removeUnitFile(path);
  await systemctl(context.run, ['daemon-reload']);
  return { removed };
}

function planTimer(context: Context, request: TimerRequest, { archives, backends }: PlacesOfTargets, places: TimerPlaces): TimerPlan {
  const config = request.config === DEFAULT_FILE ? null : request.config;
  const rotates = context.config.targets.some((target) => target.rotate !== undefined);
  const units = timerUnits({ ...request, config, writable: archives, rotates });
  const rotation = joinPath(places.units, fromText(ROTATE_SERVICE));
  const stale = !rotates && isOurs(readUnitFile(rotation));
  return {
    files: [...units.map((unit) => unitFile(unit, places)), ...(stale ? [{ path: rotation, text: '', action: 'remove' as const }] : [])],
    nixModule: isMadeByNixOS(places.etc, places.units) ? renderNixModule(units, { backends }) : null,
  };
}

function unitFile(unit: Unit, places: TimerPlaces): UnitFile {
  const path = joinPath(places.units, fromText(unit.name));
  const text = renderUnit(unit);
  const present = readUnitFile(path);
  return { path, text, action: present === undefined ? 'create' : present.text === text ? 'keep' : 'replace' };
}

interface PlacesOfTargets {
  /** Archives that a unit must be allowed to write to. */
  readonly archives: readonly BytePath[];
  readonly backends: ReadonlySet<BackendName>;
}

interface Surroundings extends PlacesOfTargets {
  readonly lives: readonly MountedLiveRoot[];
  readonly warnings: readonly string[];
}

async function lookAround(context: Context): Promise<Surroundings> {
  return withTargets(context, { access: 'read' }, async (targets, { problems, notLookedAt }) => ({
    archives: targets.flatMap(({ backend: { location } }) => (location.backend === 'directory' ? [location.archive] : [])),
    backends: new Set(targets.map(({ backend }) => backend.name)),
    lives: targets.flatMap(({ name, backend: { liveMountPoint } }) =>
      liveMountPoint === null ? [] : [{ target: name, mountPoint: withoutLinks(liveMountPoint) }],
    ),
    warnings: [
      ...problems.map(({ target, error }) => `${target}: ${error.message}`),
      ...notLookedAt,
      ...targets.flatMap(({ name, policy }) =>
        isEmpty(policy) ? [`${name}: no policy is configured, so nothing will be removed; see roots.toml(5)`] : [],
      ),
    ],
  }));
}

/** As far as the configuration alone tells: archives that may be plain directories. */
function configured({ config: { targets } }: Context): PlacesOfTargets {
  const archives = targets.flatMap(({ backend, device, archive }) =>
    archive === undefined || device !== undefined || (backend !== undefined && backend !== 'directory') ? [] : [fromText(archive)],
  );
  return { archives, backends: new Set(targets.flatMap(({ backend }) => backend ?? [])) };
}

/** What the units start and read. */
function filesOf({ program, config }: TimerRequest): BytePath[] {
  return [...program.filter((word) => word.startsWith('/')), ...(config === null ? [] : [config])];
}

function aboutFile(path: BytePath, forgotten: (path: BytePath) => string | null): string[] {
  const why = forgotten(path);
  const weak = replaceableByOthers(path);
  return [
    ...(why === null ? [] : [`${why}: the timer will not find it any more`]),
    ...(weak === null ? [] : [`${printable(weak)} can be changed by others than root, and root will run or read ${printable(path)}`]),
    ...(isWithin(withoutLinks(path), '/nix/store' as BytePath)
      ? [`${printable(path)} is in the Nix store, which may be cleaned of it`]
      : []),
  ];
}

function refuseHidden(path: BytePath, { hidden }: TimerPlaces): void {
  const folder = hidden.find((each) => isWithin(withoutLinks(path), each));
  if (folder === undefined) return;
  throw new RootsError('usage', `${printable(path)} is in ${printable(folder)}, of which a service of systemd has its own`, {
    hint: 'put it in another directory',
  });
}

function refuseUnprivileged({ privileged }: Context): void {
  if (!privileged) throw new RootsError('not-permitted', 'only root can change the units of systemd', { hint: 'run it again with sudo' });
}

function refuseForeign(path: BytePath): void {
  const present = readUnitFile(path);
  if (present === undefined || isOurs(present)) return;
  throw new RootsError('failed', `${printable(path)} was not written by \`roots timer enable\`, so it is left alone`, {
    hint: 'remove it where it comes from, or move it away',
  });
}

function isOurs(present: PresentFile | undefined): boolean {
  return typeof present?.text === 'string' && isWrittenByRoots(present.text);
}
