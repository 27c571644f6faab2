/**
 * Which targets there are: what the configuration says, completed by what can be recognised.
 */
import type { Backend, Detected, Location, Services } from '../backend/backend.ts';
import { capabilitiesOf, detect, openBackend, type Detection } from '../backend/detect.ts';
import { locateByPaths, locateOnDevice } from '../backend/locate.ts';
import { fromText, type BytePath } from '../byte-path.ts';
import type { TargetConfig } from '../config.ts';
import { RootsError } from '../errors.ts';
import type { Duration } from '../retention/duration.ts';
import type { Policy } from '../retention/policy.ts';
import { PrivateMountPool, type Access } from '../system/private-mount.ts';
import type { Run } from '../system/run.ts';
import type { Context } from './context.ts';

export interface Target {
  readonly name: string;
  readonly backend: Backend;
  readonly policy: Policy;
  /** How long a removed old root stays in the trash; null: not at all. */
  readonly grace: Duration | null;
  /** How many days the rolling slots are of; null if it has none. */
  readonly slots: number | null;
  /** What was recognised without being configured, for people. Empty if all is configured. */
  readonly assumed: readonly string[];
}

export interface TargetSelection {
  readonly access: Access;
  /** One target by its name; undefined for all. */
  readonly only?: string | undefined;
}

/** A target by its name; where it is can be what is wrong with it, and that must not stop the others. */
interface NamedPlace {
  readonly name: string;
  readonly place: () => Promise<Place>;
}

type Place = Omit<Target, 'backend'> & { readonly location: Location };

/** A target that could not be opened; the others can be used all the same. */
export interface TargetProblem {
  readonly target: string;
  readonly error: RootsError;
}

/** What was left aside. */
export interface Aside {
  readonly problems: readonly TargetProblem[];
  /** Why filesystems were not looked at, for people. */
  readonly notLookedAt: readonly string[];
}

/**
 * Opens the targets for as long as `use` takes, and closes them and every private mount whatever happens. There is at least one.
 * Errors: `not-found` if there is none, or none of that name; `not-permitted` if only root could see one; that of the first if none can be opened.
 */
export async function withTargets<T>(
  context: Context,
  selection: TargetSelection,
  use: (targets: readonly Target[], aside: Aside) => Promise<T>,
): Promise<T> {
  const privateMounts = new PrivateMountPool(context.run, selection.access);
  // To look at a filesystem is no reason to mount it for writing.
  const lookout = selection.access === 'read' ? privateMounts : new PrivateMountPool(context.run, 'read');
  const services: Services = { run: context.run, signal: context.signal, privateMounts };
  const targets: Target[] = [];
  const problems: TargetProblem[] = [];
  try {
    const { places, notLookedAt } = await findPlaces(context, { ...services, privateMounts: lookout });
    for (const { name, place } of select(places, selection.only)) {
      try {
        targets.push(await openTarget(context, services, await place()));
      } catch (error) {
        if (!(error instanceof RootsError)) throw error;
        problems.push({ target: name, error });
      }
    }
    const [first] = problems;
    if (targets.length === 0 && first !== undefined) throw first.error;
    refuseSharedArchives(targets);
    return await use(targets, { problems, notLookedAt });
  } finally {
    await Promise.allSettled(targets.map((target) => target.backend.close()));
    await Promise.all([privateMounts.close(), lookout.close()]);
  }
}

async function openTarget(context: Context, services: Services, { location, ...place }: Place): Promise<Target> {
  refuseUnprivileged(context, location);
  return { ...place, backend: await openBackend(location, services) };
}

/** Two policies on one archive would each remove what the other keeps. The configuration can only compare what is written in it. */
function refuseSharedArchives(targets: readonly Target[]): void {
  const byKey = new Map<string, Target>();
  for (const target of targets) {
    const other = byKey.get(target.backend.archiveKey);
    if (other !== undefined)
      throw new RootsError('usage', `the targets \`${other.name}\` and \`${target.name}\` have the same archive`, {
        hint: 'keep one of them',
      });
    byKey.set(target.backend.archiveKey, target);
  }
}

async function findPlaces(
  context: Context,
  services: Services,
): Promise<{ places: readonly NamedPlace[]; notLookedAt: readonly string[] }> {
  const configured = context.config.targets;
  const needsDetection = configured.length === 0 || configured.some((target) => !hasPlace(target));
  const detection = needsDetection
    ? await detect(services, { nameZone: context.config.nameTimezone, privileged: context.privileged })
    : { found: [], notLookedAt: [] };
  if (configured.length > 0)
    return {
      places: configured.map((target) => ({ name: target.name, place: () => configuredPlace(context, target, detection) })),
      notLookedAt: [],
    };
  if (detection.found.length === 0) throw nothingFound(detection, context.privileged);
  return {
    places: named(detection.found).map((place) => ({ name: place.name, place: () => Promise.resolve(place) })),
    notLookedAt: detection.notLookedAt,
  };
}

/** Whether the configuration says where it is: on ZFS by `dataset`, else by `archive`. */
function hasPlace(target: TargetConfig): boolean {
  return target.archive !== undefined || target.dataset !== undefined;
}

async function configuredPlace({ config, run }: Context, target: TargetConfig, detection: Detection): Promise<Place> {
  const { name, backend, policy } = target;
  const rules = { name, policy, grace: target.grace ?? null, slots: target.rotate?.slots ?? null };
  const location = await configuredLocation(run, target);
  if (location !== undefined) return { ...rules, location, assumed: [] };
  const fits = (place: Place): boolean =>
    (place.name === name || place.name.startsWith(`${name}-`)) && (backend === undefined || place.location.backend === backend);
  const [found, ...more] = named(detection.found).filter(fits);
  const hint = `give \`device\` and \`archive\`, or \`dataset\` for ZFS, under [targets.${name}] in ${config.file ?? 'the configuration'}`;
  if (found === undefined) {
    throw new RootsError(
      'not-found',
      `the target \`${name}\` is configured without a place, and no archive for it was recognised${backend === undefined ? '' : ` on ${backend}`}`,
      { hint },
    );
  }
  if (more.length > 0) {
    throw new RootsError('usage', `the target \`${name}\` is configured without a place, and more than one archive could be its`, {
      hint: `${hint}: ${[found, ...more].map((place) => place.assumed.join(', ')).join('; or ')}`,
    });
  }
  return { ...found, ...rules };
}

async function configuredLocation(run: Run, target: TargetConfig): Promise<Location | undefined> {
  const path = (text: string | undefined): BytePath | null => (text === undefined ? null : fromText(text));
  const { backend, device, dataset, archive } = target;
  if (dataset !== undefined) return { backend: 'zfs', live: fromText(dataset), blank: path(target.blank), archive: path(archive) };
  if (archive === undefined) return undefined;
  const paths = { live: path(target.live), blank: path(target.blank), archive: fromText(archive) };
  if (device === undefined) return backend === 'directory' ? { backend, ...paths } : locateByPaths(paths);
  return backend === 'btrfs' || backend === 'bcachefs' ? { backend, device, ...paths } : locateOnDevice(run, device, paths);
}

/** The words of the design, made unique: the first keeps the plain word. */
function named(found: readonly Detected[]): Place[] {
  const taken = new Map<string, number>();
  return found.map(({ suggestedName, location, assumed }) => {
    const count = (taken.get(suggestedName) ?? 0) + 1;
    taken.set(suggestedName, count);
    return {
      name: count === 1 ? suggestedName : `${suggestedName}-${String(count)}`,
      location,
      policy: {},
      grace: null,
      slots: null,
      assumed,
    };
  });
}

function select(places: readonly NamedPlace[], only: string | undefined): readonly NamedPlace[] {
  if (only === undefined) return places;
  const chosen = places.filter((place) => place.name === only);
  if (chosen.length > 0) return chosen;
  throw new RootsError('not-found', `there is no target \`${only}\``, {
    hint: `the targets are: ${places.map((place) => place.name).join(', ')}`,
  });
}

function refuseUnprivileged(context: Context, location: Location): void {
  if (context.privileged || !capabilitiesOf(location).needsRoot) return;
  throw new RootsError('not-permitted', `old roots on ${location.backend} can only be reached by root`, { hint: 'run it again with sudo' });
}

function nothingFound({ notLookedAt }: Detection, privileged: boolean): RootsError {
  if (!privileged && notLookedAt.length > 0) {
    return new RootsError('not-permitted', `no archive of old roots can be seen: ${notLookedAt.join('; ')}`, {
      hint: 'run it again with sudo',
    });
  }
  const seen = notLookedAt.length === 0 ? '' : ` (${notLookedAt.join('; ')})`;
  return new RootsError(
    notLookedAt.length === 0 ? 'not-found' : 'unsupported',
    `no archive of old roots was found on the mounted filesystems${seen}`,
    {
      hint: 'say in /etc/roots.toml where it is, see roots.toml(5); or try `roots demo`',
    },
  );
}
