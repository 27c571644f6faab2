import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_FILE, distrust, readConfig } from '../../../src/config.ts';
import { failure } from './parsed.ts';

const isRoot = process.geteuid?.() === 0;

describe('the file', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'roots-config-'));
    await chmod(folder, 0o755);
    file = join(folder, 'roots.toml');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function write(text: string | Uint8Array, mode = 0o644): Promise<void> {
    await writeFile(file, text);
    await chmod(file, mode);
  }

  it('is the one that --config names, before the one that ROOTS_CONFIG names', async () => {
    await write('timezone = "UTC"');
    expect(await readConfig({ path: file, env: { ROOTS_CONFIG: join(folder, 'other') } })).toMatchObject({ file, timezone: 'UTC' });
    expect(await readConfig({ env: { ROOTS_CONFIG: file } })).toMatchObject({ file, timezone: 'UTC' });
  });

  it('must exist if it is named', async () => {
    const byFlag = await failure(readConfig({ path: file, env: {} }));
    expect(byFlag).toMatchObject({ kind: 'usage', message: `${file}: no such configuration file` });
    expect(byFlag.hint).toContain('--config names it');
    const byVariable = await failure(readConfig({ env: { ROOTS_CONFIG: file } }));
    expect(byVariable).toMatchObject({ kind: 'usage', message: `${file}: no such configuration file` });
    expect(byVariable.hint).toContain('ROOTS_CONFIG names it');
  });

  it('need not exist otherwise; an empty variable names none', async () => {
    const standard = await readFile(DEFAULT_FILE).then(
      () => DEFAULT_FILE,
      () => null,
    );
    expect((await readConfig({ env: { ROOTS_CONFIG: '' } })).file).toBe(standard);
    expect((await readConfig({ env: {} })).file).toBe(standard);
  });

  it('may be a link, as NixOS makes it', async () => {
    await write('timezone = "UTC"');
    const link = join(folder, 'link.toml');
    await symlink(file, link);
    expect(await readConfig({ path: link, env: {} })).toMatchObject({ file: link, timezone: 'UTC' });
  });

  it('names itself in problems', async () => {
    await write('timezon = 1');
    expect((await failure(readConfig({ path: file, env: {} }))).message).toBe(
      `${file}:1:1: unknown key \`timezon\`; did you mean \`timezone\`?`,
    );
  });

  it('must be a regular file, and a FIFO does not block', async () => {
    await mkdir(file);
    expect(await failure(readConfig({ path: file, env: {} }))).toMatchObject({
      kind: 'usage',
      message: `${file}: is a directory, not a configuration file`,
    });
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect(await failure(readConfig({ path: fifo, env: {} }))).toMatchObject({ kind: 'usage', message: `${fifo}: is not a regular file` });
  });

  it('must be text, and not large', async () => {
    await write(Buffer.from('# caf\xe9\n', 'latin1'));
    expect((await failure(readConfig({ path: file, env: {} }))).message).toBe(`${file}:1: is not UTF-8 text`);
    await write(Buffer.from('# café\n\n# caf\xe9\n# ok', 'latin1'));
    expect((await failure(readConfig({ path: file, env: {} }))).message).toBe(`${file}:1: is not UTF-8 text`);
    await write(Buffer.concat([Buffer.from('# café\n\n'), Buffer.from([0xff])]));
    expect((await failure(readConfig({ path: file, env: {} }))).message).toBe(`${file}:3: is not UTF-8 text`);
    await write(' '.repeat(1024 * 1024 + 1));
    expect((await failure(readConfig({ path: file, env: {} }))).message).toBe(
      `${file}: is too large for a configuration file (1048577 bytes)`,
    );
  });

  it('must be readable', async () => {
    await write('', 0o000);
    // The owner is root where the tests run as root, and root can read everything: be somebody else for a moment.
    if (isRoot) process.seteuid?.(65534);
    try {
      expect(await failure(readConfig({ path: file, env: {} }))).toMatchObject({
        kind: 'not-permitted',
        message: `${file}: not permitted to read it`,
      });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('says what else is wrong with a path', async () => {
    await write('');
    const error = await failure(readConfig({ path: join(file, 'x'), env: {} }));
    expect(error.kind).toBe('usage');
    expect(error.message).toContain(`${file}/x: cannot be read: ENOTDIR`);
  });

  it.runIf(isRoot)("must be root's alone where root acts on it", async () => {
    await write('', 0o664);
    const error = await failure(readConfig({ path: file, env: {} }));
    expect(error.kind).toBe('usage');
    expect(error.message).toBe(`${file}: can be written by others than root (mode 0664); it says what root deletes, so it is not used`);
    await write('', 0o644);
    await chown(file, 65534, 0);
    expect((await failure(readConfig({ path: file, env: {} }))).message).toContain('is owned by user 65534 and not by root');
  });

  it.each([
    [0o100644, 0, 0, undefined],
    [0o100600, 0, 0, undefined],
    [0o100444, 0, 0, undefined],
    [0o100664, 0, 0, 'can be written by others than root (mode 0664)'],
    [0o100646, 0, 0, 'can be written by others than root (mode 0646)'],
    [0o100644, 1000, 0, 'is owned by user 1000 and not by root'],
    [0o100666, 1000, 1000, undefined],
  ])('mode %o of user %i, read by %i: %s', (mode, uid, euid, reason) => {
    expect(distrust({ mode, uid }, euid)).toBe(reason);
  });
});
