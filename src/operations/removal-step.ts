/**
 * One step of removing: announced in the log, taken, and told of.
 */
import type { ArchivedTree, Departure } from '../backend/backend.ts';
import { printable } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { JudgedRoot, JudgedTrash } from './judge.ts';
import type { RemovalLog, Step } from './removal-log.ts';
import type { Target } from './targets.ts';

export type Going = JudgedRoot | JudgedTrash;

export interface Removal {
  readonly judged: Going;
  readonly result: 'removed' | 'trashed' | 'failed';
  /** Why it failed, safe to print. */
  readonly error: string | null;
  /** What had to be changed to remove it. */
  readonly notes: readonly string[];
}

/** Told of each removal as it happens. */
export type OnRemoval = (removal: Removal) => void;

export interface StepOptions {
  readonly step: Exclude<Step, 'undeleting'>;
  /** One for each that goes, as it is now. */
  readonly trees: readonly ArchivedTree[];
  readonly at: Date;
  readonly log: RemovalLog;
}

/** No more at once than `inSteps` gives. A failure is a result. */
export async function takeStep({ backend }: Target, going: readonly Going[], { step, trees, at, log }: StepOptions): Promise<Removal[]> {
  await log.write(going.map((judged) => ({ event: step, ...entryOf(judged) })));
  const departures = await (step === 'trashing' ? backend.discard(trees, at) : backend.remove(trees));
  const removals = going.map((judged, index) => removalOf(judged, departures[index], step));
  log.note(
    removals.map(({ judged, result, error, notes }) => ({
      event: result,
      ...entryOf(judged),
      ...(error === null ? {} : { error }),
      ...(notes.length === 0 ? {} : { notes: [...notes] }),
    })),
  );
  return removals;
}

export function entryOf({ name, root, reasons }: Going): { name: string; id: string; reasons: string[]; fromTrash?: true } {
  return { name, id: root.id, reasons: [...reasons], ...('trashedAt' in root && { fromTrash: true as const }) };
}

function removalOf(judged: Going, departure: Departure | undefined, step: StepOptions['step']): Removal {
  if (departure === undefined) throw new RootsError('failed', `nothing was told of what became of ${judged.name}`);
  const { error } = departure;
  const nested = departure.nested.length === 0 ? [] : [`with what was nested in it: ${departure.nested.map(printable).join(', ')}`];
  const notes = [...departure.notes, ...nested];
  if (error !== null) return { judged, result: 'failed', error: error.message, notes };
  return { judged, result: step === 'trashing' ? 'trashed' : 'removed', error: null, notes };
}

/** How many came to what: what the log says of a run. */
export function sumsOf(removals: readonly Removal[]): Record<Removal['result'], number> {
  const count = (result: Removal['result']): number => removals.filter((removal) => removal.result === result).length;
  return { removed: count('removed'), trashed: count('trashed'), failed: count('failed') };
}

/** As many in each as the backend is best given at once. */
export function inSteps<T>({ backend }: Target, all: readonly T[]): T[][] {
  const size = backend.capabilities.atOnce;
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}
