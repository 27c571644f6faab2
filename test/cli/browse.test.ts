/** `roots browse` on a pseudo-terminal: from the question which old root to the file that is there again, and the way back from each step. */
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fromText, joinPath, printable, toBytes } from '../../src/byte-path.ts';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { ODD_NAMES } from '../fixtures/special-files.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Failure } from './contracts.ts';
import { KEYS, onTerminal, type TerminalOptions } from './on-terminal.ts';
import { roots, traces, writeConfig, writeDirectoryConfig } from './roots.ts';

type Answers = NonNullable<TerminalOptions['answers']>;

const { enter, down, up, escape, ctrlC, backspace, tab } = KEYS;
const ROOTS = /[Ww]hich old root\?[^]* ago/;
const TOP = /‹ back to the old roots/;
const MENU = /Preview/;
const WHERE = /where it was:/;
const CONFIRM = /Restore this(?:, replacing what exists)?\?/;
const NEXT = /What now\?/;

const into = (name: string): Answers => [
  { when: ROOTS, type: name },
  { when: new RegExp(`root:${name}`), type: enter },
];
const find = (words: string, shown: RegExp, at = TOP): Answers => [
  { when: at, type: words },
  { when: shown, type: enter },
];
/** The menu of what is not on the live root has no comparison. */
const RESTORE: Answers[number] = { when: MENU, type: `${down}${down}${enter}` };
const RESTORE_OVER: Answers[number] = { when: MENU, type: `${down}${down}${down}${enter}` };
const YES: Answers = [
  { when: CONFIRM, type: `y${enter}` },
  { when: NEXT, type: `${down}${enter}` },
];
const QUIT: Answers[number] = { when: MENU, type: ctrlC };

/** What was to be seen, line by line: wherever the cursor was moved to, another line began. */
function linesOf(output: string): string[] {
  return stripVTControlCharacters(output.replaceAll(/\u001b\[\d*[A-HJKf]/g, '\n')).split(/[\r\n]+/);
}

requires.btrfs('roots browse on btrfs', () => {
  let field: FieldArchive;
  let config: string;
  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), odd: { future: false } });
    config = writeConfig(field, '');
  });
  afterAll(() => field.close());

  it('has a lost file back, and leaves nothing mounted', async () => {
    const { path, boot, sha256 } = field.lostFile;
    const lost = join(field.sysroot, path);
    rmSync(lost, { force: true });
    const before = traces(field.device, field.scratch);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const { status, output } = await onTerminal(['browse', '--config', config], {
      columns: 80,
      rows: 24,
      answers: [...into(boot), ...find(name.slice(0, 6), new RegExp(`/${name}`)), RESTORE, { when: WHERE, type: enter }, ...YES],
    });
    expect(stripVTControlCharacters(output)).toContain('1 item restored.');
    expect(status).toBe(0);
    expect(createHash('sha256').update(readFileSync(lost)).digest('hex')).toBe(sha256);
    expect(traces(field.device, field.scratch)).toEqual(before);
  });

  it('lists the old roots by when they were', async () => {
    const { output } = await onTerminal(['browse', '--config', config], { answers: [{ when: ROOTS, type: ctrlC }] });
    expect(stripVTControlCharacters(output)).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d {2}\d+ \w+ ago/);
  });

  it('leaves nothing mounted at Ctrl-C', async () => {
    const before = traces(field.device, field.scratch);
    const { status } = await onTerminal(['browse', 'latest', '--config', config], { answers: [{ when: TOP, type: ctrlC }] });
    expect(status).toBe(130);
    expect(traces(field.device, field.scratch)).toEqual(before);
  });
});

describe('roots browse on plain directories', () => {
  let directory: DirectoryArchive;
  let config: string[];
  let newest: string;
  let special: string;
  let lost: { readonly root: string; readonly live: string };
  beforeAll(async () => {
    directory = await buildDirectoryArchive({ now: new Date() });
    config = ['--config', writeDirectoryConfig(directory, '')];
    newest = directory.roots.at(-1)!.name;
    special = directory.roots.find((root) => root.special)!.name;
    lost = { root: directory.lostFile.root, live: join(directory.live, directory.lostFile.path) };
    const shown = join(directory.archive, lost.root, 'srv/shown');
    mkdirSync(shown, { recursive: true });
    writeFileSync(join(shown, 'notes.txt'), 'first line\n\tsecond\u001b[2J line\n');
    writeFileSync(join(shown, 'blob.bin'), Buffer.from([0, 1, 2, 0x41, 0x42, 0xff]));
    writeFileSync(join(shown, 'dot.gif'), Buffer.from('GIF89a\x40\x01\xf0\x00', 'latin1'));
    tool('mkfifo', join(shown, 'pipe'));
    tool('ln', '-s', '/etc/passwd', join(shown, 'link'));
  });
  afterAll(() => directory.close());
  beforeEach(() => rmSync(lost.live, { force: true }));

  const browse = async (answers: Answers, options: TerminalOptions & { readonly args?: readonly string[] } = {}) => {
    const { status, output } = await onTerminal(['browse', ...(options.args ?? []), ...config], { ...options, answers });
    return { status, output, text: stripVTControlCharacters(output) };
  };
  const toLost: Answers = find('thesis draft', /thesis-draft\.txt/);

  it('has a lost file back', async () => {
    const { status } = await browse([...into(lost.root), ...toLost, RESTORE, { when: WHERE, type: enter }, ...YES]);
    expect(status).toBe(0);
    expect(readFileSync(lost.live, 'utf8')).toBe('The only copy there is.\n');
  });

  it('is walked as well as searched', async () => {
    const { status } = await browse(
      [
        { when: TOP, type: 'home' },
        { when: /\/home\//, type: enter },
        { when: /‹ back to \//, type: enter },
        { when: /‹ back to \/home/, type: 'Documents' },
        { when: /\/home\/alice\/Documents\//, type: enter },
        { when: /‹ back to \/home\/alice\r[^]*thesis-draft\.txt/, type: enter },
        RESTORE,
        { when: WHERE, type: enter },
        ...YES,
      ],
      { args: [lost.root] },
    );
    expect(status).toBe(0);
    expect(existsSync(lost.live)).toBe(true);
  });

  it.each([
    ['Escape', escape],
    ['Ctrl-D', KEYS.ctrlD],
    ['the line that says so', `${down.repeat(5)}${enter}`],
  ])('has a way back at each step: %s', async (_, back) => {
    const before = directory.snapshotState();
    const { status } = await browse(
      [
        ...into(lost.root),
        ...toLost,
        RESTORE,
        { when: WHERE, type: enter },
        { when: CONFIRM, type: back.startsWith(down) ? escape : back },
        { when: WHERE, type: back },
        { when: MENU, type: back },
        // What was typed first, then the directory, then the root.
        { when: /❯ \/home\/alice\/Documents\/thesis-draft\.txt/, type: escape },
        { when: TOP, type: escape },
        { when: ROOTS, type: escape },
      ],
      {},
    );
    expect(status).toBe(0);
    expect(directory.snapshotState()).toEqual(before);
  });

  it('takes back what is typed, and the tabulator harms nothing', async () => {
    const { status } = await browse(
      [
        { when: TOP, type: 'nothing-is-called-so' },
        { when: /No results/, type: backspace.repeat('nothing-is-called-so'.length) },
        { when: TOP, type: 'thesis' },
        { when: /thesis-draft\.txt/, type: tab },
        { when: /thesis-draft\.txt/, type: enter },
        { when: MENU, type: `${down}${down}${down}${up}${enter}` },
        { when: WHERE, type: enter },
        ...YES,
      ],
      { args: [lost.root] },
    );
    expect(status).toBe(0);
    expect(existsSync(lost.live)).toBe(true);
  });

  it.each([
    ['notes.txt', /notes\.txt: text\n\s*first line\n\s{8,}second\\e\[2J line/],
    ['blob.bin', /blob\.bin: binary\n\s*00000000 {2}00 01 02 41 42 ff .* {2}\.\.\.AB\./],
    ['dot.gif', /dot\.gif: GIF image, 320 × 240 pixels/],
    ['pipe', /pipe: FIFO/],
    ['link', /link: symbolic link to \/etc\/passwd/],
  ])('shows what %s is', async (name, expected) => {
    const { status, text, output } = await browse(
      [
        ...find(`shown ${name}`, new RegExp(`/srv/shown/${name}`)),
        { when: MENU, type: enter },
        { when: new RegExp(`${name}: [^]*Preview`), type: ctrlC },
      ],
      { args: [lost.root] },
    );
    expect(text.replaceAll('\r', '')).toMatch(expected);
    expect(output).not.toContain('second\u001b[2J');
    expect(status).toBe(130);
  });

  it('shows what is in a directory, and restores one as a whole', async () => {
    const destination = join(directory.path, 'rescued');
    mkdirSync(destination);
    const { status, text } = await browse(
      [
        ...find('shown', /\/srv\/shown\//),
        { when: /this directory as a whole/, type: `${up}${enter}` },
        { when: MENU, type: enter },
        { ...RESTORE, when: /shown: directory[^]*Preview/ },
        { when: /another place/, type: `${down}${enter}` },
        { when: /A directory to put it in/, type: `${destination}${enter}` },
        ...YES,
      ],
      { args: [lost.root] },
    );
    expect(text).toMatch(/\/srv\/shown: directory/);
    expect(status).toBe(0);
    expect(readdirSync(join(destination, 'shown')).sort()).toEqual(['blob.bin', 'dot.gif', 'link', 'notes.txt', 'pipe']);
    rmSync(destination, { recursive: true });
  });

  describe('where something is there', () => {
    const toConflict = (choice: string): Answers => [
      ...find('thesis draft', /thesis-draft\.txt/),
      RESTORE_OVER,
      { when: WHERE, type: enter },
      { when: /is there already, and differs/, type: choice },
    ];
    beforeEach(() => writeFileSync(lost.live, 'mine\n'));
    afterEach(() => rmSync(`${lost.live}.~1~`, { force: true }));

    it('leaves it', async () => {
      const { status, text } = await browse([...toConflict(enter), QUIT], { args: [lost.root] });
      expect(text).toContain('Nothing was changed.');
      expect([status, readFileSync(lost.live, 'utf8')]).toEqual([130, 'mine\n']);
    });

    it('overwrites it, and keeps a backup', async () => {
      const { status } = await browse([...toConflict(`${down}${enter}`), ...YES], { args: [lost.root] });
      expect([status, readFileSync(lost.live, 'utf8')]).toEqual([0, 'The only copy there is.\n']);
      expect(readFileSync(`${lost.live}.~1~`, 'utf8')).toBe('mine\n');
    });

    it('overwrites it', async () => {
      const { status } = await browse([...toConflict(`${down}${down}${enter}`), ...YES], { args: [lost.root] });
      expect([status, readFileSync(lost.live, 'utf8')]).toEqual([0, 'The only copy there is.\n']);
      expect(existsSync(`${lost.live}.~1~`)).toBe(false);
    });

    it('goes back from that question', async () => {
      const { status } = await browse([...toConflict(escape), { when: WHERE, type: ctrlC }], { args: [lost.root] });
      expect([status, readFileSync(lost.live, 'utf8')]).toEqual([130, 'mine\n']);
    });

    it('shows how it differs', async () => {
      const { text } = await browse(
        [...find('thesis draft', /thesis-draft\.txt/), { when: MENU, type: `${down}${enter}` }, { when: /\+mine[^]*Preview/, type: ctrlC }],
        { args: [lost.root], env: { PAGER: 'cat' } },
      );
      expect(text.replaceAll('\r', '')).toMatch(/\n-The only copy there is\.\n\+mine\n/);
    });
  });

  it('goes to another version of a file', async () => {
    const { status, text } = await browse(
      [
        ...find('machine-id', /\/etc\/machine-id/),
        { when: MENU, type: `${down}${down}${enter}` },
        { when: /versions in 11 old roots/, type: `${down}${enter}` },
        { when: MENU, type: ctrlC },
      ],
      { args: [lost.root] },
    );
    expect(status).toBe(130);
    const titles = text.match(/\d{4}-\d\d-\d\d \d\d:\d\d, \d+ days ago {2}\/etc\/machine-id/g) ?? [];
    expect(new Set(titles).size).toBe(2);
  });

  it('ends with 130 at Ctrl-C at each step, and nothing has changed', async () => {
    const all: Answers = [
      ...into(lost.root),
      ...toLost,
      RESTORE,
      { when: /another place/, type: `${down}${enter}` },
      { when: /A directory to put it in/, type: `${join(directory.path, 'elsewhere')}${enter}` },
      { when: CONFIRM, type: enter },
    ];
    const before = directory.snapshotState();
    for (const at of all.keys()) {
      const { status, output } = await browse([...all.slice(0, at), { ...all[at]!, type: ctrlC }]);
      expect([at, status]).toEqual([at, 130]);
      // The cursor is seen again.
      expect(output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(output.lastIndexOf('\u001b[?25l'));
      expect(output).not.toMatch(/\bat .*\.js:\d/);
    }
    expect(directory.snapshotState()).toEqual(before);
    expect(existsSync(join(directory.path, 'elsewhere'))).toBe(false);
  });

  it('never prints an odd name as it is, and restores each', async () => {
    for (const name of ODD_NAMES) {
      const live = toBytes(joinPath(fromText(directory.live), name));
      rmSync(live, { force: true });
    }
    const at = 'home/alice/odd';
    const { status, output, text } = await browse(
      [
        ...find(at, /\/home\/alice\/odd\//),
        { when: /this directory as a whole/, type: `${up}${enter}` },
        { when: MENU, type: enter },
        { when: /odd: directory[^]*Preview/, type: ctrlC },
      ],
      { args: [newest] },
    );
    expect(status).toBe(130);
    expect(output).not.toContain('\u001b[31mred');
    expect(output).not.toContain('\u202e');
    for (const shown of ['\\e[31mred\\e[0m', 'line\\nbreak', 'caf\\xe9', '\\u{202e}']) expect(text).toContain(shown);
  });

  it.each([
    ['not UTF-8', ODD_NAMES.find((name) => name.endsWith('caf\xe9'))!, 'xe9'],
    ['with an escape sequence', ODD_NAMES.find((name) => name.includes('\u001b'))!, 'e[31mred'],
    ['with a line break', ODD_NAMES.find((name) => name.endsWith('line\nbreak'))!, 'nbreak'],
  ])('restores a name that is %s', async (_, name, typed) => {
    const live = toBytes(joinPath(fromText(directory.live), name));
    rmSync(live, { force: true });
    const shown = printable(name).replaceAll(/[\\[\]{}]/g, String.raw`\$&`);
    const { status } = await browse([...find(typed, new RegExp(shown)), RESTORE, { when: WHERE, type: enter }, ...YES], { args: [newest] });
    expect(status).toBe(0);
    expect(lstatSync(live).isFile()).toBe(true);
  });

  it.each([
    [80, 24],
    [140, 40],
    [50, 15],
  ])('fits on a screen of %i columns and %i lines', async (columns, rows) => {
    const { output } = await browse(
      [
        ...into(special),
        ...find('xxxx', /xxxxxx/),
        { when: MENU, type: escape },
        { when: /❯ [^\n]*xxxx/, type: escape },
        { when: TOP, type: 'odd' },
        { when: /\/home\/alice\/odd\//, type: enter },
        { when: /this directory as a whole/, type: ctrlC },
      ],
      { columns, rows },
    );
    expect(Math.max(...linesOf(output).map((line) => line.length))).toBeLessThanOrEqual(columns);
  });

  it('says that a root has gone meanwhile, and shows the others', async () => {
    const { name } = directory.roots[1]!;
    const [root, gone] = [join(directory.archive, name), join(directory.path, 'gone')];
    const remove = (): string => {
      renameSync(root, gone);
      return enter;
    };
    try {
      const { status } = await browse(
        [
          { when: TOP, type: remove },
          { when: /is not there any more: it was removed or renamed meanwhile[^]*Which old root\?[^]* ago/, type: escape },
        ],
        { args: [name] },
      );
      expect(status).toBe(0);
    } finally {
      renameSync(gone, root);
    }
  });

  it('answers in a root of 100,000 paths', async () => {
    const many = join(directory.archive, directory.roots[2]!.name, 'srv/many');
    mkdirSync(many, { recursive: true });
    tool(
      'sh',
      '-c',
      `cd '${many}' && for d in $(seq 100); do mkdir $d; done && seq 100000 | awk '{ print $1 % 100 + 1 "/file-" $1 }' | xargs touch`,
    );
    const { status } = await browse(
      [
        { when: TOP, type: 'file-77777' },
        { when: /\/srv\/many\/78\/file-77777/, type: backspace.repeat(4) },
        { when: /the best of 11,111 paths/, type: ctrlC },
      ],
      { args: [directory.roots[2]!.name] },
    );
    expect(status).toBe(130);
  });

  it.each([
    [[], 'there is no terminal to ask on'],
    [['--json'], 'with --json nothing is asked'],
  ])('asks nothing without a terminal (%j), and names what does the same', async (more, message) => {
    const { status, stdout, stderr } = await roots(['browse', ...more, ...config]);
    expect(status).toBe(2);
    const said = more.length === 0 ? stderr : JSON.stringify((JSON.parse(stdout) as Failure).error);
    for (const part of [message, 'roots find', 'roots restore PATH --from ROOT --yes']) expect(said.replaceAll('\n', ' ')).toContain(part);
  });

  it('knows no root that is not there', async () => {
    const { status } = await browse([], { args: ['no-such-root'] });
    expect(status).toBe(10);
  });
});
