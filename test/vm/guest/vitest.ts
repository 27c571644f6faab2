/**
 * What the conformance suite uses of vitest, for the test machine: one process there runs all of it, one test after the other, since every
 * process of Node takes an emulated machine seconds. `expect` is vitest's own.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  chai,
  type ExpectStatic,
} from '@vitest/expect';
import { inspect } from 'node:util';

type Body = () => unknown;

interface Test {
  readonly name: string;
  readonly body: Body;
}

interface Suite {
  readonly name: string;
  readonly before: Body[];
  readonly tests: Test[];
  readonly after: Body[];
}

/** What became of one test. */
export interface Verdict {
  readonly suite: string;
  readonly test: string;
  /** `started` is written before it, so that a test which never ends can be told. */
  readonly result: 'started' | 'passed' | 'failed';
  readonly ms?: number;
  readonly error?: Failure;
}

export interface Failure {
  readonly message: string;
  readonly stack?: string;
  /** As text, if the test compared two values. */
  readonly actual?: string;
  readonly expected?: string;
}

export interface RunOptions {
  /** Which tests, by their names; all if it is left out. */
  readonly wanted?: (test: string) => boolean;
  /** A hang, not slowness. Milliseconds. */
  readonly limit: number;
  readonly tell: (verdict: Verdict) => void;
}

const suites: Suite[] = [];

export function describe(name: string, body: () => void): void {
  suites.push({ name, before: [], tests: [], after: [] });
  body();
}

export function it(name: string, body: Body): void {
  current().tests.push({ name, body });
}

export function beforeAll(body: Body): void {
  current().before.push(body);
}

export function afterAll(body: Body): void {
  current().after.push(body);
}

function current(): Suite {
  const suite = suites.at(-1);
  if (suite === undefined) throw new Error('outside of every suite');
  return suite;
}

/** Runs what was described since the last time, one test after the other. A test that hangs ends its suite: it may still be at work. */
export async function runSuites(options: RunOptions): Promise<void> {
  const nobodyWaits = (error: unknown): void =>
    options.tell({ suite: '', test: 'what no test waits for', result: 'failed', error: failureOf(error) });
  process.on('unhandledRejection', nobodyWaits);
  for (const suite of suites.splice(0)) await runSuite(suite, options);
  process.off('unhandledRejection', nobodyWaits);
}

async function runSuite(suite: Suite, { wanted, limit, tell }: RunOptions): Promise<void> {
  const run = async (test: string, body: Body): Promise<'passed' | 'failed' | 'hung'> => {
    tell({ suite: suite.name, test, result: 'started' });
    const from = performance.now();
    const failure = await failureWithin(limit, body);
    const ms = Math.round(performance.now() - from);
    if (failure === null) tell({ suite: suite.name, test, result: 'passed', ms });
    else tell({ suite: suite.name, test, result: 'failed', ms, error: failureOf(failure.error) });
    return failure === null ? 'passed' : failure.hung ? 'hung' : 'failed';
  };
  for (const body of suite.before) if ((await run('before all', body)) !== 'passed') return;
  for (const { name, body } of suite.tests) if ((wanted?.(name) ?? true) && (await run(name, body)) === 'hung') return;
  for (const body of suite.after) if ((await run('after all', body)) === 'hung') return;
}

/** What it threw, if it did. */
async function failureWithin(limit: number, body: Body): Promise<{ readonly error: unknown; readonly hung: boolean } | null> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<{ error: unknown; hung: true }>((resolve) => {
    timer = setTimeout(() => resolve({ error: new Error(`it takes more than ${String(limit / 1000)} s`), hung: true }), limit);
  });
  const done = Promise.resolve()
    .then(body)
    .then(
      () => null,
      (error: unknown) => ({ error, hung: false }),
    );
  try {
    return await Promise.race([done, hang]);
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: inspect(error) };
  const { message, stack, cause } = error;
  const compared = 'actual' in error && 'expected' in error ? { actual: asText(error.actual), expected: asText(error.expected) } : {};
  return {
    message: cause === undefined ? message : `${message}\ncaused by: ${inspect(cause)}`,
    ...(stack !== undefined && { stack }),
    ...compared,
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 8, sorted: true, maxArrayLength: 500, maxStringLength: 10_000 });
}

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

/** As vitest makes it. */
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  asymmetricMatchers(),
) as unknown as ExpectStatic;
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: expect });

function asymmetricMatchers(): object {
  return (globalThis as Record<symbol, unknown>)[ASYMMETRIC_MATCHERS_OBJECT] as object;
}
