/** Where `roots find` looks for what it is asked for: in which trees, and at or below which path in them. */
import { isWithin, printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { matcherOf, type Matcher, type Wanted } from '../lookup/glob.ts';
import { lookUp } from './live-path.ts';
import type { Target } from './targets.ts';

/** What to look for in the trees of one target. */
export interface Search {
  readonly target: Target;
  /** The directory to look in, or with no matcher the path itself; inside the trees. */
  readonly inside: BytePath;
  readonly matcher: Matcher | null;
  /** The way from the base of the pattern to `inside`. */
  readonly prefix: BytePath;
}

const NOWHERE = '' as BytePath;

/** `absolute`: from the working directory. `warn` is told of what is not where it seems to be, for people. Errors: `usage`. */
export async function searchesFor(
  targets: readonly Target[],
  wanted: Wanted,
  absolute: (text: string) => BytePath,
  warn: (text: string) => void,
): Promise<Search[]> {
  const everywhere = (inside: BytePath, matcher: Matcher | null): Search[] =>
    targets.map((target) => ({ target, inside, matcher, prefix: NOWHERE }));
  if (wanted.kind === 'name') return everywhere(NOWHERE, await matcherOf(wanted));
  const base = wanted.kind === 'path' ? wanted.text : wanted.base;
  const matcher = wanted.kind === 'path' ? null : await matcherOf(wanted);
  if (base === null) return everywhere(NOWHERE, matcher);
  const path = absolute(base === '' ? '.' : base);
  const live = lookUp(targets, path);
  if (matcher === null && (live === null ? path === '/' : live.inside === ''))
    throw new RootsError('usage', `${printable(path)} is in every old root: it is their root`, {
      hint: `name what is in it, or a pattern: roots find '${path === '/' ? '' : printable(path)}/**'`,
    });
  // What is on no live root is taken as inside, as everywhere.
  if (live === null && !targets.some(({ backend }) => isBelow(backend.liveMountPoint, path)))
    return everywhere(path.replace(/^\/+/, '') as BytePath, matcher);
  if (live !== null && live.warning !== null) warn(live.warning);
  const own = live === null ? [] : [{ target: live.target, inside: live.inside, matcher, prefix: NOWHERE }];
  const below = targets.flatMap((target): Search[] => {
    const { liveMountPoint } = target.backend;
    if (matcher === null || target === live?.target || liveMountPoint === null || !isBelow(liveMountPoint, path)) return [];
    return [{ target, inside: NOWHERE, matcher, prefix: liveMountPoint.slice(path === '/' ? 1 : path.length + 1) as BytePath }];
  });
  return [...own, ...below];
}

function isBelow(mountPoint: BytePath | null, path: BytePath): boolean {
  return mountPoint !== null && mountPoint !== path && isWithin(mountPoint, path);
}
