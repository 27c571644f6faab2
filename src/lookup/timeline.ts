/**
 * When each version of a path was there: arithmetic on a row of trees, the newest first, each of which has one version, none, or was not to be read.
 */

/** The number of a version; null: the tree does not have the path; undefined: it is not known. */
export type Seen = number | null | undefined;

export interface Span {
  readonly version: number;
  /** The oldest place in the row that has it, and the newest: the greater number is the older. */
  readonly first: number;
  readonly last: number;
  /** How many have it. */
  readonly count: number;
  /** The version that was there last before it first appeared; null: none. */
  readonly before: number | null;
}

/** Places at which the path was not there, between two at which it was. */
export interface Gap {
  readonly newest: number;
  readonly oldest: number;
  readonly count: number;
}

/** What appeared last comes first. */
export function spansOf(row: readonly Seen[]): Span[] {
  const spans = new Map<number, { first: number; last: number; count: number; before: number | null }>();
  let before: number | null = null;
  for (const [back, version] of row.toReversed().entries()) {
    if (version === null || version === undefined) continue;
    const at = row.length - 1 - back;
    const span = spans.get(version);
    if (span === undefined) spans.set(version, { first: at, last: at, count: 1, before });
    else Object.assign(span, { last: at, count: span.count + 1 });
    before = version;
  }
  return [...spans].map(([version, span]) => ({ version, ...span })).sort((a, b) => a.first - b.first);
}

/** Newest first. What is not known is no gap. */
export function gapsOf(row: readonly Seen[]): Gap[] {
  const gaps: Gap[] = [];
  let absent: number[] = [];
  let isBelow = false;
  for (const [at, version] of row.entries()) {
    if (version === null) absent.push(at);
    if (typeof version !== 'number') continue;
    const [newest] = absent;
    const oldest = absent.at(-1);
    if (isBelow && newest !== undefined && oldest !== undefined) gaps.push({ newest, oldest, count: absent.length });
    absent = [];
    isBelow = true;
  }
  return gaps;
}
