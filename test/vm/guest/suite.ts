/**
 * The conformance suite for one backend, in one process: `suite BACKEND DISK RESULTS NUMBER/OF [PATTERN]`. Each verdict is a line of JSON in the file RESULTS, written
 * at once, so that it is known where a machine has died. NUMBER/OF: a part of the suite. PATTERN: only tests whose names it matches.
 */
import { appendFileSync } from 'node:fs';
import { backendSuite, isInPart, testsFor } from '../../backend-suite/suite.ts';
import { GROUNDS } from './grounds.ts';
import { runSuites } from './vitest.ts';

const LIMIT_MS = 600_000;
/** Each moment costs seconds here, and each of many trees. Natively there are no such limits. */
const LIMITS = { moments: 2, many: 6 };

const [backend, disk, results, part = '1/1', pattern = ''] = process.argv.slice(2);
if (backend === undefined || !(backend in GROUNDS) || disk === undefined || results === undefined)
  throw new Error(`${Object.keys(GROUNDS).join(' | ')}, a disk and a file for the results are wanted`);

const { name, about, make } = GROUNDS[backend as keyof typeof GROUNDS];
const [number = 1, of = 1] = part.split('/').map(Number);
backendSuite(name, about, () => ({ ...make(disk, `/run/suite-${String(process.pid)}`), ...LIMITS }));
await runSuites({
  limit: LIMIT_MS,
  wanted: (test) => isInPart(testsFor(about), test, { number, of }) && new RegExp(pattern).test(test),
  tell: (verdict) => {
    appendFileSync(results, `${JSON.stringify(verdict)}\n`);
    if (verdict.result !== 'started') console.log(`${String(verdict.ms).padStart(7)} ms ${verdict.result} ${verdict.test}`);
    if (verdict.error !== undefined) console.log(verdict.error.stack ?? verdict.error.message);
  },
});
// What hangs must not keep the machine.
process.exit(0);
