import { expect } from 'vitest';
import { parseConfig, type Config } from '../../../src/config.ts';
import { RootsError } from '../../../src/errors.ts';

export const FILE = 'roots.toml';

export async function failure(work: Promise<unknown>): Promise<RootsError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RootsError)) throw new Error(`expected a RootsError, got ${String(error)}`);
  return error;
}

/** The problems, without the name of the file; the heading of several is checked and left out. */
export async function problems(text: string): Promise<string[]> {
  const error = await failure(parseConfig(text, FILE));
  expect(error.kind).toBe('usage');
  const lines = error.message.split('\n');
  if (lines.length > 1) expect(lines.shift()).toBe(`${FILE}: ${lines.length} problems`);
  return lines.map((line) => {
    expect(line.startsWith(`${FILE}:`)).toBe(true);
    return line.slice(FILE.length + 1);
  });
}

export async function target(text: string): Promise<Config['targets'][number]> {
  const { targets } = await parseConfig(text, FILE);
  const [first] = targets;
  if (first === undefined || targets.length !== 1) throw new Error(`expected one target, got ${targets.length}`);
  return first;
}
