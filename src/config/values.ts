/**
 * The form of single values, in the words that the configuration and the flags of a policy share. Pure, and without what reads a file:
 * a command that takes flags only should start no slower.
 */
import { parseDuration, type Duration } from '../retention/duration.ts';
import { parseFreeSpace, type FreeSpace } from '../retention/free-space.ts';
import type { Period } from '../retention/policy.ts';
import { quote, suggest } from './problem.ts';

/** A value as the rest of the program takes it, or what is wrong with it: the rest of a sentence that begins with its name. */
export type Reading<T> = { readonly value: T } | { readonly problem: string };

/** `last` is the floor, the others may be off. */
export function readCount(rule: 'last' | Period, count: bigint): Reading<number> {
  if (rule === 'last' && count < 1n) return { problem: 'must be at least 1: it is the floor that no other rule goes below' };
  if (count < 0n) return { problem: 'must not be negative' };
  return upTo(MAX_COUNT, count);
}

export function readSlots(count: bigint): Reading<number> {
  if (count < 1n) return { problem: 'must be at least 1; leave the table `rotate` out to have no slots' };
  return upTo(MAX_SLOTS, count);
}

export function readDuration(text: string): Reading<Duration> {
  const value = parseDuration(text);
  if (value !== undefined) return { value };
  // For a count 0 means "off", for an age it would mean "everything": too close to leave to a reader's guess.
  if (/^0+(?:[a-z]0+)*[a-z]?$/.test(text)) return { problem: `${quote(text)} is no time at all; leave it out to have no such limit` };
  return { problem: `${quote(text)} is not a duration; write it such as \`14d\`, \`36h\` or \`1y6m\`` };
}

/** Null for 0: no time in the trash, deleted at once. */
export function readGrace(text: string): Reading<Duration | null> {
  return /^0+[hdwmy]?$/.test(text) ? { value: null } : readDuration(text);
}

export function readFreeSpace(text: string): Reading<FreeSpace> {
  const value = parseFreeSpace(text);
  return value === undefined ? { problem: `${quote(text)} ${whyNoFreeSpace(text)}` } : { value };
}

/** No machine boots so often; a larger number is a slip of the hand. */
const MAX_COUNT = 100_000n;
const MAX_SLOTS = 1000n;

function upTo(most: bigint, count: bigint): Reading<number> {
  return count > most ? { problem: `must be at most ${most}` } : { value: Number(count) };
}

function whyNoFreeSpace(text: string): string {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(%|[KMGT](?:iB)?)?$/.exec(text) ?? [];
  if (number === undefined) return `is not an amount of space${suggestion(text)}`;
  if (Number(number) === 0) return 'is no space at all; leave it out to have no such limit';
  if (unit === undefined) return `has no unit; ${EXAMPLES_OF_SPACE}`;
  return unit === '%' ? 'is out of range; a share goes from `1%` to `99%`' : 'is out of range';
}

const EXAMPLES_OF_SPACE = 'write it such as `10%`, `20G` or `500M`';

/** `10 GB` or `10g` was probably meant as `10G`, but could also have been meant in thousands: only a person knows. */
function suggestion(text: string): string {
  const compact = text.replaceAll(' ', '').toUpperCase().replace(/I?B$/, '');
  return parseFreeSpace(compact) === undefined ? `; ${EXAMPLES_OF_SPACE}` : suggest(compact, [compact]);
}
