/** What `find` asks of an entry besides its path. */
import type { EntryType } from '../diff/change.ts';
import type { Entry } from '../diff/tree.ts';

export interface Criteria {
  /** Null: of any. */
  readonly types: ReadonlySet<EntryType> | null;
  /** Modified after this. */
  readonly newer: Date | null;
  readonly size: SizeTest | null;
}

/** Of regular files, in whole units, rounded up, as find(1) has it. */
export interface SizeTest {
  readonly compare: 'less' | 'equal' | 'more';
  readonly count: bigint;
  /** Bytes. */
  readonly unit: bigint;
}

/** The letters of find(1). */
const TYPES: Readonly<Record<string, readonly EntryType[]>> = {
  f: ['file'],
  d: ['directory', 'subvolume'],
  l: ['symlink'],
  p: ['fifo'],
  s: ['socket'],
  b: ['block'],
  c: ['char'],
};

export const TYPE_LETTERS = Object.keys(TYPES);

export function typesOf(letters: readonly string[]): ReadonlySet<EntryType> {
  return new Set(letters.flatMap((letter) => TYPES[letter] ?? []));
}

const UNITS: Readonly<Record<string, bigint>> = { '': 1n, c: 1n, k: 1n << 10n, M: 1n << 20n, G: 1n << 30n };

/** `+1M`, `-10k`, `512c`, without a unit in bytes; undefined if it is no such text. */
export function parseSize(text: string): SizeTest | undefined {
  const [, sign, count, letter = ''] = /^([+-]?)(\d{1,15})([ckMG]?)$/.exec(text) ?? [];
  const unit = UNITS[letter];
  if (count === undefined || unit === undefined) return undefined;
  return { compare: sign === '+' ? 'more' : sign === '-' ? 'less' : 'equal', count: BigInt(count), unit };
}

export function meets({ type, size, mtimeNs }: Pick<Entry, 'type' | 'size' | 'mtimeNs'>, { types, newer, size: test }: Criteria): boolean {
  if (types !== null && !types.has(type)) return false;
  if (test !== null && !(type === 'file' && isOfSize(size, test))) return false;
  return newer === null || mtimeNs > BigInt(newer.getTime()) * 1_000_000n;
}

function isOfSize(size: bigint, { compare, count, unit }: SizeTest): boolean {
  const units = (size + unit - 1n) / unit;
  if (compare === 'equal') return units === count;
  return compare === 'more' ? units > count : units < count;
}
