/** `roots timer` as far as it can be run without changing the machine: the rest is in test/unit/operations and, with a real systemd, in test/vm. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { requires } from '../support/requirements.ts';
import type { Failure } from './contracts.ts';
import { PROGRAM, roots, writeDirectoryConfig, type Result } from './roots.ts';

interface Plan {
  readonly units: readonly { readonly path: string; readonly content: string; readonly action: string }[];
  readonly nixModule: string | null;
}

let directory: DirectoryArchive;
let config: string;
beforeAll(async () => {
  directory = await buildDirectoryArchive({ now: new Date() });
  config = writeDirectoryConfig(directory, '[targets.root.keep]\nlast = 3');
});
afterAll(() => directory.close());

const print = (...args: readonly string[]): Promise<Result> => roots(['timer', 'enable', '--print', '--config', config, ...args]);

describe('roots timer enable --print', () => {
  it('prints the units with what it was started with, and where they belong', async () => {
    const { status, stdout, stderr } = await print();
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('# /etc/systemd/system/roots-prune.service\n');
    expect(stdout).toContain('# /etc/systemd/system/roots-prune.timer\n');
    expect(stdout).toContain(`ExecStart=${process.execPath} ${PROGRAM} prune --yes --config ${config}\n`);
    expect(stdout).toContain(`ReadWritePaths=/run -${directory.archive}\n`);
  });

  it('as JSON says the same', async () => {
    const { units, nixModule } = (await print('--json')).json as Plan;
    const { stdout } = await print();
    expect(nixModule).toBeNull();
    for (const { path, content } of units) expect(stdout).toContain(`# ${path}\n${content.trimEnd()}`);
  });

  it('makes the configuration an absolute path', async () => {
    const { stdout } = await roots(['timer', 'enable', '--print', '--config', basename(config)], { cwd: directory.path });
    expect(stdout).toContain(` --config ${config}\n`);
    const fromEnvironment = await roots(['timer', 'enable', '--print'], { env: { ROOTS_CONFIG: config } });
    expect(fromEnvironment.stdout).toContain(` --config ${config}\n`);
  });

  it('has the calendar event and the unit for failures', async () => {
    const { stdout } = await print('--on-calendar', 'Sun 03:00', '--on-failure', 'notify@%n');
    expect(stdout).toContain('OnCalendar=Sun 03:00\n');
    expect(stdout).toContain('OnFailure=notify@%n.service\n');
  });

  it.each([[['--on-calendar', 'x\nExecStart=/bin/evil']], [['--on-failure', 'a b']], [['--print', '--dry-run']], [['something']]])(
    'refuses %j',
    async (args) => {
      const { status, stdout } = await print(...args, '--json');
      expect(status).toBe(2);
      expect((JSON.parse(stdout) as Failure).error.kind).toBe('usage');
    },
  );
});

requires.systemd('what is printed', () => {
  it('systemd has nothing to say against', async () => {
    const { units } = (await print('--json')).json as Plan;
    const files = units.map(({ path, content }) => {
      const file = join(directory.path, basename(path));
      writeFileSync(file, content);
      return file;
    });
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('the topic', () => {
  it.each([
    [['timer'], 'timer enable'],
    [['timer', '--help'], 'timer status'],
    [['help', 'timer'], 'timer disable'],
    [['timer', 'enable', '--help'], '--on-calendar'],
  ])('%j is explained', async (args, words) => {
    const { status, stdout } = await roots(args);
    expect(status).toBe(0);
    expect(stdout).toContain(words);
  });
});

it('a command of the topic that does not exist is 2, with the one that was meant', async () => {
  const { status, stderr } = await roots(['timer', 'enabel']);
  expect(status).toBe(2);
  expect(stderr).toContain('timer enable');
});

it('the topic has a summary of its own', async () => {
  expect((await roots(['--help'])).stdout).toMatch(/^ +timer +Prune by a systemd timer\.$/m);
});

describe('without systemd', () => {
  it.skipIf(existsSync('/run/systemd/system')).each([['status'], ['enable'], ['disable']])(
    '`roots timer %s` is 12',
    { meta: { needs: 'needs a machine that systemd does not run' } },
    async (command) => {
      const { status, json } = await roots(['timer', command, '--json', '--config', config]);
      expect(status).toBe(12);
      expect((json as Failure).error).toMatchObject({ kind: 'unsupported', hint: expect.stringContaining('--print') as string });
    },
  );
});
