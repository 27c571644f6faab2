import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromBytes, fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { holdDirectory, placeBeneath, type Place } from '../../../src/system/beneath.ts';
import { run, type Run } from '../../../src/system/run.ts';
import type { CopyReport } from '../../../src/system/copy-tree.ts';
import { copyInto, type CopyOptions } from '../../../src/system/staged-copy.ts';
import { sweepStaging } from '../../../src/system/staging.ts';
import { treeLines } from '../../fixtures/tree-digest.ts';
import { start, until } from '../../backend-suite/processes.ts';
import { mountTmpfs } from '../../support/loop-image.ts';
import { missing, requires } from '../../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let from: string;
let to: string;
beforeEach(() => {
  scratch = makeScratch();
  [from, to] = [join(scratch.path, 'from'), join(scratch.path, 'to')];
  mkdirSync(from);
  mkdirSync(to);
});
afterEach(() => scratch.remove());

function placeIn(directory: string, name: string | BytePath): Place {
  return placeBeneath(fromText(directory), name as BytePath, { links: 'inside' });
}

async function copy(name: string, options: Partial<CopyOptions> = {}, how: Run = run, target = name): Promise<CopyReport> {
  const [source, destination] = [placeIn(from, name), placeIn(to, target)];
  try {
    return await copyInto(how, source, destination, { replace: false, signal: new AbortController().signal, ...options });
  } finally {
    source.directory.close();
    destination.directory.close();
  }
}

async function sweep(): Promise<void> {
  const held = holdDirectory(fromText(to));
  await sweepStaging(run, held);
  held.close();
}

/** But for inodes. */
function lines(path: string): string[] {
  return treeLines(fromText(path)).map((line) => line.replace(/^(.*?) \d+ ([0-7]{5,6} \d+ \d+ \d+ \d+)/s, '$1 $2'));
}

describe('copying', () => {
  it('brings a whole directory with all that it is made of', async () => {
    const tree = join(from, 'tree');
    mkdirSync(join(tree, 'sub'), { recursive: true });
    writeFileSync(join(tree, 'one'), 'one');
    linkSync(join(tree, 'one'), join(tree, 'sub/other'));
    symlinkSync('/etc/passwd', join(tree, 'link'));
    tool('mkfifo', join(tree, 'fifo'));
    await new Promise<void>((resolve) => {
      const server = createServer().listen(join(tree, 's'), () => {
        // Closing would remove the name.
        tool('mv', join(tree, 's'), join(tree, 'socket'));
        server.close(() => resolve());
      });
    });
    tool('truncate', '-s', '20M', join(tree, 'sparse'));
    for (const [path, mode] of [
      ['one', 0o4640],
      ['sub', 0o2751],
      ['sparse', 0o400],
    ] as const)
      chmodSync(join(tree, path), mode);
    writeFileSync(toBytes(`${tree}/caf\xe9\n` as BytePath), 'bytes');
    if (missing('attr') === false) tool('setfattr', '-n', 'user.note', '-v', 'x', join(tree, 'one'));
    if (missing('acl') === false) {
      tool('setfacl', '-m', 'u:1234:r', join(tree, 'one'));
      tool('setfacl', '-d', '-m', 'u:1234:rx', join(tree, 'sub'));
    }
    if (missing('root') === false) {
      tool('mknod', join(tree, 'null'), 'c', '1', '3');
      chownSync(join(tree, 'sub'), 1000, 1001);
      tool('chown', '-h', '1000:1001', join(tree, 'link'));
    }
    if (missing('capabilities') === false) {
      writeFileSync(join(tree, 'cap'), '');
      tool('setcap', 'cap_net_bind_service+ep', join(tree, 'cap'));
    }
    for (const path of ['one', 'link', 'sub', '.']) tool('touch', '-h', '-d', '2020-02-02T02:02:02.123456789Z', join(tree, path));

    expect(await copy('tree')).toEqual({ lost: [], missing: [] });
    expect(lines(join(to, 'tree'))).toEqual(lines(tree));
    expect(lstatSync(join(to, 'tree/one')).ino).toBe(lstatSync(join(to, 'tree/sub/other')).ino);
    expect(lstatSync(join(to, 'tree/sparse')).blocks).toBe(0);
    expect(readdirSync(to)).toEqual(['tree']);
  });

  it.each(['file', 'link', 'fifo', 'directory', 'line\nbreak', '-rf', 'caf\xe9\n'])('brings one %j', async (name) => {
    const path = toBytes(`${from}/${name}` as BytePath);
    if (name === 'link') symlinkSync('nowhere', path);
    else if (name === 'fifo') tool('mkfifo', join(from, name));
    else if (name === 'directory') mkdirSync(path);
    else writeFileSync(path, name);
    await copy(name);
    expect(readdirSync(to, { encoding: 'latin1' })).toEqual([name]);
    expect(lines(to).slice(1)).toEqual(lines(from).slice(1));
  });

  it.each(['file', 'directory', 'empty directory', 'link', 'dangling link'])(
    'never puts it in place of a %s that is there, unless told',
    async (there) => {
      writeFileSync(join(from, 'x'), 'new');
      mkdirSync(join(from, 'd'));
      for (const name of ['x', 'd']) {
        if (there === 'file') writeFileSync(join(to, name), 'old');
        else if (there.endsWith('link')) symlinkSync(there === 'link' ? scratch.path : 'nowhere', join(to, name));
        else mkdirSync(there === 'directory' ? join(to, name, 'in') : join(to, name), { recursive: true });
        const before = lines(to);
        await expect(copy(name)).rejects.toThrow('appeared meanwhile; it is left as it is');
        expect(lines(to).filter((line) => !line.startsWith('. '))).toEqual(before.filter((line) => !line.startsWith('. ')));
      }
    },
  );

  it('puts it in place of a file or link if told, and keeps what was there if asked', async () => {
    writeFileSync(join(from, 'x'), 'new');
    writeFileSync(join(to, 'x'), 'old');
    const old = lstatSync(join(to, 'x')).ino;
    await copy('x', { replace: true, backup: fromText('x.~1~') });
    expect([readFileSync(join(to, 'x'), 'utf8'), readFileSync(join(to, 'x.~1~'), 'utf8')]).toEqual(['new', 'old']);
    expect(lstatSync(join(to, 'x.~1~')).ino).toBe(old);
    writeFileSync(join(scratch.path, 'target'), 'target');
    tool('ln', '-sf', '../target', join(to, 'x'));
    await copy('x', { replace: true, backup: fromText('x.~2~') });
    expect(readFileSync(join(to, 'x'), 'utf8')).toBe('new');
    expect(readlinkSync(join(to, 'x.~2~'))).toBe('../target');
    expect(readFileSync(join(scratch.path, 'target'), 'utf8')).toBe('target');
  });

  it('does not overwrite a backup that is there, and then replaces nothing', async () => {
    writeFileSync(join(from, 'x'), 'new');
    for (const name of ['x', 'x.~1~']) writeFileSync(join(to, name), name);
    await expect(copy('x', { replace: true, backup: fromText('x.~1~') })).rejects.toMatchObject({ kind: 'failed' });
    for (const name of ['x', 'x.~1~']) expect(readFileSync(join(to, name), 'utf8')).toBe(name);
    expect(readdirSync(to)).toEqual(['x', 'x.~1~']);
  });

  it.each(['empty', 'full'])('never puts anything in place of a directory (%s)', async (content) => {
    writeFileSync(join(from, 'x'), 'new');
    mkdirSync(join(from, 'd'));
    for (const name of ['x', 'd']) {
      mkdirSync(content === 'full' ? join(to, name, 'in') : join(to, name), { recursive: true });
      chmodSync(join(to, name), 0o711);
      await expect(copy(name, { replace: true })).rejects.toMatchObject({ kind: 'failed' });
      expect(lstatSync(join(to, name)).mode & 0o7777).toBe(0o711);
    }
    expect(readdirSync(to).sort()).toEqual(['d', 'x']);
  });

  it('stops when told, and leaves what was there', async () => {
    writeFileSync(join(from, 'x'), 'new');
    writeFileSync(join(to, 'x'), 'old');
    await expect(copy('x', { replace: true, signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: 'interrupted' });
    expect(readdirSync(to)).toEqual(['x']);
    expect(readFileSync(join(to, 'x'), 'utf8')).toBe('old');
  });

  it('goes on with the rest of a directory where something cannot be read, and says what', async () => {
    for (const name of ['tree/a', 'tree/closed/in', 'tree/z']) mkdirSync(join(from, name), { recursive: true });
    for (const name of ['a/file', 'cut', 'cl\u00e9', 'z/last']) writeFileSync(join(from, 'tree', name), name);
    // What cp says on an unreadable file, and what it leaves of one that breaks off; root may read everything.
    const failing: Run = async (program, args, options) => {
      const result = await run(program, args, options);
      if (program !== 'cp') return result;
      const made = join(to, readdirSync(to)[0]!, 'copy');
      tool('truncate', '-s', '1', join(made, 'cut'));
      tool('rm', '-r', join(made, 'cl\u00e9'), join(made, 'closed'));
      return { ...result, status: 1, stderr: "cp: error reading 'cut': Input/output error" };
    };
    expect(await copy('tree', {}, failing)).toEqual({
      lost: [],
      missing: ['closed', 'cl\xc3\xa9', 'cut'].map((path) => ({ path, why: 'Input/output error' })),
    });
    expect(readdirSync(join(to, 'tree')).sort()).toEqual(['a', 'z']);
    expect(readFileSync(join(to, 'tree/z/last'), 'utf8')).toBe('z/last');
  });

  it('is nothing at all if only a part of a file can be read, or the directory itself cannot', async () => {
    writeFileSync(join(from, 'x'), 'whole');
    mkdirSync(join(from, 'd'));
    const failing: Run = async (program, args, options) =>
      program === 'cp'
        ? { status: 1, stdout: Buffer.alloc(0), stderr: "cp: error reading 'x': Input/output error" }
        : run(program, args, options);
    for (const name of ['x', 'd']) await expect(copy(name, {}, failing)).rejects.toThrow('it cannot be copied: Input/output error');
    expect(readdirSync(to)).toEqual([]);
  });

  it('is in a place that only we can enter until it is whole', async () => {
    writeFileSync(join(from, 'secret'), 'secret');
    chmodSync(join(from, 'secret'), 0o644);
    chmodSync(to, 0o2777);
    if (missing('acl') === false) tool('setfacl', '-d', '-m', 'o::rwx,g::rwx', to);
    const modes: string[] = [];
    await copy('secret', {}, (program, args, options) => {
      modes.push(
        ...readdirSync(to).map(
          (name) => `${name.replace(/-\d+-[0-9a-f]{12}$/, '-PID-RANDOM')} ${(lstatSync(join(to, name)).mode & 0o777).toString(8)}`,
        ),
      );
      return run(program, args, options);
    });
    expect([...new Set(modes)]).toEqual(['.roots-restore-PID-RANDOM 700']);
  });
});

requires.root('copying to other filesystems', () => {
  it('without space the old file stays, and nothing else', async () => {
    const tmpfs = mountTmpfs(join(scratch.path, 'small'), 1);
    try {
      to = tmpfs.path;
      writeFileSync(join(to, 'x'), 'old');
      writeFileSync(join(from, 'x'), Buffer.alloc(3 << 20, 1));
      await expect(copy('x', { replace: true })).rejects.toThrow('No space left on device');
      expect(readdirSync(to)).toEqual(['x']);
      expect(readFileSync(join(to, 'x'), 'utf8')).toBe('old');
    } finally {
      tmpfs.close();
    }
  });

  it('what the filesystem has no place for is told, and the rest is copied', async () => {
    const at = join(scratch.path, 'ramfs');
    mkdirSync(at);
    tool('mount', '-t', 'ramfs', 'roots-test', at);
    try {
      to = at;
      writeFileSync(join(from, 'x'), 'content');
      tool('setfattr', '-n', 'user.note', '-v', 'x', join(from, 'x'));
      chownSync(join(from, 'x'), 1000, 1000);
      utimesSync(join(from, 'x'), 1e9, 1e9);
      const { lost } = await copy('x');
      expect(lost).toHaveLength(1);
      expect(lost[0]).toContain('Operation not supported');
      expect(readFileSync(join(to, 'x'), 'utf8')).toBe('content');
      expect(lstatSync(join(to, 'x'))).toMatchObject({ uid: 1000, gid: 1000, mtimeMs: 1e12 });
      expect(readdirSync(to)).toEqual(['x']);
    } finally {
      tool('umount', at);
    }
  });

  it('a mount point is not replaced', async () => {
    writeFileSync(join(from, 'x'), 'new');
    writeFileSync(join(to, 'x'), 'old');
    tool('mount', '--bind', join(to, 'x'), join(to, 'x'));
    try {
      await expect(copy('x', { replace: true })).rejects.toThrow('x is a mount point');
    } finally {
      tool('umount', join(to, 'x'));
    }
    expect(readdirSync(to)).toEqual(['x']);
  });
});

describe('what a killed run leaves', () => {
  const COPIER = fileURLToPath(new URL('./staged-copier.ts', import.meta.url));

  it('is the old file or the whole new one, and staging that the next run removes', async () => {
    writeFileSync(join(from, 'x'), Buffer.alloc(200_000, 'new!'));
    const seen = new Set<string>();
    for (let killAt = 1; ; killAt += 1) {
      writeFileSync(join(to, 'x'), 'old');
      const copier = start(process.execPath, ['--import', 'tsx', COPIER, from, to, 'x', String(killAt)]);
      const { signal, status } = await copier.gone;
      expect(signal === 'SIGKILL' || status === 0, copier.output()).toBe(true);
      seen.add(readFileSync(join(to, 'x'), 'utf8') === 'old' ? 'old' : 'new');
      expect([3, 200_000]).toContain(lstatSync(join(to, 'x')).size);
      // What it had started may go on for a moment.
      await until('cp to end', () =>
        tool('ps', '-eo', 'args')
          .split('\n')
          .every((line) => !line.includes(`/proc/${String(copier.pid)}/fd`)),
      );
      await sweep();
      expect(readdirSync(to)).toEqual(['x']);
      if (signal === null) break;
    }
    expect([...seen].sort()).toEqual(['new', 'old']);
  });

  it('is swept only if it is a directory of ours whose run is gone', async () => {
    const gone = start('true', []);
    await gone.gone;
    const name = (pid: number, rest: string): string => `.roots-restore-${String(pid)}-${Buffer.from(rest.padEnd(6)).toString('hex')}`;
    const stay = [
      name(process.pid, '1'),
      name(gone.pid, 'open'),
      name(gone.pid, 'file'),
      name(gone.pid, 'link'),
      '.roots-restore-x-1',
      `.roots-restore-${String(gone.pid)}-ours`,
      name(gone.pid, 'full'),
      '.roots-restore-',
    ];
    for (const each of stay.filter((other) => ![name(gone.pid, 'file'), name(gone.pid, 'link')].includes(other)))
      mkdirSync(join(to, each), { mode: 0o700 });
    chmodSync(join(to, name(gone.pid, 'open')), 0o755);
    // Somebody who owns the directory around it can give any directory in it such a name.
    writeFileSync(join(to, name(gone.pid, 'full'), 'precious'), '');
    writeFileSync(join(to, name(gone.pid, 'file')), '');
    symlinkSync(from, join(to, name(gone.pid, 'link')));
    if (missing('root') === false) {
      stay.push(name(gone.pid, 'theirs'));
      mkdirSync(join(to, name(gone.pid, 'theirs')), { mode: 0o700 });
      chownSync(join(to, name(gone.pid, 'theirs')), 1000, 1000);
    }
    mkdirSync(join(to, name(gone.pid, '2')), { mode: 0o700 });
    // What it was about to take its place with, too.
    for (const made of ['copy', 'link']) writeFileSync(join(to, name(gone.pid, '2'), made), '');
    writeFileSync(join(from, 'kept'), '');
    await sweep();
    expect(readdirSync(to).sort()).toEqual(stay.sort());
    expect(readdirSync(from)).toEqual(['kept']);
    expect(readdirSync(join(to, name(gone.pid, 'full')))).toEqual(['precious']);
  });
});

it('bytes that are not UTF-8 are the same at the other end', async () => {
  const name = fromBytes(Buffer.from([0xff, 0x20, 0x0a, 0x27, 0xfe]));
  writeFileSync(toBytes(`${from}/${name}` as BytePath), 'x');
  await copy(name);
  expect(readdirSync(to, { encoding: 'latin1' })).toEqual([name]);
});
