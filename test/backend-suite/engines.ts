/**
 * The engines of `diff` against each other and against rsync: what a filesystem says that may differ must hold all that differs.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect } from 'vitest';
import { fromBytes, isWithin, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import type { Backend, TreeRef } from '../../src/backend/backend.ts';
import { toJson, type Change } from '../../src/diff/change.ts';
import { narrowed } from '../../src/diff/narrowed.ts';
import { withRenames } from '../../src/diff/renames.ts';
import type { Tree, TreeReader } from '../../src/diff/tree.ts';
import { walkDiff } from '../../src/diff/walk.ts';
import { run } from '../../src/system/run.ts';
import { createTreeReader } from '../../src/system/tree-reader.ts';
import { OPERATIONS, type Operation } from './random-operations.ts';

/** How often there was what. */
export class Tally {
  sequences = 0;
  readonly #counts = new Map<string, number>();

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add({ kind, type, what }: Change): void {
    for (const key of [kind, `${kind} ${type}`, ...what.map((aspect) => `what ${aspect}`)]) this.#counts.set(key, this.count(key) + 1);
  }

  toString(): string {
    const counts = [...this.#counts].sort().map(([key, count]) => `${key} ${String(count)}`);
    return `${String(this.sequences)} random sequences of operations; changes: ${counts.join(', ')}`;
  }
}

interface Side {
  readonly tree: TreeRef;
  /** For rsync. */
  readonly path: string;
}

/** Walks by two ways of listing directories, narrows, and asks rsync. */
export async function expectAgreement(backend: Backend, from: Side, to: Side, tally: Tally): Promise<void> {
  const paths = { from: { path: await backend.pathOf(from.tree) }, to: { path: await backend.pathOf(to.tree) } };
  const [byCalls, byFind] = [createTreeReader(run, { few: Infinity }), createTreeReader(run, { few: 0 })];
  const walked = await changesOf(byCalls, paths);
  expect((await changesOf(byFind, paths)).map(toJson)).toEqual(walked.map(toJson));
  const narrowing = await backend.narrow(from.tree, to.tree);
  if ('why' in narrowing) throw new Error(narrowing.why);
  expect((await changesOf(narrowed(byCalls, narrowing.candidates), paths)).map(toJson)).toEqual(walked.map(toJson));
  expect(walked.map(({ path }) => path).sort()).toEqual(byRsync(from.path, to.path));
  const renamed = await collected(withRenames(all(walked), byCalls, paths, { reports: NO_REPORTS }));
  expectSameMeaning(walked, renamed);
  for (const { kind, type, what, path, from: old } of renamed) {
    if (kind !== 'renamed' || type !== 'file' || old === undefined) continue;
    const [before, after] = [readFileSync(toBytes(joinPath(paths.from.path, old))), readFileSync(toBytes(joinPath(paths.to.path, path)))];
    expect(what.includes('content'), path).toBe(!before.equals(after));
  }
  for (const change of renamed) tally.add(change);
}

/** That what is no longer told to be gone and new is told to be renamed, itself or a directory that it is in. */
function expectSameMeaning(walked: readonly Change[], renamed: readonly Change[]): void {
  const renames = renamed.flatMap(({ path, from }) => (from === undefined ? [] : [{ from, path }]));
  const told = new Set(renamed.map(({ kind, path }) => `${kind} ${path}`));
  const [gone, added] = (['removed', 'added'] as const).map(
    (kind) => new Set(walked.flatMap((change) => (change.kind === kind && !told.has(`${kind} ${change.path}`) ? [change.path] : []))),
  ) as [Set<BytePath>, Set<BytePath>];
  const moved = (path: BytePath): BytePath[] =>
    renames.flatMap(({ from, path: to }) => (isWithin(path, from) ? [`${to}${path.slice(from.length)}` as BytePath] : []));
  for (const path of gone)
    expect(
      moved(path).some((each) => added.has(each)),
      `gone: ${path}`,
    ).toBe(true);
  expect(added.size).toBe(gone.size);
  for (const { from, path } of renames) expect([gone.has(from), added.has(path)], path).toEqual([true, true]);
  // All else is as it was.
  const others = (changes: readonly Change[]): unknown[] =>
    changes.filter(({ kind, path }) => kind !== 'renamed' && !added.has(path) && !gone.has(path));
  expect(others(renamed)).toEqual(others(walked));
}

/** `round` gets `atOnce` sequences, `rounds` times; what fails says of which seed. */
export async function inRounds(
  { rounds, atOnce }: { readonly rounds: number; readonly atOnce: number },
  round: (all: readonly (readonly Operation[])[]) => Promise<void>,
): Promise<void> {
  const first = Math.floor(Math.random() * 2 ** 31);
  for (let seed = first; seed < first + rounds; seed += 1) {
    const all = fc.sample(fc.array(OPERATIONS, { minLength: 2, maxLength: 12 }), { seed, numRuns: atOnce });
    await round(all).catch((error: unknown) => {
      throw new Error(`with the seed ${String(seed)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
  }
}

const NO_REPORTS = { problem: () => undefined, warning: () => undefined };

async function changesOf(reader: TreeReader, { from, to }: { readonly from: Tree; readonly to: Tree }): Promise<Change[]> {
  const problems: unknown[] = [];
  const changes = await collected(walkDiff(reader, from, to, { problems: (problem) => problems.push(problem) }));
  expect(problems).toEqual([]);
  return changes;
}

async function collected(changes: AsyncIterable<Change>): Promise<Change[]> {
  const list: Change[] = [];
  for await (const change of changes) list.push(change);
  return list;
}

async function* all(changes: readonly Change[]): AsyncGenerator<Change> {
  await Promise.resolve();
  yield* changes;
}

/** The paths that rsync would change to make the one what the other is. Times of directories and symlinks are not ours to tell. */
function byRsync(from: string, to: string): BytePath[] {
  const { status, stdout, stderr } = spawnSync(
    'rsync',
    [
      '-naciAX',
      '--modify-window=-1',
      '--numeric-ids',
      '--delete',
      '--exclude=/.roots',
      '--8-bit-output',
      '--out-format=%i %n',
      `${to}/`,
      `${from}/`,
    ],
    { maxBuffer: 1 << 28 },
  );
  if (status !== 0) throw new Error(stderr.toString());
  const paths = new Set<BytePath>();
  for (const line of fromBytes(stdout).split('\n')) {
    const item = line.slice(0, 11);
    const path = unescaped(line.slice(12));
    if (line === '' || path === './') continue;
    const isTimeOnly = /^\.[dL]\.\.t\.{6}$/.test(item);
    if (!isTimeOnly) paths.add(path.replace(/\/$/, '') as BytePath);
  }
  return [...paths].sort();
}

/** `\#012` is a line break. */
function unescaped(text: string): string {
  return fromBytes(
    toBytes(text.replaceAll(/\\#(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as BytePath),
  );
}
