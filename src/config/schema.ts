/** What each table may hold: the keys and the form of their values, each on its own. What they mean together is in rules.ts. */
import * as v from 'valibot';
import type { BackendName } from '../backend/backend.ts';
import type { Period } from '../retention/policy.ts';
import { isTable, type Table } from './document.ts';
import { quote, suggest } from './problem.ts';
import { readCount, readDuration, readFreeSpace, readGrace, readSlots, type Reading } from './values.ts';

const BACKENDS = Object.keys({ btrfs: true, zfs: true, bcachefs: true, directory: true } satisfies Record<
  BackendName,
  true
>) as BackendName[];

const text = v.string(wrongType('text in quotes'));
const texts = v.array(text, wrongType('an array of texts in quotes'));
export const TABLE = v.custom<Table>(isTable, wrongType('a table'));
const backend = v.pipe(text, v.picklist(BACKENDS, badBackend));
const timeZone = v.pipe(text, v.check(isTimeZone, badTimeZone));
const duration = v.pipe(v.string(wrongType('a duration in quotes, such as `14d`, `36h` or `1y6m`')), read(readDuration));
const freeSpace = v.pipe(v.string(wrongType('an amount of space in quotes, such as `10%`, `20G` or `500M`')), read(readFreeSpace));
const grace = v.pipe(
  v.union([v.string(), v.bigint()], wrongType('a duration in quotes, such as `1d` or `12h`, or `0`')),
  // 0 needs no unit, any other number gets to hear that it does.
  v.transform(String),
  read(readGrace),
);
const slots = v.pipe(v.bigint(wrongType('a whole number')), read(readSlots));

export const TOP_LEVEL = v.object({
  timezone: v.exactOptional(timeZone),
  name_timezone: v.exactOptional(timeZone),
  diff: v.exactOptional(TABLE),
  targets: v.exactOptional(TABLE),
});

export const TARGET = v.object({
  backend: v.exactOptional(backend),
  device: v.exactOptional(text),
  dataset: v.exactOptional(text),
  live: v.exactOptional(text),
  blank: v.exactOptional(text),
  archive: v.exactOptional(text),
  keep: v.exactOptional(TABLE),
  prune: v.exactOptional(TABLE),
  rotate: v.exactOptional(TABLE),
});

export const KEEP = v.object({
  last: v.exactOptional(count('last')),
  hourly: v.exactOptional(count('hourly')),
  daily: v.exactOptional(count('daily')),
  weekly: v.exactOptional(count('weekly')),
  monthly: v.exactOptional(count('monthly')),
  yearly: v.exactOptional(count('yearly')),
  within: v.exactOptional(duration),
});

export const PRUNE = v.object({
  max_age: v.exactOptional(duration),
  min_free: v.exactOptional(freeSpace),
  grace: v.exactOptional(grace),
});

/** `slots` must be given; that it is missing is said of the table (parse.ts). */
export const ROTATE = v.object({
  slots: v.exactOptional(slots),
});

export const DIFF = v.object({
  persisted: v.exactOptional(texts),
  persisted_list: v.exactOptional(text),
  ignore: v.exactOptional(texts),
});

export type TargetTable = v.InferOutput<typeof TARGET>;
export type KeepTable = v.InferOutput<typeof KEEP>;
export type PruneTable = v.InferOutput<typeof PRUNE>;

function count(rule: 'last' | Period) {
  return v.pipe(
    v.bigint(wrongType('a whole number')),
    read((number) => readCount(rule, number)),
  );
}

function read<From, To>(reading: (value: From) => Reading<To>) {
  return v.rawTransform<From, To>(({ dataset, addIssue, NEVER }) => {
    const result = reading(dataset.value);
    if ('value' in result) return result.value;
    addIssue({ message: result.problem });
    return NEVER;
  });
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
  const known = BACKENDS.map(quote);
  return `${quote(name)} is unknown, it must be ${known.slice(0, -1).join(', ')} or ${known.slice(-1).join('')}${suggest(name, BACKENDS)}`;
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
