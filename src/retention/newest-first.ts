/**
 * The order of old roots, for sorting: newest first, those without a readable time at the end. Of two roots of the same moment the
 * one with the later name is newer, numbers in names counting as numbers: `…_10`, `…_2`, `…_1`, then the one without a suffix.
 */
export function newestFirst(a: Dated, b: Dated): number {
  return compareTimes(b.time.getTime(), a.time.getTime()) || compareNaturally(b.name, a.name) || compare(b.name, a.name);
}

interface Dated {
  readonly name: string;
  readonly time: Date;
}

function compareTimes(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return a - b;
}

/** Not Intl.Collator: building one costs start-up time, and its order depends on the locale. */
function compareNaturally(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function partsOf(name: string): string[] {
  return name.match(/\d+|\D+/g) ?? [];
}

function compareParts(a: string, b: string): number {
  if (!isNumber(a) || !isNumber(b)) return compare(a, b);
  // As text, since a number in a name can have more digits than a double holds.
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length - right.length || compare(left, right);
}

function isNumber(part: string): boolean {
  return /^\d/.test(part);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
