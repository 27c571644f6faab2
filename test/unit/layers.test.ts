import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
// @ts-expect-error -- plain JavaScript
import configuration, { architecture } from '../../eslint.config.js';

const eslint = new ESLint({ overrideConfigFile: true, overrideConfig: architecture as ESLint.Options['overrideConfig'] });

async function faults(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: file });
  return (result?.messages ?? []).map((message) => message.message);
}

describe('what a part of src/ must not import', () => {
  it.each([
    ['src/commands/ls.ts', '../backend/backend.ts'],
    ['src/commands/ls.ts', '../backend/btrfs/adapter.ts'],
    ['src/commands/ls.ts', '../system/run.ts'],
    ['src/commands/timer/enable.ts', '../../system/systemd.ts'],
    ['src/commands/ls.ts', 'inquirer'],
    ['src/commands/ls.ts', 'node:fs'],
    ['src/base-command.ts', './system/run.ts'],
    ['src/operations/list.ts', '../ui/table.ts'],
    ['src/operations/list.ts', '../commands/ls.ts'],
    ['src/operations/list.ts', '../base-command.ts'],
    ['src/operations/list.ts', '../backend/btrfs/adapter.ts'],
    ['src/operations/list.ts', '@oclif/core/flags'],
    ['src/operations/list.ts', 'inquirer'],
    ['src/operations/list.ts', 'cli-table3'],
    ['src/operations/list.ts', 'execa'],
    ['src/operations/list.ts', 'node:process'],
    ['src/operations/list.ts', 'node:fs'],
    ['src/operations/list.ts', 'node:fs/promises'],
    ['src/operations/democracy.ts', 'node:fs'],
    ['src/operations/list.ts', 'node:child_process'],
    ['src/retention/plan.ts', '../backend/old-root.ts'],
    ['src/retention/plan.ts', '../system/run.ts'],
    ['src/retention/plan.ts', '../byte-path.ts'],
    ['src/retention/plan.ts', 'node:fs'],
    ['src/retention/plan.ts', 'date-fns-tz'],
    ['src/diff/walk.ts', '../retention/plan.ts'],
    ['src/diff/walk.ts', '../system/tree-reader.ts'],
    ['src/diff/walk.ts', 'node:fs'],
    ['src/ui/table.ts', '../backend/btrfs/adapter.ts'],
    ['src/ui/table.ts', '../system/run.ts'],
    ['src/ui/table.ts', 'node:fs'],
    ['src/backend/backend.ts', './btrfs/adapter.ts'],
    ['src/backend/backend.ts', '../operations/list.ts'],
    ['src/backend/btrfs/adapter.ts', '../directory/adapter.ts'],
    ['src/backend/btrfs/adapter.ts', '../detect.ts'],
    ['src/backend/btrfs/adapter.ts', '../../retention/plan.ts'],
    ['src/backend/btrfs/adapter.ts', 'execa'],
    ['src/backend/btrfs/adapter.ts', 'node:child_process'],
    ['src/system/lock.ts', '../backend/backend.ts'],
    ['src/system/lock.ts', 'execa'],
    ['src/errors.ts', './byte-path.ts'],
    ['src/config.ts', './operations/list.ts'],
    ['src/config/parse.ts', 'node:child_process'],
  ])('%s: %s', async (file, module) => {
    const from = expect.stringContaining(' must not import ') as string;
    await expect(faults(file, `import x from '${module}'; x();`)).resolves.toEqual([from]);
    await expect(faults(file, `export * from '${module}';`)).resolves.toEqual([from]);
    await expect(faults(file, `await import('${module}');`)).resolves.toEqual([from]);
    await expect(faults(file, `import type { X } from '${module}'; export type Y = X;`)).resolves.toEqual([from]);
  });
});

describe('what a part of src/ may import', () => {
  it.each([
    ['src/commands/timer/enable.ts', '../../operations/timer.ts'],
    ['src/commands/ls.ts', '../base-command.ts'],
    ['src/commands/demo.ts', '../operations/demo.ts'],
    ['src/commands/ls.ts', '@oclif/core/flags'],
    ['src/operations/list.ts', '../backend/detect.ts'],
    ['src/operations/list.ts', '../backend/backend.ts'],
    ['src/operations/list.ts', '../system/run.ts'],
    ['src/operations/demo.ts', 'node:fs'],
    ['src/operations/demo-machine.ts', 'node:fs'],
    ['src/retention/plan.ts', 'date-fns/sub'],
    ['src/retention/plan.ts', './policy.ts'],
    ['src/retention/plan.ts', '@date-fns/tz'],
    ['src/backend/detect.ts', './btrfs/adapter.ts'],
    ['src/backend/locate.ts', './directory/adapter.ts'],
    ['src/backend/btrfs/adapter.ts', './parse.ts'],
    ['src/backend/btrfs/adapter.ts', '../../system/run.ts'],
    ['src/system/run.ts', 'execa'],
    ['src/system/keeper.ts', 'node:child_process'],
    ['src/config.ts', 'node:fs/promises'],
  ])('%s: %s', async (file, module) => {
    await expect(faults(file, `import x from '${module}'; x();`)).resolves.toEqual([]);
  });
});

it('lets commands/ know retention/ and diff/ as types only', async () => {
  await expect(faults('src/commands/ls.ts', "import type { P } from '../retention/plan.ts'; export type Q = P;")).resolves.toEqual([]);
  await expect(faults('src/commands/ls.ts', "import { plan } from '../retention/plan.ts'; plan();")).resolves.toEqual([
    'commands may import types only from retention: use `import type`.',
  ]);
});

it('lets ui/ know the results of operations as types only', async () => {
  await expect(faults('src/ui/table.ts', "import type { Row } from '../operations/list.ts'; export type R = Row;")).resolves.toEqual([]);
  await expect(faults('src/ui/table.ts', "import { list } from '../operations/list.ts'; list();")).resolves.toEqual([
    'ui may import types only from operations: use `import type`.',
  ]);
});

it('knows every folder and file at the top of src/', async () => {
  await expect(faults('src/utils/strings.ts', 'export {};')).resolves.toEqual([expect.stringContaining('no part of src/')]);
});

it('leaves no import unnamed', async () => {
  await expect(faults('src/operations/list.ts', 'export const load = (name: string) => import(name);')).resolves.toEqual([
    'An import must name its module.',
  ]);
});

describe('the process and its terminal', () => {
  it.each([
    ['src/operations/list.ts', 'process.exitCode = 1;'],
    ['src/retention/plan.ts', 'export const env = process.env;'],
    ['src/backend/btrfs/adapter.ts', "process.stdout.write('');"],
    ['src/system/lock.ts', 'process.exit(1);'],
    ['src/system/lock.ts', 'export const { argv } = process;'],
  ])('%s must not: %s', async (file, code) => {
    await expect(faults(file, code)).resolves.toEqual([expect.stringContaining('must not use process.')]);
  });

  it.each([
    ['src/commands/ls.ts', 'process.exitCode = 1;'],
    ['src/ui/table.ts', "process.stdout.write('');"],
    ['src/system/lock.ts', 'export const id = process.pid;'],
    ['src/operations/list.ts', 'export const f = (process: string) => process.length;'],
  ])('%s may: %s', async (file, code) => {
    await expect(faults(file, code)).resolves.toEqual([]);
  });

  it('writes to the console in commands/, ui/ and base-command.ts only', async () => {
    await expect(faults('src/operations/list.ts', "console.log('');")).resolves.toEqual([expect.stringContaining('console')]);
    await expect(faults('src/commands/ls.ts', "console.log('');")).resolves.toEqual([]);
  });
});

it('forbids the barrel of date-fns everywhere', async () => {
  await expect(faults('test/unit/x.test.ts', "import { sub } from 'date-fns'; sub();")).resolves.toHaveLength(1);
  await expect(faults('src/retention/plan.ts', "import { sub } from 'date-fns'; sub();")).resolves.toHaveLength(1);
});

it('is part of what `npm run lint` checks', () => {
  expect(configuration).toEqual(expect.arrayContaining(architecture as unknown[]));
});
