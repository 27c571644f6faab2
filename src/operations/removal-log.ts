/**
 * The log of an archive: what was removed, when and why, one JSON document a line. It is kept in the archive, since the live root forgets.
 *
 * Each step is announced before it is taken and told after it. A run that is killed in between leaves an announcement without an end; the next run
 * looks what came of it and writes that down, so that the log never says less than what happened.
 */
import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Backend, Leftover } from '../backend/backend.ts';
import { toText } from '../byte-path.ts';
import { RootsError, messageOf } from '../errors.ts';
import { tellJournal, type Line } from '../system/journal.ts';
import type { Context } from './context.ts';
import type { Target } from './targets.ts';

const STEPS = ['removing', 'trashing', 'undeleting'] as const;
const ENDS = ['removed', 'trashed', 'failed', 'undeleted'] as const;

/** What is announced before it is done. */
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
export async function readLog(backend: Backend): Promise<(LogEntry | RunEntry)[]> {
  return (await backend.readLog()).flatMap((line) => parseLine(line) ?? []);
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

  /**
   * Finishes what an earlier run began, and tells the end of all that it announced. The lock must be held. `look`: which old roots there are then;
   * asked only if it matters.
   */
  async recover(look: () => Promise<Whereabouts>): Promise<readonly Leftover[]> {
    const { backend } = this.#target;
    const open = await openAnnouncements(backend);
    const leftovers = await backend.sweep((id) => open.some((entry) => entry.event === 'removing' && entry.id === id));
    if (leftovers.length === 0 && open.length === 0) return leftovers;
    const swept = new Map(leftovers.map((leftover) => [leftover.id, leftover]));
    const unswept = open.filter(({ id }) => !swept.has(id));
    const now = unswept.length === 0 ? { roots: [], trash: [] } : await look();
    // It can be of any run before.
    const known = await readLog(backend);
    await this.write([...leftovers.map((leftover) => endOfLeftover(leftover, known)), ...unswept.map((entry) => endOf(entry, now))]);
    return leftovers;
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

/** What was announced since a run has told of its end: whoever comes to that has told of all that they announced. */
async function openAnnouncements(backend: Backend): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (const line of (await backend.readLog()).toReversed()) {
    const entry = parseLine(line);
    if (entry === undefined) continue;
    if (!isRun(entry)) entries.unshift(entry);
    // One that ended in an error may have left something open.
    else if (entry.error === undefined) break;
  }
  const open = new Map<string, LogEntry>();
  for (const entry of entries) {
    if (isStep(entry.event)) open.set(entry.id, entry);
    else open.delete(entry.id);
  }
  return [...open.values()];
}

const CUT_SHORT = ['the run that began this was cut short'];

function endOfLeftover({ formerName, id, result, error }: Leftover, log: readonly (LogEntry | RunEntry)[]): Entry {
  const known = log.findLast((entry): entry is LogEntry => !isRun(entry) && entry.id === id);
  const told = { name: known?.name ?? toText(formerName), id: id ?? '', reasons: known?.reasons ?? [], notes: CUT_SHORT };
  if (result === 'removed') return { event: 'removed', ...told };
  return { event: 'failed', ...told, error: error?.message ?? 'cut short' };
}

function endOf({ event, name, id, reasons, fromTrash }: LogEntry, { roots, trash }: Whereabouts): Entry {
  const told = { name, id, reasons, ...(fromTrash && { fromTrash }), notes: CUT_SHORT };
  // A snapshot that rotates may have another name by now.
  const isThere = (among: readonly Known[]): boolean => among.some(({ root }) => root.id === id);
  if (event === 'undeleting') return isThere(roots) ? { event: 'undeleted', ...told } : { event: 'failed', ...told, error: 'cut short' };
  if (isThere(fromTrash ? trash : roots)) return { event: 'failed', ...told, error: 'cut short' };
  return { event: !fromTrash && isThere(trash) ? 'trashed' : 'removed', ...told };
}
