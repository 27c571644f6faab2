import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { SendReader, UnknownStream, type SendCommand } from '../../../src/diff/send/stream.ts';
import { TouchedPaths } from '../../../src/diff/send/touched.ts';
import type { Candidates } from '../../../src/diff/candidates.ts';

const [PATH, PATH_TO, PATH_LINK, DATA] = [15, 16, 17, 19];
const END = 21;

function attribute(type: number, value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const header = Buffer.alloc(4);
  header.writeUInt16LE(type, 0);
  header.writeUInt16LE(bytes.length, 2);
  return Buffer.concat([header, bytes]);
}

function command(number: number, ...attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat(attributes);
  const header = Buffer.alloc(10);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt16LE(number, 4);
  return Buffer.concat([header, body]);
}

function stream(version: number, ...commands: readonly Buffer[]): Buffer {
  const header = Buffer.from('btrfs-stream\0\0\0\0\0', 'latin1');
  header.writeUInt32LE(version, 13);
  return Buffer.concat([header, ...commands]);
}

function read(bytes: Buffer, size = bytes.length): SendCommand[] {
  const commands: SendCommand[] = [];
  const reader = new SendReader((each) => commands.push(each));
  for (let at = 0; at < bytes.length; at += size) reader.add(bytes.subarray(at, at + size));
  reader.end();
  return commands;
}

const path = (text: string): Buffer => attribute(PATH, text);

describe('SendReader', () => {
  const whole = stream(
    1,
    command(2, path('snapshot')),
    command(3, path('o257-7-0')),
    command(9, path('o257-7-0'), attribute(PATH_TO, 'caf\xe9')),
    command(4, path('d')),
    command(10, path('d/again'), attribute(PATH_LINK, 'caf\xe9')),
    command(8, path('l'), attribute(PATH_LINK, 'target')),
    command(15, path('w'), attribute(18, '12345678'), attribute(DATA, 'content')),
    command(12, path('gone')),
    command(20, path('')),
    command(END),
  );
  const said = [
    { kind: 'make', path: 'o257-7-0', isDirectory: false },
    { kind: 'rename', path: 'o257-7-0', to: 'caf\xe9' },
    { kind: 'make', path: 'd', isDirectory: true },
    { kind: 'link', path: 'd/again' },
    { kind: 'make', path: 'l', isDirectory: false },
    { kind: 'touch', path: 'w' },
    { kind: 'remove', path: 'gone' },
    { kind: 'touch', path: '' },
  ];

  it('understands all commands, in pieces of any size', () => {
    for (const size of [whole.length, 1, 7, 64]) expect(read(whole, size)).toEqual(said);
  });

  it('understands version 2, where data has no length', () => {
    const data = Buffer.concat([Buffer.from([DATA, 0]), Buffer.alloc(100_000, 0xff)]);
    for (const number of [15, 23, 24, 25])
      expect(read(stream(2, command(number, path('w'), data), command(END)))).toEqual([{ kind: 'touch', path: 'w' }]);
  });

  it('guesses at nothing', () => {
    for (const [why, bytes] of [
      ['does not begin', Buffer.from('something else, and long enough')],
      ['version is 3', stream(3, command(END))],
      ['number 26', stream(1, command(26, path('verity')), command(END))],
      ['cut short', whole.subarray(0, whole.length - 1)],
      ['cut short', stream(1, command(3, path('no end')))],
      ['after its end', stream(1, command(END), command(3, path('more')))],
      ['an attribute is cut short', stream(1, command(3, path('name').subarray(0, 6)), command(END))],
      ['has no path', stream(1, command(9, path('only one')), command(END))],
    ] as const) {
      expect(() => read(bytes), why).toThrow(UnknownStream);
      expect(() => read(bytes)).toThrow(why);
    }
  });
});

describe('TouchedPaths', () => {
  const commands: Readonly<Record<string, (a: string, b?: string) => SendCommand>> = {
    mkdir: (a) => ({ kind: 'make', path: fromText(a), isDirectory: true }),
    mkfile: (a) => ({ kind: 'make', path: fromText(a), isDirectory: false }),
    mv: (a, b = '') => ({ kind: 'rename', path: fromText(a), to: fromText(b) }),
    ln: (a) => ({ kind: 'link', path: fromText(a) }),
    rm: (a) => ({ kind: 'remove', path: fromText(a) }),
    touch: (a) => ({ kind: 'touch', path: fromText(a) }),
  };
  function after(...lines: readonly string[]): { paths: string[]; touched: string[] } {
    const all = new TouchedPaths();
    for (const line of lines) {
      const [word = '', a = '', b] = line.split(' ');
      all.add(commands[word]!(a, b));
    }
    const { candidates, touched } = all.result();
    return { paths: pathsOf(candidates).sort(), touched: [...touched].sort() };
  }
  /** Those with all that is below them end in a slash. */
  function pathsOf({ whole, below }: Candidates, at = ''): string[] {
    if (whole) return [`${at}/`];
    if (below.size === 0) return at === '' ? [] : [at];
    return [...below].flatMap(([name, each]) => pathsOf(each, at === '' ? name : `${at}/${name}`));
  }

  it('knows what something is called in the end, by whatever name it was made', () => {
    expect(after('mkfile o257-7-0', 'mv o257-7-0 etc/new', 'touch etc/new', 'touch etc').paths).toEqual(['etc/new/']);
    expect(after('touch etc/passwd').paths).toEqual(['etc/passwd']);
  });

  it('says both names of what has moved, and follows it', () => {
    expect(after('mv a b', 'touch b/c').paths).toEqual(['a/', 'b/']);
    expect(after('mv a o1', 'mv b a', 'mv o1 b').paths).toEqual(['a/', 'b/']);
    expect(after('mv a/b o1', 'rm o1/c', 'rm o1').paths).toEqual(['a/b/']);
  });

  it('does not take for a change what is back in its place', () => {
    expect(after('mv a o1', 'mv o1 a').paths).toEqual(['a/']);
    expect(after('mkfile o1', 'rm o1').paths).toEqual([]);
  });

  it('keeps what was there before in a new directory, under all its names', () => {
    const { paths, touched } = after(
      'mkdir o1',
      'mv o1 new',
      'ln new/again',
      'mv old new/moved',
      'touch new/again',
      'mkfile new/f',
      'touch new/f',
    );
    expect(paths).toEqual(['new/', 'old/']);
    expect(touched).toEqual(['new/again']);
  });

  it('is told by what cannot be that it has lost its way', () => {
    expect(() => after('rm a', 'touch a')).toThrow(UnknownStream);
    expect(() => after('touch a', 'mkfile a')).toThrow(UnknownStream);
  });
});
