/** What only ZFS has, in one process: `zfs RESULTS`. Each verdict is a line of JSON in the file RESULTS. */
import { appendFileSync } from 'node:fs';
import { zfsSuite } from '../../backend-suite/zfs-own.ts';
import { runSuites } from './vitest.ts';

const LIMIT_MS = 300_000;

const [results = ''] = process.argv.slice(2);
zfsSuite();
await runSuites({
  limit: LIMIT_MS,
  tell: (verdict) => {
    appendFileSync(results, `${JSON.stringify(verdict)}\n`);
    if (verdict.error !== undefined) console.log(`${verdict.test}: ${verdict.error.stack ?? verdict.error.message}`);
  },
});
// What hangs must not keep the machine.
process.exit(0);
