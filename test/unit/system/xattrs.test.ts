import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromBytes, fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { Unreadable } from '../../../src/diff/tree.ts';
import { RootsError } from '../../../src/errors.ts';
import { run, type Run } from '../../../src/system/run.ts';
import { parseGetfattr, readXattrs } from '../../../src/system/xattrs.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'roots-xattrs-'));
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

/** Every byte that a name may have, and what getfattr's own format is made of. */
const NAMES = [
  ...Array.from({ length: 255 }, (_, index) => `b${String.fromCharCode(index + 1)}`).filter((name) => name !== 'b/'),
  '# file: x',
  'a\n\n# file: y',
  'user.a=0x00',
  '-h',
  '\\012',
] as BytePath[];

describe('readXattrs', () => {
  it('finds the attributes of every name, in order, and none where there are none', async () => {
    const paths = NAMES.map((name) => `${folder}/${name}` as BytePath);
    for (const [index, file] of paths.entries()) fs.writeFileSync(toBytes(file), String(index));
    const attribute = (file: BytePath, name: string, value: string): void => {
      const args = Buffer.concat([Buffer.from(`-h\0-n\0${name}\0-v\0${value}\0--\0`, 'latin1'), toBytes(file)]);
      execFileSync('xargs', ['-0', 'setfattr'], { input: args });
    };
    for (const [index, file] of paths.entries()) if (index % 3 !== 0) attribute(file, 'user.n', `0x${index.toString(16).padStart(4, '0')}`);
    attribute(paths[0] ?? fromText(''), 'user.a=b\\c\nd\xff', '0x00ff');
    attribute(paths[3] ?? fromText(''), 'user.empty', '""');

    const found = await readXattrs(run, paths);
    const expected = paths.map((_, index) => new Map(index % 3 === 0 ? [] : [['user.n', index.toString(16).padStart(4, '0')]]));
    expected[0] = new Map([['user.a=b\\c\nd\xff', '00ff']]);
    expected[3] = new Map([['user.empty', '']]);
    expect(found).toEqual(expected);
  });

  it('singles out what is gone, and does not take it for a file without attributes', async () => {
    const paths = Array.from({ length: 40 }, (_, index) => fromText(`${folder}/v${String(index)}`));
    for (const [index, file] of paths.entries()) if (index !== 17) fs.writeFileSync(toBytes(file), '');
    const found = await readXattrs(run, paths);
    expect(found.filter((one) => one instanceof Unreadable)).toHaveLength(1);
    expect(found[17]).toMatchObject({ why: 'vanished while it was read' });
  });

  it('starts one program for many paths, and more only where arguments would get too long', async () => {
    const calls: number[] = [];
    const counting: Run = (_program, args) => {
      calls.push(args.length);
      return Promise.resolve({ status: 0, stdout: Buffer.alloc(0), stderr: '' });
    };
    await readXattrs(
      counting,
      Array.from({ length: 2000 }, (_, index) => fromText(`/short/${String(index)}`)),
    );
    expect(calls).toHaveLength(1);
    calls.length = 0;
    await readXattrs(
      counting,
      Array.from({ length: 500 }, (_, index) => fromText(`/${'long'.repeat(700)}${String(index)}`)),
    );
    expect(calls).toHaveLength(4);
  });

  it('tells a missing program from an unreadable file', async () => {
    const missing: Run = () => Promise.reject(new RootsError('unsupported', 'the program `getfattr` is not installed'));
    await expect(readXattrs(missing, [fromText('/x')])).rejects.toMatchObject({ kind: 'unsupported' });
    const through =
      (status: number): Run =>
      () =>
        Promise.resolve({ status, stdout: Buffer.alloc(0), stderr: '' });
    await expect(readXattrs(through(127), [fromText('/x')])).rejects.toMatchObject({ kind: 'unsupported' });
    await expect(readXattrs(through(126), [fromText('/x')])).rejects.toMatchObject({ kind: 'not-permitted' });
    await expect(readXattrs(through(1), [fromText('/x')])).resolves.toMatchObject([
      { why: 'its extended attributes cannot be read (getfattr exited with 1)' },
    ]);
  });
});

describe('parseGetfattr', () => {
  it('decodes names exactly', () => {
    const output = Buffer.from('# file: /a\\012\\134\xff\nuser.x\\075=0x\ntrusted.y=0x0aff\n\n# file: /b\nuser.z=0x00\n\n', 'latin1');
    expect(parseGetfattr(output)).toEqual(
      new Map([
        [
          fromBytes(Buffer.from('/a\n\\\xff', 'latin1')),
          new Map([
            ['user.x=', ''],
            ['trusted.y', '0aff'],
          ]),
        ],
        ['/b', new Map([['user.z', '00']])],
      ]),
    );
    expect(parseGetfattr(Buffer.alloc(0)).size).toBe(0);
  });

  it.each([
    'user.a=0x00\n\n',
    '# file: /a\nuser.a=0x00\n',
    '# file: /a\nuser.a="text"\n\n',
    '# file: /a\nuser.a=0x0\n\n',
    '# file: /a\nuser.a\n\n',
    '# file: /a\n\n',
    '# file: /a\\9\nuser.a=0x00\n\n',
    '# file: /a\nuser.a=0x00\n\n# file: /a\nuser.a=0x00\n\n',
    'getfattr: oops\n',
  ])('refuses what it does not expect: %j', (output) => {
    expect(() => parseGetfattr(Buffer.from(output))).toThrow(/^the output of getfattr is not understood/);
  });

  it('refuses files that were not asked for', async () => {
    const other: Run = () => Promise.resolve({ status: 0, stdout: Buffer.from('# file: /b\nuser.a=0x00\n\n'), stderr: '' });
    await expect(readXattrs(other, [fromText('/a')])).rejects.toMatchObject({ kind: 'failed' });
  });
});
