/** How much of a filesystem shall be free, as the configuration writes it (`10%`, `20G`). */
export type FreeSpace =
  | { readonly kind: 'percent'; readonly percent: number; /** As it was written; reasons quote it. */ readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: number; /** As it was written; reasons quote it. */ readonly text: string };

const UNIT_BYTES = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/**
 * 1 to 99 percent (`10%`, `2.5%`), or an amount in binary units (`500M`, `20G`, `20GiB`). Undefined for anything else: `20GB` could mean
 * either kind of gigabyte, and a number without a unit anything.
 */
export function parseFreeSpace(text: string): FreeSpace | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(%|[KMGT](?:iB)?)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) return undefined;
  if (unit === '%') {
    const percent = Number(number);
    return percent >= 1 && percent <= 99 ? { kind: 'percent', percent, text } : undefined;
  }
  const bytes = Math.round(Number(number) * UNIT_BYTES[unit.charAt(0) as keyof typeof UNIT_BYTES]);
  return bytes > 0 && Number.isSafeInteger(bytes) ? { kind: 'bytes', bytes, text } : undefined;
}

/** How many of `totalBytes` that is, rounded up. Can be more than all of them: then no removal is ever enough. */
export function wantedBytes(free: FreeSpace, totalBytes: number): number {
  return free.kind === 'bytes' ? free.bytes : Math.ceil((totalBytes * free.percent) / 100);
}
