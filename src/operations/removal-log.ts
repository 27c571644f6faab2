/**
 * The log of an archive: what was removed, when and why, one JSON document a line. It is kept in the archive, since the live root forgets.
 *
 * Each step is announced before it is taken and told after it. A run that is killed in between leaves an announcement without an end; the next run
 * looks what came of it and writes that down, so that the log never says less than what happened.
 */
import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Backend } from '../backend/backend.ts';
import { RootsError, messageOf } from '../errors.ts';
import { tellJournal, type Line } from '../system/journal.ts';
import type { Context } from './context.ts';
import type { Target } from './targets.ts';

const STEPS = ['removing', 'trashing'] as const;
const ENDS = ['removed', 'trashed', 'failed', 'undeleted'] as const;

export type Step = (typeof STEPS)[number];

const ENTRY = v.object({
  at: v.pipe(v.string(), v.isoTimestamp()),
  /** The same for all entries of one run. */
  run: v.string(),
  event: v.picklist([...STEPS, ...ENDS]),
  name: v.string(),
  id: v.string(),
  reasons: v.array(v.string()),
  /** It was in the trash. */
  fromTrash: v.exactOptional(v.literal(true)),
  error: v.exactOptional(v.string()),
  notes: v.exactOptional(v.array(v.string())),
});

/** One run as a whole, written at its end. */
const RUN = v.object({
  at: v.pipe(v.string(), v.isoTimestamp()),
  run: v.string(),
  event: v.picklist(['prune', 'rotate']),
  removed: v.number(),
  trashed: v.number(),
  failed: v.number(),
  error: v.exactOptional(v.string()),
});

export type LogEntry = Readonly<v.InferOutput<typeof ENTRY>>;
export type RunEntry = Readonly<v.InferOutput<typeof RUN>>;
type Entry = Omit<LogEntry, 'at' | 'run'> | Omit<RunEntry, 'at' | 'run'>;

/** What is not understood (cut short, or of another version) is left out. */
export function readLog(backend: Backend): (LogEntry | RunEntry)[] {
  return backend.readLog().flatMap((line) => parseLine(line) ?? []);
}

function parseLine(line: string): LogEntry | RunEntry | undefined {
  const parsed = v.safeParse(v.union([ENTRY, RUN]), parseJson(line));
  return parsed.success ? parsed.output : undefined;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}

export function isRun(entry: LogEntry | RunEntry): entry is RunEntry {
  return entry.event === 'prune' || entry.event === 'rotate';
}

/** Writes what happens. A log that cannot be written (the disk is full, and that is why something is removed) stops nothing and is told of once. */
export class RemovalLog {
  readonly #context: Context;
  readonly #target: Target;
  readonly #run = randomUUID();
  /** For the journal. */
  readonly #lines: Line[] = [];
  /** What could not be written yet. */
  readonly #pending: string[] = [];
  /** For people; null as long as all is written. */
  problem: string | null = null;

  constructor(context: Context, target: Target) {
    this.#context = context;
    this.#target = target;
  }

  /** To be written with what comes next: should the run be killed before, the next one finds out by itself. */
  note(entries: readonly Entry[]): void {
    const at = this.#context.now.toISOString();
    this.#pending.push(...entries.map((entry) => JSON.stringify({ at, run: this.#run, ...entry })));
    this.#lines.push(...entries.flatMap((entry) => lineOf(this.#target.name, entry)));
  }

  /** Errors: none but programming ones; see `problem`. */
  async write(entries: readonly Entry[]): Promise<void> {
    this.note(entries);
    if (this.#pending.length === 0) return;
    try {
      await this.#target.backend.appendLog(this.#pending);
      this.#pending.length = 0;
      this.problem = null;
    } catch (error) {
      if (!(error instanceof RootsError)) throw error;
      this.problem = messageOf(error);
    }
  }

  /** Tells the journal what was written, if there is one. Returns what there is to warn of. */
  async close(): Promise<string[]> {
    const problem = await tellJournal(this.#context.run, this.#lines.splice(0));
    return [this.problem, problem].filter((each) => each !== null);
  }

  /** Ends what an earlier run announced and did not tell the end of. The lock must be held, and what was cut short be swept. */
  async settle(look: () => Promise<Whereabouts>): Promise<void> {
    const open = new Map<string, LogEntry>();
    for (const entry of entriesOfLastRun(this.#target.backend)) {
      if (isStep(entry.event)) open.set(keyOf(entry), entry);
      else open.delete(keyOf(entry));
    }
    if (open.size === 0) return;
    const now = await look();
    await this.write([...open.values()].map((entry) => endOf(entry, now)));
  }
}

/** Announcements and sums are for the log alone. */
function lineOf(target: string, entry: Entry): Line[] {
  if (!('reasons' in entry) || isStep(entry.event)) return [];
  const { event, name, reasons, error, notes = [] } = entry;
  const why = error ?? [...reasons, ...notes].join(', ');
  return [{ level: error === undefined ? 'notice' : 'error', text: `${event} ${target}:${name}${why === '' ? '' : ` (${why})`}` }];
}

/** Which old roots there are now. */
export interface Whereabouts {
  readonly roots: readonly Known[];
  readonly trash: readonly Known[];
}

interface Known {
  readonly root: { readonly id: string };
}

function isStep(event: LogEntry['event']): event is Step {
  return STEPS.some((step) => step === event);
}

/** Whoever ends a run in order has told of all that it announced, so nothing before that can be open. */
function entriesOfLastRun(backend: Backend): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const line of backend.readLog().toReversed()) {
    const entry = parseLine(line);
    if (entry !== undefined && isRun(entry)) break;
    if (entry !== undefined) entries.unshift(entry);
  }
  return entries;
}

function keyOf({ id, name }: LogEntry): string {
  return JSON.stringify([id, name]);
}

function endOf({ name, id, reasons, fromTrash }: LogEntry, { roots, trash }: Whereabouts): Entry {
  const told = { name, id, reasons, ...(fromTrash && { fromTrash }), notes: ['the run that began this was cut short'] };
  // A snapshot that rotates may have another name by now.
  const isThere = (among: readonly Known[]): boolean => among.some(({ root }) => root.id === id);
  if (isThere(fromTrash ? trash : roots)) return { event: 'failed', ...told, error: 'cut short' };
  return { event: !fromTrash && isThere(trash) ? 'trashed' : 'removed', ...told };
}
