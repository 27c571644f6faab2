/**
 * A path as a chain of names. A directory 10,000 levels down has 10,000 ancestors on the way of the walk: with a whole path
 * for each they would take gigabytes, so that a path is only put together for a change that leaves.
 */
import type { BytePath } from '../byte-path.ts';

export interface TrailStep {
  readonly parent: Trail;
  readonly name: BytePath;
}

/** Null is the root of the trees. */
export type Trail = TrailStep | null;

export function pathOf(trail: Trail): BytePath {
  const names: BytePath[] = [];
  for (let step = trail; step !== null; step = step.parent) names.push(step.name);
  return names.reverse().join('/') as BytePath;
}
