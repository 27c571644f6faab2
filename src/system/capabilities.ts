/**
 * What this process may do, beyond who it is.
 */
import { readFileSync } from 'node:fs';

/** CAP_SYS_ADMIN, capabilities(7): may mount, in whatever namespace it is. */
const SYS_ADMIN = 21n;

export function mayMount(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> SYS_ADMIN) & 1n) === 1n;
}
