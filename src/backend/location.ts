/**
 * The trees of a location that have a name of their own.
 */
import type { BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Location } from './backend.ts';

/** Errors: `not-found` if the location has none. */
export function specialPath(location: Location, tree: 'live' | 'blank'): BytePath {
  const path = location[tree];
  if (path !== null) return path;
  throw new RootsError('not-found', `this target has no known ${tree} tree`, { hint: `set \`${tree}\` in the configuration` });
}
