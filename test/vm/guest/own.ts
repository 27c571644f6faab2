/** What only one filesystem has, in one process: `own BACKEND RESULTS`. Each verdict is a line of JSON in the file RESULTS. */
import { appendFileSync } from 'node:fs';
import { OWN } from '../own.ts';
import { runSuites } from './vitest.ts';

const LIMIT_MS = 300_000;

const [backend = '', results = ''] = process.argv.slice(2);
if (!(backend in OWN)) throw new Error(`one of ${Object.keys(OWN).join(', ')} is wanted`);
OWN[backend as keyof typeof OWN].suite();
await runSuites({
  limit: LIMIT_MS,
  tell: (verdict) => {
    appendFileSync(results, `${JSON.stringify(verdict)}\n`);
    if (verdict.error !== undefined) console.log(`${verdict.test}: ${verdict.error.stack ?? verdict.error.message}`);
  },
});
// What hangs must not keep the machine.
process.exit(0);
