/**
 * Waiting for what the kernel does in the background.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds. */
const [SHORTEST, LONGEST] = [20, 500] as const;

/** Asks until it is so. False if that takes longer than `patience` milliseconds, or is no longer wanted. */
export async function until(
  isSo: () => Promise<boolean>,
  { patience, signal }: { readonly patience: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const end = process.hrtime.bigint() + BigInt(patience) * 1_000_000n;
  for (let wait: number = SHORTEST; !(await isSo()); wait = Math.min(wait * 2, LONGEST)) {
    if (signal.aborted || process.hrtime.bigint() > end) return false;
    await sleep(wait);
  }
  return true;
}
