/** `roots cat`: the very bytes of one file, and nothing from outside of the old root. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromText, joinPath } from '../../src/byte-path.ts';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { ODD_NAMES, SPECIAL } from '../fixtures/special-files.ts';
import { missing, requires } from '../support/requirements.ts';
import type { Failure } from './contracts.ts';
import { onTerminal } from './on-terminal.ts';
import { PROGRAM, roots, traces, writeConfig, writeDirectoryConfig, type Argument } from './roots.ts';

describe('roots cat', () => {
  let archive: DirectoryArchive;
  let config: string;
  let newest: string;
  const old = (...names: string[]): string => join(archive.archive, newest, ...names);
  const cat = (...args: Argument[]) => roots(['cat', '--config', config, ...args]);

  beforeAll(async () => {
    archive = await buildDirectoryArchive({ now: new Date() });
    config = writeDirectoryConfig(archive, '');
    newest = archive.roots.at(-1)!.name;
    writeFileSync(old('etc/secret'), 'This file is in the old root.\n');
    symlinkSync('secret', old('etc/to-secret'));
    symlinkSync('/etc', old('to-etc'));
    symlinkSync('/to-etc/to-secret', old('home/alice/chain'));
    symlinkSync('loop', old('loop'));
    // What is outside has a file at the same path.
    mkdirSync(old('links'));
    symlinkSync('/etc/passwd', old('links/absolute'));
    symlinkSync(`${'../'.repeat(30)}etc/passwd`, old('links/up'));
    symlinkSync('..', old('links/above'));
    writeFileSync(old('large'), Buffer.alloc(5 << 20, 'large\n'));
  });
  afterAll(() => archive.close());

  it('writes the very bytes', async () => {
    for (const path of [SPECIAL.large, SPECIAL.sqlite, 'large', 'etc/NIXOS']) {
      const { status, stderr, stdoutBytes } = await cat('latest', `/${path}`);
      expect({ path, status, stderr }).toEqual({ path, status: 0, stderr: '' });
      expect(stdoutBytes.equals(readFileSync(old(path)))).toBe(true);
    }
  });

  it('takes a path of the live root, one relative to where it is started, and any name', async () => {
    const wanted = readFileSync(old('home/alice/notes.txt'), 'utf8');
    expect((await cat('latest', join(archive.live, 'home/alice/notes.txt'))).stdout).toBe(wanted);
    const relative = await roots(['cat', '--config', config, 'latest', 'alice/notes.txt'], { cwd: join(archive.live, 'home') });
    expect(relative.stdout).toBe(wanted);
    for (const name of ODD_NAMES) {
      const { status, stdout } = await cat('latest', { bytes: joinPath(fromText('/'), name) });
      expect({ status, stdout }).toEqual({ status: 0, stdout: `${String(name.length)}\n` });
    }
  });

  it('follows links inside the old root, as after chroot(2)', async () => {
    for (const path of ['/etc/to-secret', '/to-etc/secret', '/home/alice/chain']) {
      expect(await cat('latest', path)).toMatchObject({ status: 0, stdout: 'This file is in the old root.\n' });
    }
    const inside = readFileSync(old('etc/passwd'), 'utf8');
    for (const path of ['/links/absolute', '/links/up', '/links/above/etc/passwd']) {
      expect(await cat('latest', path)).toMatchObject({ status: 0, stdout: inside });
    }
  });

  it('never goes out of it', async () => {
    for (const path of [SPECIAL.absoluteLink, SPECIAL.escapingLink, `${SPECIAL.linkedDirectory}/secret`]) {
      const { status, stdout, stderr } = await cat('latest', `/${path}`);
      expect({ path, status, stdout }).toEqual({ path, status: 10, stdout: '' });
      expect(stderr).not.toContain('outside of every root');
    }
  });

  it.each([
    ['/etc', 'a directory'],
    ['/', 'a directory'],
    ['/links/above', 'a directory'],
    [`/${SPECIAL.fifo}`, 'a named pipe'],
    [`/${SPECIAL.socket}`, 'a socket'],
  ])('refuses %s, which is %s', async (path, what) => {
    const { status, stdout, stderr } = await cat('latest', path);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`is ${what}, no file`);
    expect(stderr).toContain('roots restore');
  });

  it('says what is not there', async () => {
    expect(await cat('latest', '/etc/none')).toMatchObject({ status: 10, stdout: '' });
    expect(await cat('latest', '/none/none')).toMatchObject({ status: 10, stdout: '' });
    expect(await cat('none', '/etc/passwd')).toMatchObject({ status: 10, stdout: '' });
    expect(await cat('latest', `/${SPECIAL.danglingLink}`)).toMatchObject({ status: 10, stdout: '' });
    expect(await cat('latest', '/loop')).toMatchObject({ status: 1, stderr: expect.stringContaining('too many symbolic links') as string });
    expect((await cat('latest')).status).toBe(2);
  });

  it('with --json tells errors only', async () => {
    const { status, json } = await cat('latest', '/etc/passwd', '--json');
    expect([status, (json as Failure).error.kind]).toEqual([2, 'usage']);
  });

  it('ends well and quietly when nobody reads any more', () => {
    const { stdout, stderr, status } = spawnSync(
      'bash',
      ['-c', `set -o pipefail; "$0" "$1" cat --config "$2" latest /large | head -c 6`, process.execPath, PROGRAM, config],
      { encoding: 'utf8' },
    );
    expect({ stdout, stderr, status }).toEqual({ stdout: 'large\n', stderr: '', status: 0 });
  });

  it('writes no binary to a terminal', async () => {
    const text = await onTerminal(['cat', '--config', config, 'latest', '/etc/secret']);
    expect(text).toEqual({ status: 0, output: 'This file is in the old root.\n' });
    const binary = await onTerminal(['cat', '--config', config, 'latest', `/${SPECIAL.sqlite}`]);
    expect(binary.status).toBe(1);
    expect(binary.output).toContain('> FILE');
    expect(binary.output).not.toContain('SQLite');
    for (const [name, text] of [
      ['escapes', 'text\n\u001b]0;a title\u0007'],
      ['controls', 'text\n\u009b31mred'],
    ] as const) {
      writeFileSync(old(name), text);
      const { status, output } = await onTerminal(['cat', '--config', config, 'latest', `/${name}`]);
      expect({ name, status }).toEqual({ name, status: 1 });
      expect(output).not.toMatch(/a title|31mred/);
      expect((await cat('latest', `/${name}`)).stdout).toBe(text);
    }
  });

  it.skipIf(missing('root'))('does not read what the user may not', { meta: { needs: 'root' } }, async () => {
    chmodSync(archive.path, 0o755);
    const { status, stdout } = await roots(['cat', '--config', config, 'latest', '/etc/shadow'], { uid: 1000 });
    expect({ status, stdout }).toEqual({ status: 13, stdout: '' });
  });
});

requires.btrfs('roots cat on btrfs', () => {
  let field: FieldArchive;
  let config: string;
  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), odd: { future: false } });
    config = writeConfig(field, '');
  });
  afterAll(() => field.close());

  it('reads old roots, nested subvolumes, live and blank, and leaves no mount behind', async () => {
    const before = traces(field.device, field.scratch);
    const read = async (root: string, path: string): Promise<string> => (await roots(['cat', '--config', config, root, path])).stdout;
    expect(await read(field.lostFile.boot, join(field.sysroot, field.lostFile.path))).toBe('The only copy there is.\n');
    expect(await read(field.odd.nested!.name, `/${field.odd.nested!.file}`)).toBe('the disk of a container\n');
    expect(await read('live', '/etc/machine-id')).toBe(readFileSync(join(field.sysroot, 'etc/machine-id'), 'utf8'));
    expect((await roots(['cat', '--config', config, 'blank', '/etc/machine-id'])).status).toBe(10);
    expect(traces(field.device, field.scratch)).toEqual(before);
  });
});
