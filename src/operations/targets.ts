/**
 * Which targets there are: what the configuration says, completed by what can be recognised.
 */
import type { Backend, Detected, Location, Services } from '../backend/backend.ts';
import { detect, locate, openBackend, type Detection } from '../backend/detect.ts';
import { fromText, type BytePath } from '../byte-path.ts';
import type { TargetConfig } from '../config.ts';
import { RootsError } from '../errors.ts';
import type { Policy } from '../retention/policy.ts';
import { PrivateMountPool, type Access } from '../system/private-mount.ts';
import type { Context } from './context.ts';

export interface Target {
  readonly name: string;
  readonly backend: Backend;
  readonly policy: Policy;
  /** What was recognised without being configured, for people. Empty if all is configured. */
  readonly assumed: readonly string[];
}

export interface TargetSelection {
  readonly access: Access;
  /** One target by its name; undefined for all. */
  readonly only?: string | undefined;
}

interface Place {
  readonly name: string;
  readonly location: Location;
  readonly policy: Policy;
  readonly assumed: readonly string[];
}

/**
 * Opens the targets for as long as `use` takes, and closes them and every private mount whatever happens. There is at least one.
 * Errors: `not-found` if there is none, or none of that name; `not-permitted` if only root could see one.
 */
export async function withTargets<T>(context: Context, selection: TargetSelection, use: (targets: readonly Target[]) => Promise<T>): Promise<T> {
  const privateMounts = new PrivateMountPool(context.run, selection.access);
  const services: Services = { run: context.run, signal: context.signal, privateMounts };
  const targets: Target[] = [];
  try {
    for (const { location, ...place } of select(await findPlaces(context, services), selection.only)) {
      refuseUnprivileged(context, location);
      targets.push({ ...place, backend: await openBackend(location, services) });
    }
    return await use(targets);
  } finally {
    await Promise.allSettled(targets.map((target) => target.backend.close()));
    await privateMounts.close();
  }
}

async function findPlaces(context: Context, services: Services): Promise<Place[]> {
  const configured = context.config.targets;
  const needsDetection = configured.length === 0 || configured.some((target) => target.archive === undefined);
  const detection = needsDetection
    ? await detect(services, { nameZone: context.config.nameTimezone, privileged: context.privileged })
    : { found: [], notLookedAt: [] };
  if (configured.length > 0) return configured.map((target) => configuredPlace(target, detection, context.config.file));
  if (detection.found.length === 0) throw nothingFound(detection, context.privileged);
  return named(detection.found);
}

function configuredPlace(target: TargetConfig, detection: Detection, file: string | null): Place {
  const { name, policy } = target;
  const location = configuredLocation(target);
  if (location !== undefined) return { name, policy, location, assumed: [] };
  const [found, ...more] = named(detection.found).filter((place) => place.name === name || place.name.startsWith(`${name}-`));
  if (found === undefined) {
    throw new RootsError('not-found', `the target \`${name}\` is configured without a place, and no archive for it was recognised`, {
      hint: `give \`device\` and \`archive\` under [targets.${name}] in ${file ?? 'the configuration'}`,
    });
  }
  if (more.length > 0) {
    throw new RootsError('usage', `the target \`${name}\` is configured without a place, and more than one archive could be its`, {
      hint: `give \`device\` and \`archive\` under [targets.${name}] in ${file ?? 'the configuration'}: ${[found, ...more].map((place) => place.assumed.join(', ')).join('; or ')}`,
    });
  }
  return { ...found, name, policy };
}

function configuredLocation(target: TargetConfig): Location | undefined {
  if (target.archive === undefined) return undefined;
  const path = (text: string | undefined): BytePath | null => (text === undefined ? null : fromText(text));
  const paths = { live: path(target.live), blank: path(target.blank), archive: fromText(target.archive) };
  if (target.device !== undefined) return { backend: 'btrfs', device: target.device, ...paths };
  return target.backend === 'directory' ? { backend: 'directory', ...paths } : locate(paths);
}

/** The words of the design, made unique: the first keeps the plain word. */
function named(found: readonly Detected[]): Place[] {
  const taken = new Map<string, number>();
  return found.map(({ suggestedName, location, assumed }) => {
    const count = (taken.get(suggestedName) ?? 0) + 1;
    taken.set(suggestedName, count);
    return { name: count === 1 ? suggestedName : `${suggestedName}-${String(count)}`, location, policy: {}, assumed };
  });
}

function select(places: readonly Place[], only: string | undefined): readonly Place[] {
  if (only === undefined) return places;
  const chosen = places.filter((place) => place.name === only);
  if (chosen.length > 0) return chosen;
  throw new RootsError('not-found', `there is no target \`${only}\``, { hint: `the targets are: ${places.map((place) => place.name).join(', ')}` });
}

function refuseUnprivileged(context: Context, location: Location): void {
  if (location.backend === 'directory' || context.privileged) return;
  throw new RootsError('not-permitted', `old roots on ${location.backend} can only be reached by root`, { hint: 'run it again with sudo' });
}

function nothingFound({ notLookedAt }: Detection, privileged: boolean): RootsError {
  if (!privileged && notLookedAt.length > 0) {
    return new RootsError('not-permitted', `no archive of old roots can be seen: ${notLookedAt.join('; ')}`, { hint: 'run it again with sudo' });
  }
  const seen = notLookedAt.length === 0 ? '' : ` (${notLookedAt.join('; ')})`;
  return new RootsError(notLookedAt.length === 0 ? 'not-found' : 'unsupported', `no archive of old roots was found on the mounted filesystems${seen}`, {
    hint: 'say in /etc/roots.toml where it is, see roots.toml(5); or try `roots demo`',
  });
}
