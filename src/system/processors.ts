import { availableParallelism } from 'node:os';

/** How many things are best done at once. */
export function processors(): number {
  return availableParallelism();
}
