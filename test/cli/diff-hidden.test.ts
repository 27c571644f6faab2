/** What `roots diff` hides, that it says so, and that `--all` shows it. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Diff } from './contracts.ts';
import { roots, writeConfig } from './roots.ts';

requires.btrfs('what roots diff hides', () => {
  let field: FieldArchive;
  let plain: string;
  const persisted: string[] = [];

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
    plain = writeConfig(field, '');
    const live = (path: string): string => join(field.sysroot, path);
    mkdirSync(live('etc/made/anew'), { recursive: true });
    for (const name of ['one', 'two']) symlinkSync(`/nix/store/${name}`, live(`etc/made/anew/${name}`));
    symlinkSync('/somewhere/else', live('etc/mine'));
    mkdirSync(live('var/cache'));
    for (const name of ['a.log', 'kept.log', 'data']) writeFileSync(live(`var/cache/${name}`), name);
    mkdirSync(live('var/lib/kept/inside'), { recursive: true });
    writeFileSync(live('var/lib/kept/inside/file'), '');
    // As persistent storage is put in place.
    writeFileSync(live('etc/bound'), '');
    tool('mount', '--bind', join(field.persist, 'etc/ssh/ssh_host_ed25519_key'), live('etc/bound'));
    persisted.push(live('var/lib/kept'));
  });
  afterAll(() => {
    tool('umount', join(field.sysroot, 'etc/bound'));
    field.close();
  });

  const diff = async (config: string, ...args: string[]): Promise<Diff> => {
    const { status, stderr, json } = await roots(['diff', '--json', '--config', config, ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return json as Diff;
  };
  const pathsOf = ({ changes }: Diff): string[] => changes.map(({ path }) => path);

  it('is what is made anew and what is mounted, with the directories that hold nothing else', async () => {
    const [hiding, all] = [await diff(plain), await diff(plain, '--all')];
    expect(all.hidden).toBe(0);
    expect(hiding.changes.length + hiding.hidden).toBe(all.changes.length);
    const gone = pathsOf(all).filter((path) => !pathsOf(hiding).includes(path));
    expect(gone).toEqual(
      expect.arrayContaining(['etc/made', 'etc/made/anew', 'etc/made/anew/one', 'etc/made/anew/two', 'etc/bound', 'etc/static']),
    );
    for (const { path, type } of all.changes.filter((change) => gone.includes(change.path)))
      expect(type === 'symlink' || type === 'directory' || path === 'etc/bound', path).toBe(true);
    expect(pathsOf(hiding)).toEqual(expect.arrayContaining(['etc/mine', 'var/cache', 'var/cache/a.log', 'var/lib/kept/inside/file']));
  });

  it('is what the configuration names, too', async () => {
    const config = writeConfig(
      field,
      `[diff]\npersisted = [${JSON.stringify(persisted[0])}]\nignore = ["*.log", "!kept.log", "/var/cache/data"]\n`,
      'hiding.toml',
    );
    const paths = pathsOf(await diff(config));
    expect(paths.filter((path) => path.startsWith('var/cache') || path.startsWith('var/lib/kept'))).toEqual([
      'var/cache',
      'var/cache/kept.log',
    ]);
    expect(pathsOf(await diff(config, '--all'))).toEqual(pathsOf(await diff(plain, '--all')));
  });

  it('is what a list of another program and a file of the tree name', async () => {
    const list = join(field.scratch, 'persisted.json');
    const config = writeConfig(field, `[diff]\npersisted_list = ${JSON.stringify(list)}\n`, 'list.toml');
    const missing = await roots(['diff', '--json', '--config', config]);
    expect([missing.status, JSON.stringify(missing.json)]).toEqual([2, expect.stringContaining('persisted_list')]);
    for (const wrong of ['{}', '["relative"]', '[1]', 'no JSON']) {
      writeFileSync(list, wrong);
      expect((await roots(['diff', '--config', config])).status, wrong).toBe(2);
    }
    writeFileSync(list, JSON.stringify([`${persisted[0] ?? ''}/`]));
    expect(pathsOf(await diff(config))).not.toContain('var/lib/kept');
    expect(pathsOf(await diff(plain))).toContain('var/lib/kept');
    const file = join(field.sysroot, '.rootsignore');
    writeFileSync(file, '# mine\n*.log\r\n.rootsignore\n');
    try {
      const found = pathsOf(await diff(plain));
      expect(found).toContain('var/cache/data');
      for (const path of ['var/cache/a.log', 'var/cache/kept.log', '.rootsignore']) expect(found).not.toContain(path);
      // What the configuration says goes before it.
      const kept = writeConfig(field, '[diff]\nignore = ["!kept.log"]\n', 'kept.toml');
      expect(pathsOf(await diff(kept))).toContain('var/cache/kept.log');
      rmSync(file);
      symlinkSync('etc/passwd', file);
      expect((await roots(['diff', '--config', plain])).stderr).toContain('.rootsignore is no text file');
    } finally {
      rmSync(file);
    }
  });

  it('is counted for people, by why', async () => {
    const { stdout } = await roots(['diff', '--config', plain]);
    expect(stdout).toMatch(/^\d+ added.*\.\nHidden: \d+ links that are made anew, \d+ mount points?\. --all shows them\.\n$/m);
    const all = await roots(['diff', '--all', '--config', plain]);
    expect(all.stdout).not.toContain('Hidden');
    expect(all.stdout.split('\n').length).toBeGreaterThan(stdout.split('\n').length);
  });
});
