import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBytes, fromText, isUtf8, toText, type BytePath } from '../../../src/byte-path.ts';
import { calendarEvent, commandLine, optionalPath, unitName } from '../../../src/units/value.ts';
import { requires } from '../../support/requirements.ts';
import { loadService } from './load-unit.ts';

const program = fromText('/bin/true');
const bytes = (...values: readonly number[]): BytePath => fromBytes(Buffer.from(values));

/** Words with much of what means something to systemd, a shell or a terminal, and bytes that are not UTF-8; never NUL, as in every argument. */
const special = fc.constantFrom(
  ...Array.from(' \t\n\r"\'\\%$;{}@-+!:|#[]=~?*'),
  '\u0001',
  '\u007f',
  'é',
  '\u0085',
  '\u2028',
  '\u202e',
  '\ufffe',
  '\ufdd0',
  '%n',
  '${HOME}',
  '\\x41',
);
const textWord = fc.array(fc.oneof(special, fc.string({ unit: 'grapheme' })), { maxLength: 12 }).map((parts) => fromText(parts.join('')));
const byteWord = fc.uint8Array({ min: 1, maxLength: 12 }).map(fromBytes);
const word = fc.oneof(textWord, byteWord).filter((path) => !path.includes('\u0000'));

requires.systemd('systemd reads back', () => {
  it('every argument byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(word, { maxLength: 4 }), { minLength: 1, maxLength: 40 }), async (calls) => {
        const lines = calls.map((args) => `ExecStart=${commandLine([program, ...args])}`);
        const { commands } = await loadService(`[Service]\nType=oneshot\n${lines.join('\n')}\n`);
        expect(commands).toEqual(calls.map((args) => [program, ...args].map((arg) => arg.replaceAll('$', '$$$$'))));
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  it('the path of the program', async () => {
    const strange = fromText('/bin/with space%n$HOME{}#;~é');
    const { commands } = await loadService(`[Service]\nType=oneshot\nExecStart=${commandLine([strange])}\n`);
    expect(commands).toEqual([[strange]]);
  });

  it('paths in a list', async () => {
    const path = fc
      .array(fc.oneof(special, fc.string({ unit: 'grapheme' })), { minLength: 1, maxLength: 12 })
      // What is no path of a file as it is, systemd puts in order.
      .map((parts) => fromText(`/a/x${parts.join('').replaceAll('/', '')}x`))
      // No name of a file is longer than 255 bytes, and systemd takes none.
      .filter((each) => each.length <= 250)
      .filter((each) => isUtf8(each) && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(toText(each)));
    await fc.assert(
      fc.asyncProperty(fc.array(path, { minLength: 1, maxLength: 10 }), async (paths) => {
        const { lines } = await loadService(
          `[Service]\nType=oneshot\nExecStart=/bin/true\nReadWritePaths=/run ${paths.map(optionalPath).join(' ')}\n`,
        );
        expect(lines).toContain(['ReadWritePaths: /run', ...paths.map((each) => `-${each}`)].join(' '));
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});

describe('a command line', () => {
  it.each([
    ['plain words stay plain', ['/usr/bin/node', '/opt/roots/bin/run.js', '--yes'], '/usr/bin/node /opt/roots/bin/run.js --yes'],
    ['spaces and quotes', ['/bin/a b', 'c "d" \\'], '"/bin/a b" "c \\"d\\" \\\\"'],
    ['specifiers and variables', ['/bin/%n$x', '%n', '$HOME', '${HOME}'], '"/bin/%%n$x" %%n "$$HOME" "$${HOME}"'],
    ['a command of its own', ['/bin/a', ';'], '/bin/a ";"'],
    ['nothing', ['/bin/a', ''], '/bin/a ""'],
    ['lines', ['/bin/a', 'b\nExecStart=/bin/evil'], '/bin/a "b\\x0aExecStart=/bin/evil"'],
  ])('%s', (_, words, line) => {
    const [first = '', ...rest] = words;
    expect(commandLine([fromText(first), ...rest.map(fromText)])).toBe(line);
  });

  it('has bytes that are not UTF-8', () => {
    expect(commandLine([program, bytes(0x61, 0xff, 0x24)])).toBe('/bin/true "a\\xff$$"');
  });

  it.each([
    fromText('/bin/a"b'),
    fromText("/bin/a'b"),
    fromText('/bin/a\\b'),
    fromText('/bin/a\nb'),
    fromText('bin/a'),
    bytes(0x2f, 0xff),
    fromText('/\ufffe'),
  ])('never has a program that systemd refuses: %j', (path) => {
    expect(() => commandLine([path])).toThrow(expect.objectContaining({ kind: 'usage' }));
  });
});

it.each([fromText('/a\nb'), fromText('/a\tb'), bytes(0x2f, 0xff), fromText('/\ufdd0')])('a list of paths cannot hold %j', (path) => {
  expect(() => optionalPath(path)).toThrow(expect.objectContaining({ kind: 'usage' }));
});

it.each(['daily', 'Sun 03:00', '*-*-* 04:30:00', 'Mon..Fri *-*-1,15 00/6:00:00.5 Europe/Berlin', '*-*~03', 'Mon *-*-* 04:00 Etc/GMT+5'])(
  'the calendar event %s is as it is written',
  (event) => {
    expect(calendarEvent(` ${event} `)).toBe(event);
  },
);

it.each(['', ' ', 'daily\nPersistent=true', 'a%n', 'x\\', '"daily"', '$x'])('%j is no calendar event', (event) => {
  expect(() => calendarEvent(event)).toThrow(expect.objectContaining({ kind: 'usage' }));
});

it.each([
  ['mail', 'mail.service'],
  ['mail.service', 'mail.service'],
  ['mail@%n.service', 'mail@%n.service'],
  ['mail@%n', 'mail@%n.service'],
  ['rescue.target', 'rescue.target'],
  ['a\\x2db', 'a\\x2db.service'],
])('%s names the unit %s', (written, name) => {
  expect(unitName(written)).toBe(name);
});

it.each(['', '.service', 'a b', 'a\nExecStart=/bin/evil', 'a/b', '@x', 'a\\', 'a%', `${'a'.repeat(250)}.target`])(
  '%j names no unit',
  (written) => {
    expect(() => unitName(written)).toThrow(expect.objectContaining({ kind: 'usage' }));
  },
);
