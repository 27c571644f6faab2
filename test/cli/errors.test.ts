/** What goes wrong, and the status it ends with. Those of a partly done, locked or interrupted run are in prune.test.ts. */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_STATUS } from '../../src/errors.ts';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { missing, requires } from '../support/requirements.ts';
import type { Failure } from './contracts.ts';
import { PROGRAM, roots, writeConfig, writeDirectoryConfig, type RunOptions } from './roots.ts';

const MANUAL = fileURLToPath(new URL('../../man/roots.8', import.meta.url));
const COMMANDS = ['ls', 'show', 'diff', 'restore', 'prune', 'pin', 'unpin', 'demo'];

/** Runs it both ways: what is told to people and to programs must be the same. */
async function failure(args: readonly string[], options: RunOptions = {}): Promise<Failure['error'] & { readonly status: number | null }> {
  const text = await roots(args, options);
  const [command = '', ...rest] = args;
  const { status, json, stderr } = await roots([command, '--json', ...rest], options);
  expect(status).toBe(text.status);
  expect(stderr).toBe('');
  const failed = json as Failure;
  expect(Object.keys(failed)).toEqual(['error']);
  expect(Object.keys(failed.error).sort()).toEqual(['hint', 'kind', 'message']);
  expect(text.stdout).toBe('');
  expect(text.stderr).toMatch(/^roots: /);
  const [line = ''] = failed.error.message.split('\n');
  expect(text.stderr).toContain(line);
  if (failed.error.hint !== null) expect(text.stderr).toContain(failed.error.hint);
  return { ...failed.error, status };
}

describe('what was typed', () => {
  let directory: DirectoryArchive;
  let config: string[];
  beforeAll(async () => {
    directory = await buildDirectoryArchive({ now: new Date() });
    config = ['--config', writeDirectoryConfig(directory, '')];
  });
  afterAll(() => directory.close());

  it('an unknown command is 2, with the one that was meant', async () => {
    expect(await failure(['prnue'])).toMatchObject({ status: 2, kind: 'usage', message: expect.stringContaining('prnue') as string });
    const { stderr } = await roots(['prnue']);
    expect(stderr).toContain('prune');
  });

  it('an unknown flag is 2, with the one that was meant', async () => {
    const error = await failure(['prune', '--dry-rnu', ...config]);
    expect(error).toMatchObject({ status: 2, kind: 'usage', message: expect.stringContaining('--dry-rnu') as string });
    expect(`${error.message} ${error.hint ?? ''}`).toContain('--dry-run');
    expect((await failure(['ls', '--frobnicate', ...config])).status).toBe(2);
  });

  it.each([
    ['a missing argument', ['show']],
    ['one argument too many', ['ls', 'root', 'home']],
    ['flags that exclude each other', ['prune', '--dry-run', '--yes']],
    ['a flag without the one it needs', ['history', '/etc/passwd', '--no-pager']],
    ['a flag without its value', ['restore', '/etc/passwd', '--from']],
  ])('%s is 2', async (_, args) => {
    expect(await failure(reordered(args, config))).toMatchObject({ status: 2, kind: 'usage' });
  });

  it('is told without a stack, and without the words of oclif', async () => {
    for (const args of [['ls', '--frobnicate'], ['show'], ['prnue'], ['show', 'nothing', ...config]]) {
      const { stderr } = await roots(args);
      expect(stderr).not.toMatch(/\bat .*\.js:\d+|Error:|›|node:internal/);
    }
  });

  it('no such root, target or path is 10', async () => {
    for (const args of [
      ['show', 'nothing'],
      ['diff', 'nothing'],
      ['pin', 'nothing'],
      ['unpin', 'nothing'],
      ['ls', 'nothing'],
      ['restore', '/nothing/here'],
      ['prune', 'nothing', '--yes'],
    ]) {
      expect(await failure(reordered(args, config))).toMatchObject({ status: 10, kind: 'not-found' });
    }
  });

  it('help and version are no failures', async () => {
    for (const args of [['--help'], ['--version'], ...COMMANDS.map((command) => [command, '--help'])]) {
      const { status, stdout, stderr } = await roots(args);
      expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
      expect(stdout).toContain('roots');
    }
  });

  it('a wrong configuration is 2, with file, line and a suggestion', async () => {
    const file = join(directory.path, 'wrong.toml');
    writeFileSync(file, '[targets.root]\narchive = "/old_roots"\n\n[targets.root.keep]\ndayly = 7\n');
    const error = await failure(['ls', '--config', file]);
    expect(error).toMatchObject({ status: 2, kind: 'usage' });
    expect(error.message).toContain(`${file}:5`);
    expect(error.message + (error.hint ?? '')).toContain('daily');
    for (const text of ['[targets', '[targets.root.prune]\nmax_age = "soon"', 'nonsense = 1', '[targets.root.keep]\nlast = 0']) {
      writeFileSync(file, text);
      expect(await failure(['prune', '--yes', '--config', file])).toMatchObject({ status: 2, kind: 'usage' });
    }
    expect(await failure(['ls', '--config', join(directory.path, 'none.toml')])).toMatchObject({ status: 2, kind: 'usage' });
    expect(await failure(['ls'], { env: { ROOTS_CONFIG: join(directory.path, 'none.toml') } })).toMatchObject({ status: 2, kind: 'usage' });
  });

  it('reads the file that ROOTS_CONFIG names', async () => {
    const { status, stdout } = await roots(['ls'], { env: { ROOTS_CONFIG: config[1] } });
    expect([status, stdout.includes(directory.roots[0]!.name)]).toEqual([0, true]);
  });

  it('an archive that is not there is 10', async () => {
    const file = join(directory.path, 'elsewhere.toml');
    writeFileSync(file, `[targets.root]\nbackend = "directory"\narchive = "${join(directory.path, 'nowhere')}"\n`);
    expect(await failure(['ls', '--config', file])).toMatchObject({ status: 10, kind: 'not-found' });
  });
});

/** The configuration first, since some of `args` end in a flag without its value. */
function reordered(args: readonly string[], config: readonly string[]): string[] {
  const [command = '', ...rest] = args;
  return [command, ...config, ...rest];
}

requires.btrfs('what the machine lacks', () => {
  let field: FieldArchive;
  let config: string[];
  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
    config = ['--config', writeConfig(field, '')];
  });
  afterAll(() => field.close());

  it('a device that is not there is 1, and says which', async () => {
    const file = writeConfig({ scratch: field.scratch, device: '/dev/roots-test-none' }, '', 'no-device.toml');
    const error = await failure(['ls', '--config', file]);
    expect(error.status).toBe(1);
    expect(error.message).toContain('/dev/roots-test-none');
  });

  it('a filesystem without an archive is 10', async () => {
    const file = join(field.scratch, 'no-archive.toml');
    writeFileSync(file, `[targets.root]\ndevice = "${field.device}"\narchive = "none"\n`);
    expect(await failure(['ls', '--config', file])).toMatchObject({ status: 10, kind: 'not-found' });
  });

  it('no archive anywhere is 10 or, where a filesystem was not looked at, 12', async () => {
    const error = await failure(['ls'], { onlyBtrfs: 'none' });
    expect([10, 12]).toContain(error.status);
    expect(error.message).toContain('no archive of old roots was found');
    expect(error.hint).toContain('roots demo');
  });

  it.each(['btrfs', 'unshare', 'nsenter'])('the program %s missing is 12, and it is named', async (program) => {
    // Not below /tmp: in its private namespace the program mounts the filesystem there.
    const bin = mkdtempSync('/var/tmp/roots-test-bin-');
    const error = await withoutProgram(bin, program).finally(() => rmSync(bin, { recursive: true }));
    expect(error).toMatchObject({ status: 12, kind: 'unsupported' });
    expect(error.message).toContain(program);
  });

  async function withoutProgram(bin: string, program: string): ReturnType<typeof failure> {
    const needed = ['btrfs', 'unshare', 'nsenter', 'mount', 'umount', 'sh', 'cat', 'flock', 'findmnt', 'xargs', 'node'];
    for (const each of needed.filter((name) => name !== program)) {
      const found = (process.env['PATH'] ?? '')
        .split(delimiter)
        .map((folder) => join(folder, each))
        .find(existsSync);
      if (found !== undefined) symlinkSync(found, join(bin, each));
    }
    return failure(['ls', ...config], { env: { PATH: bin } });
  }

  const why = whyNotAs(1000);
  it.skipIf(why)('for anyone but root it is 13, and says sudo', { meta: { needs: String(why) } }, async () => {
    // The scratch directory is closed to others.
    const file = join(mkdtempSync(join(tmpdir(), 'roots-test-config-')), 'roots.toml');
    try {
      copyFileSync(config[1]!, file);
      chmodSync(dirname(file), 0o755);
      for (const args of [['ls'], ['prune', '--yes'], ['restore', '/etc/passwd'], ['pin', 'latest'], ['diff']]) {
        const error = await failure(args, { uid: 1000, env: { ROOTS_CONFIG: file } });
        expect(error).toMatchObject({ kind: 'not-permitted', status: 13, hint: expect.stringContaining('sudo') as string });
      }
    } finally {
      rmSync(dirname(file), { recursive: true });
    }
  });
});

/** Why the program cannot be run as another user (a checkout in root's home), or false. */
function whyNotAs(uid: number): string | false {
  if (missing('root') !== false) return missing('root');
  const read = `require('fs').accessSync(${JSON.stringify(PROGRAM)})`;
  const { status, error } = spawnSync(process.execPath, ['-e', read], { uid, gid: uid, cwd: '/' });
  return status === 0 && error === undefined ? false : 'needs a checkout and a Node that others than root can read';
}

describe('the table of exit statuses', () => {
  it('has no two alike, and means by 2 only what was typed', () => {
    const statuses = Object.values(EXIT_STATUS).map(({ status }) => status);
    expect(new Set(statuses).size).toBe(statuses.length);
    expect(EXIT_STATUS.usage.status).toBe(2);
    expect(EXIT_STATUS.interrupted.status).toBe(130);
  });

  const manual = isThere(MANUAL) ? readFileSync(MANUAL, 'utf8') : '';
  it.skipIf(manual === '')('is the one in the manual', { meta: { needs: 'needs man/roots.8' } }, () => {
    const section = /^\.Sh EXIT STATUS\n([^]*?)(?=^\.Sh )/m.exec(manual)?.[1] ?? '';
    const listed = [...section.matchAll(/^\.It (?:Cm |Li |Sy )?(\d+)$/gm)].map((match) => Number(match[1]));
    expect(listed).toEqual(Object.values(EXIT_STATUS).map(({ status }) => status));
  });
});

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
