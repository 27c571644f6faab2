/** What must hold while old roots are restored from, because somebody could lose data where it does not. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ready, start } from '../backend-suite/processes.ts';
import { missing, requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { digest, pin, prune } from './answers.ts';
import { closing, gate, killing } from './closing.ts';
import type { Failure, Restore } from './contracts.ts';
import { standIn, type Gate } from './gate.ts';
import { roots, startRoots } from './roots.ts';
import { FILE, GOES, KINDS, STAYS, smallBtrfs, smallDirectory } from './small-archives.ts';

const STAGING = '.roots-restore-';

describe('a destination that somebody works on while it is being restored', () => {
  const edits: readonly (readonly [what: string, edit: (file: string) => void])[] = [
    ['written to', (file) => writeFileSync(file, 'what I have just written\n')],
    [
      'written to, with the same length and time',
      (file) => {
        const { atime, mtime, size } = lstatSync(file);
        writeFileSync(file, 'x'.repeat(size));
        utimesSync(file, atime, mtime);
      },
    ],
    [
      'replaced as editors do',
      (file) => {
        writeFileSync(`${file}.new`, 'what I have just written\n');
        renameSync(`${file}.new`, file);
      },
    ],
    ['removed', (file) => rmSync(file)],
  ];
  it.each(edits)('%s: it is left as it is', async (_, edit) => {
    const archive = closing(smallDirectory());
    const file = join(archive.live, FILE);
    const { env, reached, open } = gate(archive, 'cp');
    const args = ['restore', file, '--from', GOES, '--overwrite', '--yes', '--json', '--config', archive.config()];
    const { end } = startRoots(args, { env });
    await reached();
    edit(file);
    const before = contents(file);
    open();
    const result = await end;
    expect([result.status, (result.json as Restore).items[0]?.result]).toEqual([1, 'failed']);
    expect((result.json as Restore).items[0]?.error).toContain('changed meanwhile');
    expect(contents(file)).toEqual(before);
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith(STAGING))).toEqual([]);
  });

  it('made where there was nothing: it is left as it is', async () => {
    const archive = closing(smallDirectory());
    const file = join(archive.live, FILE);
    rmSync(file);
    const { env, reached, open } = gate(archive, 'cp');
    const { end } = startRoots(['restore', file, '--from', GOES, '--overwrite', '--yes', '--json', '--config', archive.config()], { env });
    await reached();
    writeFileSync(file, 'what I have just written\n');
    open();
    const result = await end;
    expect([result.status, (result.json as Restore).items[0]?.result]).toEqual([1, 'failed']);
    expect(readFileSync(file, 'utf8')).toBe('what I have just written\n');
  });

  /** Of all that is in the directory of the file, but for the copy that is being made. */
  function contents(file: string): Record<string, string> {
    const names = readdirSync(dirname(file)).filter((name) => !name.startsWith(STAGING));
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(dirname(file), name), 'utf8')]));
  }
});

describe.each(KINDS)('an old root of %s that is being restored from', (_, make) => {
  it('is not pruned meanwhile: 11, and it stays; two restores go side by side', async () => {
    const archive = closing(make());
    const config = archive.config();
    const { env, reached, open } = gate(archive, 'cp');
    const restore = (to: string): ReturnType<typeof startRoots> =>
      startRoots(['restore', join(archive.live, FILE), '--from', GOES, '--to', join(archive.scratch, to), '--json', '--config', config], {
        env,
      });
    const one = restore('one');
    await reached();
    const before = digest(archive.archive);
    for (const result of [await prune(config), await pin(config)])
      expect([result.status, (result.json as Failure).error.kind]).toEqual([11, 'locked']);
    expect(digest(archive.archive)).toBe(before);
    const other = restore('other');
    open();
    for (const { end } of [one, other]) expect((await end).status).toBe(0);
    for (const to of ['one', 'other']) expect(readFileSync(join(archive.scratch, to), 'utf8')).toBe(`notes of ${GOES}\n`);
    expect((await prune(config)).status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });

  it('two restores that copy at the same time do not exclude each other', async () => {
    const archive = closing(make());
    const config = archive.config();
    const restore = (to: string, env: Gate['env']): ReturnType<typeof startRoots> =>
      startRoots(['restore', join(archive.live, FILE), '--from', GOES, '--to', join(archive.scratch, to), '--json', '--config', config], {
        env,
      });
    const { env, reached, open } = gate(archive, 'cp');
    const waiting = restore('one', env);
    await reached();
    const result = await restore('other', { PATH: process.env['PATH'] ?? '' }).end;
    expect(result.status).toBe(0);
    open();
    expect((await waiting.end).status).toBe(0);
  });
});

describe.each(KINDS)('an old root of %s that is being searched', (_, make) => {
  it('is not taken for mounted: it is pruned, and a kill leaves nothing of the search', async () => {
    const archive = closing(make());
    const config = archive.config();
    const { env, reached, open } = gate(archive, 'grep');
    const { child, end } = startRoots(['find', 'notes.txt', '--content', 'notes', '--config', config], { env });
    await reached();
    const pruned = await prune(config);
    expect(pruned.status, pruned.stderr).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
    child.kill('SIGKILL');
    open();
    // That no process is left, and so no mount, is looked for at each end.
    expect((await end).signal).toBe('SIGKILL');
  });
});

/** Puts a link to elsewhere in the place of a directory, and the directory back: slower than a listing is read, and much faster than what is listed is copied. */
const SWAPPER = `
const { renameSync, writeSync } = require('node:fs');
const [directory, parked, link] = process.argv.slice(1);
writeSync(1, 'ready\\n');
const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
for (;;) {
  renameSync(directory, parked);
  renameSync(link, directory);
  pause();
  renameSync(directory, link);
  renameSync(parked, directory);
  pause();
}`;

describe.each(KINDS)('a directory of an old root of %s that its owner exchanges for a link while it is copied', (kind, make) => {
  // Without root there is nobody whom it would lead to what they could not read themselves.
  requires.root('by root', () => {
    it('leads to nothing outside of the old root', { timeout: 120_000 }, async () => {
      const archive = closing(make());
      const [theirs, elsewhere] = [join(archive.archive, GOES, 'home/alice'), join(archive.scratch, 'elsewhere')];
      const [directory, parked, link] = ['papers', 'parked', 'link'].map((name) => join(theirs, name)) as [string, string, string];
      for (const path of [directory, elsewhere]) mkdirSync(path);
      for (let number = 0; number < 2000; number += 1)
        for (const path of [directory, elsewhere]) writeFileSync(join(path, String(number)), path === elsewhere ? 'secret' : 'theirs');
      symlinkSync(elsewhere, link);
      rmSync(join(archive.live, 'home/alice'), { recursive: true });
      killing(await ready(start(process.execPath, ['-e', SWAPPER, directory, parked, link])));
      const [from, config] = [join(archive.live, 'home/alice'), archive.config()];
      let copied = 0;
      for (let round = 0; round < 10 || (copied === 0 && round < 100); round += 1) {
        const to = join(archive.scratch, `copy-${String(round)}`);
        const result = await roots(['restore', from, '--from', GOES, '--to', to, '--yes', '--json', '--config', config]);
        expect([0, 1, 3], result.stderr).toContain(result.status);
        const papers = join(to, 'papers');
        if (!existsSync(papers) || !lstatSync(papers).isDirectory()) continue;
        const contents = readdirSync(papers).map((name) => readFileSync(join(papers, name), 'utf8'));
        copied += contents.length;
        expect(contents.filter((content) => content !== 'theirs')).toEqual([]);
      }
      // Else nothing was proven.
      expect(copied, kind).toBeGreaterThan(0);
    });
  });
});

requires.root('plain directories, where root may not mount', () => {
  it('are read as they are: diff and restore', async () => {
    const archive = closing(smallDirectory());
    const config = archive.config();
    const within = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', '--'];
    rmSync(join(archive.live, FILE));
    const diff = await roots(['diff', GOES, 'live', '--name-status', '--config', config], { within });
    expect([diff.status, diff.stdout], diff.stderr).toEqual([0, `D\t/${FILE}\n`]);
    const restore = await roots(['restore', join(archive.live, FILE), '--from', GOES, '--yes', '--config', config], { within });
    expect(restore.status, restore.stderr).toBe(0);
    expect(readFileSync(join(archive.live, FILE), 'utf8')).toBe(`notes of ${GOES}\n`);
  });
});

describe('a copy', () => {
  it('whose program is killed without a word has failed, and is not one that lost attributes', async () => {
    const archive = closing(smallDirectory());
    const PATH = standIn(join(archive.scratch, 'bin'), 'cp', 'case "$*" in *--preserve=*) kill -9 $$ ;; esac\nexec "$real" "$@"');
    const to = join(archive.scratch, 'to');
    const args = ['restore', join(archive.live, FILE), '--from', GOES, '--to', to, '--json', '--config', archive.config()];
    const result = await roots(args, { env: { PATH } });
    expect([result.status, (result.json as Restore).items[0]?.result]).toEqual([1, 'failed']);
    expect(existsSync(to)).toBe(false);
    expect(readdirSync(archive.scratch).filter((name) => name.startsWith(STAGING))).toEqual([]);
  });
});

requires.btrfs('a file that differs only in what `ls -l` does not show', () => {
  const attributes: readonly (readonly [
    needs: 'attr' | 'acl' | 'capabilities',
    what: string,
    set: readonly string[],
    get: readonly string[],
  ])[] = [
    ['attr', 'an extended attribute', ['setfattr', '-n', 'user.note', '-v', 'mine'], ['getfattr', '-d', '--absolute-names']],
    ['acl', 'an ACL', ['setfacl', '-m', 'u:1234:r'], ['getfacl', '--absolute-names', '--omit-header']],
    ['capabilities', 'a capability', ['setcap', 'cap_net_bind_service+ep'], ['getcap', '-v']],
  ];
  for (const [needs, what, set, [get = '', ...options]] of attributes) {
    const why = missing(needs);
    it.skipIf(why)(
      `(${what}) is not the same: with --overwrite it is restored`,
      { meta: why === false ? {} : { needs: why } },
      async () => {
        const archive = closing(smallBtrfs());
        const [old, now] = [join(archive.archive, GOES, FILE), join(archive.live, FILE)];
        const read = (file: string): string => tool(get, ...options, file).replaceAll(file, '');
        const args = ['restore', now, '--from', GOES, '--json', '--config', archive.config()];
        const restore = async (...more: string[]): Promise<string | undefined> =>
          ((await roots([...args, ...more])).json as Restore).items[0]?.result;
        tool('cp', '-a', old, now);
        expect(await restore('--overwrite', '--yes')).toBe('same');
        const [program = '', ...words] = set;
        tool(program, ...words, old);
        expect(read(now)).not.toBe(read(old));
        expect(await restore()).toBe('refused');
        expect(await restore('--overwrite', '--yes')).toBe('restored');
        expect(read(now)).toBe(read(old));
        expect(await restore('--overwrite', '--yes')).toBe('same');
        // And the other way round: what the old one does not have.
        rmSync(old);
        tool('cp', '--preserve=mode,timestamps,ownership', now, old);
        if (needs === 'acl') tool('setfacl', '-b', old);
        expect(read(now)).not.toBe(read(old));
        expect(await restore('--overwrite', '--yes')).toBe('restored');
        expect(read(now)).toBe(read(old));
      },
    );
  }
});

describe('several paths to restore', () => {
  it('of which one is nowhere: the others come back, it is named, and the status is 3', async () => {
    const archive = closing(smallDirectory());
    writeFileSync(join(archive.archive, GOES, 'etc/one'), 'one\n');
    writeFileSync(join(archive.archive, GOES, 'etc/two'), 'two\n');
    const paths = ['etc/one', 'etc/nowhere', 'etc/two'].map((path) => join(archive.live, path));
    for (const from of [['--from', GOES], []]) {
      for (const json of [['--json'], []]) {
        for (const name of ['one', 'two']) rmSync(join(archive.live, 'etc', name), { force: true });
        const result = await roots(['restore', ...paths, ...from, ...json, '--config', archive.config()]);
        expect([from, result.status]).toEqual([from, 3]);
        expect(['one', 'two'].map((name) => readFileSync(join(archive.live, 'etc', name), 'utf8'))).toEqual(['one\n', 'two\n']);
        if (json.length === 0) {
          expect(result.stdout + result.stderr).toContain('etc/nowhere');
        } else {
          const { items, problems } = result.json as Restore;
          expect(items.map((item) => item.result)).toEqual(['restored', 'restored']);
          expect(problems).toEqual([expect.objectContaining({ path: paths[1], kind: 'not-found' })]);
        }
      }
    }
    const none = await roots(['restore', ...paths.slice(1, 2), join(archive.live, 'etc/nor-this'), '--json', '--config', archive.config()]);
    expect([none.status, (none.json as Failure).error.kind]).toEqual([10, 'not-found']);
  });
});
