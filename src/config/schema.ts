/** What each table may hold: the keys and the form of their values, each on its own. What they mean together is in rules.ts. */
import * as v from 'valibot';
import { parseDuration, type Duration } from '../retention/duration.ts';
import { isTable, type Table } from './document.ts';
import { quote, suggest } from './problem.ts';

/** No machine boots so often; a larger number is a slip of the hand. */
const MAX_COUNT = 100_000n;

const BACKENDS = ['btrfs', 'directory'] as const;
const LATER_BACKENDS: readonly string[] = ['zfs', 'bcachefs'];

const text = v.string(wrongType('text in quotes'));
export const TABLE = v.custom<Table>(isTable, wrongType('a table'));
const backend = v.pipe(text, v.picklist(BACKENDS, badBackend));
const timeZone = v.pipe(text, v.check(isTimeZone, badTimeZone));
const duration = v.pipe(v.string(wrongType('a duration in quotes, such as `14d`, `36h` or `1y6m`')), v.rawTransform(readDuration));

export const TOP_LEVEL = v.object({
  timezone: v.exactOptional(timeZone),
  name_timezone: v.exactOptional(timeZone),
  targets: v.exactOptional(TABLE),
});

export const TARGET = v.object({
  backend: v.exactOptional(backend),
  device: v.exactOptional(text),
  live: v.exactOptional(text),
  blank: v.exactOptional(text),
  archive: v.exactOptional(text),
  keep: v.exactOptional(TABLE),
  prune: v.exactOptional(TABLE),
});

export const KEEP = v.object({
  last: v.exactOptional(count(1n, 'must be at least 1: it is the floor that no other rule goes below')),
  hourly: v.exactOptional(count(0n, 'must not be negative')),
  daily: v.exactOptional(count(0n, 'must not be negative')),
  weekly: v.exactOptional(count(0n, 'must not be negative')),
  monthly: v.exactOptional(count(0n, 'must not be negative')),
  yearly: v.exactOptional(count(0n, 'must not be negative')),
  within: v.exactOptional(duration),
});

export const PRUNE = v.object({
  max_age: v.exactOptional(duration),
});

export type TargetTable = v.InferOutput<typeof TARGET>;
export type KeepTable = v.InferOutput<typeof KEEP>;
export type PruneTable = v.InferOutput<typeof PRUNE>;

function count(least: bigint, tooSmall: string) {
  return v.pipe(
    v.bigint(wrongType('a whole number')),
    v.minValue(least, tooSmall),
    v.maxValue(MAX_COUNT, `must be at most ${MAX_COUNT}`),
    v.transform(Number),
  );
}

function wrongType(expected: string): (issue: { input: unknown }) => string {
  return ({ input }) => `must be ${expected}, not ${kindOf(input)}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a date or time';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'bigint':
      return 'a number';
    case 'number':
      return 'a floating-point number';
    case 'boolean':
      return String(value);
    default:
      return 'a table';
  }
}

function badBackend({ input }: { input: unknown }): string {
  const name = String(input);
  if (LATER_BACKENDS.includes(name)) return `${quote(name)} is not supported by this version yet`;
  return `${quote(name)} is unknown, it must be \`btrfs\` or \`directory\`${suggest(name, BACKENDS)}`;
}

function readDuration({ dataset, addIssue, NEVER }: v.RawTransformContext<string>): Duration {
  const value = parseDuration(dataset.value);
  if (value !== undefined) return value;
  addIssue({ message: `${quote(dataset.value)} ${whyNoDuration(dataset.value)}` });
  return NEVER;
}

function whyNoDuration(written: string): string {
  // For a count 0 means "off", for an age it would mean "everything": too close to leave to a reader's guess.
  if (/^(?:0+[a-z]?)+$/.test(written)) return 'is no time at all; leave the key out to have no such limit';
  return 'is not a duration; write it such as `14d`, `36h` or `1y6m`';
}

/** Names only: whether an offset such as `+02:00` is accepted differs between versions of Node. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function badTimeZone({ input }: { input: unknown }): string {
  const name = String(input);
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const city = zones.find((zone) => zone.toLowerCase().endsWith(`/${name.toLowerCase()}`));
  const suggestion = suggest(city ?? name, zones);
  return `${quote(name)} is not a time zone${suggestion === '' ? '; write a name such as `Europe/Berlin`' : suggestion}`;
}
