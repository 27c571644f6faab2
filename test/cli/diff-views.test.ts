/** The ways in which `roots diff` shows what it has found, against its JSON. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromBytes, jsonName } from '../../src/byte-path.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { requires } from '../support/requirements.ts';
import type { Change, Diff } from './contracts.ts';
import { roots, writeConfig } from './roots.ts';

requires.btrfs('the views of roots diff', () => {
  let field: FieldArchive;
  let config: string;
  let changes: readonly Change[];

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
    config = writeConfig(field, '');
    changes = ((await roots(['diff', '--json', '--config', config])).json as Diff).changes;
  });
  afterAll(() => field.close());

  const shown = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await roots(['diff', '--config', config, ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };
  const LETTERS: Readonly<Record<string, string>> = { added: 'A', removed: 'D', modified: 'M', renamed: 'R' };
  const letterOf = ({ kind, what }: Change): string => (what.includes('type') ? 'T' : (LETTERS[kind] ?? ''));

  it('--name-status has a letter and a path, which -z leaves as it is', async () => {
    const lines = (await shown('--name-status')).trimEnd().split('\n');
    expect(lines).toHaveLength(changes.length);
    expect(lines.map((line) => line.slice(0, 2))).toEqual(changes.map((change) => `${letterOf(change)}\t`));
    expect(lines.join('')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);

    const { stdoutBytes } = await roots(['diff', '--config', config, '--name-status', '-z']);
    const parts = fromBytes(stdoutBytes).split('\0');
    expect(parts.pop()).toBe('');
    const pairs = changes.map((_, at) => [parts[at * 2], jsonName('path', (parts[at * 2 + 1] ?? '').slice(1) as never)]);
    expect(pairs).toEqual(
      changes.map((change) => [
        letterOf(change),
        { path: change.path, ...(change.pathBase64 !== undefined && { pathBase64: change.pathBase64 }) },
      ]),
    );
    expect(changes.some(({ pathBase64 }) => pathBase64 !== undefined)).toBe(true);
  });

  it('--stat counts by directory, the most first, and --summary counts', async () => {
    const summary = await shown('--summary');
    const stat = await shown('--stat');
    const count = (kind: Change['kind']): number => changes.filter((change) => change.kind === kind).length;
    expect(summary).toContain(`${String(count('added'))} added`);
    expect(stat.endsWith(summary.split('\n').slice(2).join('\n'))).toBe(true);
    const rows = [...stat.matchAll(/^(\/\S*) +(\d+) {2}([-+~]+)$/gm)].map(([, path = '', number]) => [path, Number(number)] as const);
    expect(rows.reduce((sum, [, number]) => sum + number, 0)).toBe(changes.length);
    expect(rows.map(([, number]) => number)).toEqual(rows.map(([, number]) => number).toSorted((a, b) => b - a));
    expect(new Map(rows).get('/etc/')).toBe(changes.filter(({ path }) => /^etc\/[^/]+$/.test(path)).length);
  });

  it('--tree has each change in the directory that it is in, a line for each with --recursive', async () => {
    const tree = (await shown('--tree', '--recursive')).split('\n');
    expect(tree.filter((line) => /^[│ ]*[├└]── [-+~>] /.test(line))).toHaveLength(changes.length);
    expect((await shown('--tree')).split('\n').length).toBeLessThan(tree.length);
  });

  it('--status says the same as --name-status, in the letters of snapper', async () => {
    const lines = (await shown('--status')).trimEnd().split('\n');
    const names = (await shown('--name-status')).trimEnd().split('\n');
    expect(lines).toHaveLength(names.length);
    for (const [at, line] of lines.entries()) {
      expect(line).toMatch(/^[-+ct.][p.][u.][g.][x.][a.] \//);
      expect(line.slice(7)).toBe(names[at]?.slice(2));
    }
  });

  it('are not for all purposes at once', async () => {
    for (const args of [
      ['--patch', '--json'],
      ['--tree', '--stat'],
      ['--status', '--name-status'],
      ['--no-pager'],
      ['--stat', '--summary'],
      ['--name-status', '--json'],
      ['-z'],
      ['--stat', '--ndjson'],
    ])
      expect((await roots(['diff', '--config', config, ...args])).status, args.join(' ')).toBe(2);
  });
});
