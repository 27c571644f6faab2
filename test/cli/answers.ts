/** Short words for what most tests ask the program, and for what it answers in JSON. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromText } from '../../src/byte-path.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import type { List, LogLine, Prune, RemovedRoot } from './contracts.ts';
import { roots, type Result } from './roots.ts';
import { GOES, type SmallArchive } from './small-archives.ts';

export const prune = (config: string, ...args: string[]): Promise<Result> =>
  roots(['prune', '--yes', '--json', '--config', config, ...args]);
export const planned = (config: string, ...args: string[]): Promise<Result> =>
  roots(['prune', '--dry-run', '--json', '--config', config, ...args]);
export const pin = (config: string, name: string = GOES): Promise<Result> => roots(['pin', name, '--json', '--config', config]);
export const ls = (config: string): Promise<Result> => roots(['ls', '--json', '--config', config]);

export const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
export const listed = (result: Result): string[] => namesOf((result.json as List).roots).sort();
/** Those last removed first. */
export const inTrash = (result: Result): string[] => namesOf((result.json as List).trash);

export const targetOf = (result: Result): Prune['targets'][number] => (result.json as Prune).targets[0]!;
export const removals = (result: Result): readonly RemovedRoot[] => (result.json as Prune).targets.flatMap(({ remove }) => remove);
/** What became of each that was to go, by its name. */
export const outcomes = (result: Result): Record<string, string | undefined> =>
  Object.fromEntries(removals(result).map((each) => [each.name, each.result]));
/** The same of what was in the trash. */
export const purged = (result: Result): Record<string, string | undefined> =>
  Object.fromEntries((result.json as Prune).targets.flatMap(({ purge }) => purge).map((each) => [each.name, each.result]));
export const reasonsOf = (result: Result, name: string): readonly string[] =>
  (result.json as Prune).targets.flatMap(({ keep }) => keep).find((each) => each.name === name)?.reasons ?? [];
export const errors = (result: Result): string =>
  removals(result)
    .map(({ error }) => error ?? '')
    .join('\n');

export const digest = (path: string): string => treeDigest(fromText(path));

/** Of all that is in an archive, but for what the program keeps there. */
export const digestsOf = ({ archive, names }: Pick<SmallArchive, 'archive' | 'names'>): Record<string, string> =>
  Object.fromEntries(names().map((name) => [name, digest(join(archive, name))]));

/** The log that an archive keeps. */
export function logOf({ archive }: { readonly archive: string }): LogLine[] {
  const file = join(archive, '.roots/log.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as LogLine);
}

/** Its events in their order: `trashing 2020-01-01_00:00:00`, of a whole run `prune 0 2 0`, which is removed, trashed, failed. */
export function eventsOf(log: readonly LogLine[]): string[] {
  return log.map((line) =>
    'name' in line ? `${line.event} ${line.name}` : `${line.event} ${line.removed} ${line.trashed} ${line.failed}`,
  );
}
