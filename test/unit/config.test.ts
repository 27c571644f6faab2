import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG, DEFAULT_FILE, distrust, parseConfig, readConfig, type Config } from '../../src/config.ts';
import { KEEP, PRUNE, TARGET, TOP_LEVEL } from '../../src/config/schema.ts';
import { RootsError } from '../../src/errors.ts';

const FILE = 'roots.toml';
const isRoot = process.geteuid?.() === 0;

async function failure(work: Promise<unknown>): Promise<RootsError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RootsError)) throw new Error(`expected a RootsError, got ${String(error)}`);
  return error;
}

/** The problems, without the name of the file; the heading of several is checked and left out. */
async function problems(text: string): Promise<string[]> {
  const error = await failure(parseConfig(text, FILE));
  expect(error.kind).toBe('usage');
  const lines = error.message.split('\n');
  if (lines.length > 1) expect(lines.shift()).toBe(`${FILE}: ${lines.length} problems`);
  return lines.map((line) => {
    expect(line.startsWith(`${FILE}:`)).toBe(true);
    return line.slice(FILE.length + 1);
  });
}

async function target(text: string): Promise<Config['targets'][number]> {
  const { targets } = await parseConfig(text, FILE);
  const [first] = targets;
  if (first === undefined || targets.length !== 1) throw new Error(`expected one target, got ${targets.length}`);
  return first;
}

describe('a sound file', () => {
  it('gives every key its place', async () => {
    const config = await parseConfig(
      `timezone = "Europe/Berlin"
       name_timezone = "America/New_York"
       [targets.root]
       backend = "btrfs"
       device = "/dev/disk/by-label/nixos"
       live = "root"
       blank = "/root-blank"
       archive = "@snapshots/old_roots"
       [targets.root.keep]
       last = 2
       hourly = 0
       daily = 7
       weekly = 4
       monthly = 6
       yearly = 1
       within = "1w"
       [targets.root.prune]
       max_age = "1y6m"
       [targets.home]
       backend = "directory"
       live = "/srv/home"
       blank = "/srv/blank"
       archive = "/srv/old_homes"`,
      FILE,
    );
    const zero = { years: 0, months: 0, weeks: 0, days: 0, hours: 0 };
    expect(config).toEqual({
      file: FILE,
      timezone: 'Europe/Berlin',
      nameTimezone: 'America/New_York',
      targets: [
        {
          name: 'root',
          backend: 'btrfs',
          device: '/dev/disk/by-label/nixos',
          live: 'root',
          blank: 'root-blank',
          archive: '@snapshots/old_roots',
          policy: {
            last: 2,
            hourly: 0,
            daily: 7,
            weekly: 4,
            monthly: 6,
            yearly: 1,
            within: { ...zero, weeks: 1, text: '1w' },
            maxAge: { ...zero, years: 1, months: 6, text: '1y6m' },
          },
        },
        { name: 'home', backend: 'directory', live: '/srv/home', blank: '/srv/blank', archive: '/srv/old_homes', policy: {} },
      ],
    });
  });

  it.each(['', '# nothing\n', '[targets]\n', '\ufefftargets = {}'])('%j is the default, but for its name', async (text) => {
    expect(await parseConfig(text, FILE)).toEqual({ ...DEFAULT_CONFIG, file: FILE });
  });

  it('leaves out what is not given, the floor too', async () => {
    expect(await target('[targets.root.keep]\ndaily = 7')).toStrictEqual({ name: 'root', policy: { daily: 7 } });
  });

  it('keeps the order of the file', async () => {
    const { targets } = await parseConfig('targets.z.keep.last = 1\ntargets.a.keep.last = 1\n[targets.m]', FILE);
    expect(targets.map(({ name }) => name)).toEqual(['z', 'a', 'm']);
  });

  it('takes btrfs from a device, and leaves an absolute archive alone to be detected', async () => {
    expect(await target('targets.root = { device = "/dev/sda2", archive = "/old_roots" }')).toStrictEqual({
      name: 'root',
      backend: 'btrfs',
      device: '/dev/sda2',
      archive: 'old_roots',
      policy: {},
    });
    expect(await target('targets.root.archive = "/persist/old_roots"')).toStrictEqual({
      name: 'root',
      archive: '/persist/old_roots',
      policy: {},
    });
  });

  it('takes a backend alone: the place is detected', async () => {
    expect(await target('targets.root.backend = "btrfs"')).toStrictEqual({ name: 'root', backend: 'btrfs', policy: {} });
  });

  it('reads the whole of TOML: dotted keys, inline tables, literal strings, hexadecimal numbers', async () => {
    const text = `targets.root.keep = { daily = 0x07, within = '''36h''' }\ntargets."root".prune."max_age" = "30d"`;
    expect(await target(text)).toMatchObject({ policy: { daily: 7, within: { text: '36h' }, maxAge: { text: '30d' } } });
  });
});

describe('syntax', () => {
  it.each([
    ['timezone = \n', '2:1: not valid TOML: Unspecified values are invalid'],
    ['a = 1\n  b = "x', '2:9: not valid TOML: Unterminated string constant'],
    ['timezone = "UTC"\r\n\r\ntimezone = "UTC"', '3:1: not valid TOML: Defining a key multiple times is invalid'],
    ['[targets.root]\n[targets.root]', '2:10: not valid TOML: Defining a key multiple times is invalid'],
    // Columns count characters, not UTF-16 units.
    ['timezone = "😀😀" ?', '1:17: not valid TOML: Unexpected character'],
    [`a = ${'['.repeat(3)}`, '1:8: not valid TOML: Unspecified values are invalid'],
  ])('%j', async (text, problem) => {
    expect(await problems(text)).toEqual([problem]);
  });

  it('is not slowed down by deep keys, and refuses them where they begin', async () => {
    expect(await problems(`a${'.a'.repeat(20_000)} = 1`)).toEqual(['1:1: unknown key `a`; a target is written `[targets.a]`']);
    expect(await problems('targets.root.keep.last.a.b.c.d.e = 1')).toEqual(['1:19: `last` must be a whole number, not a table']);
    expect(await problems('[targets.root.keep.last.a.b.c.d]\ne = 1')).toEqual(['1:20: `last` must be a whole number, not a table']);
    expect(await problems('targets.root.keep.last = {a={b={c={d={e=1}}}}}')).toEqual(['1:26: `last` must be a whole number, not a table']);
  });

  it('survives nesting that ends the stack of the parser', async () => {
    expect(await problems(`a = ${'['.repeat(20_000)}${']'.repeat(20_000)}`)).toEqual(['1:1: not a configuration: it is nested too deeply']);
  });
});

describe('keys', () => {
  it.each([
    ['timezon = "UTC"', '1:1: unknown key `timezon`; did you mean `timezone`?'],
    ['name-timezone = "UTC"', '1:1: unknown key `name-timezone`; did you mean `name_timezone`?'],
    ['colour = "red"', '1:1: unknown key `colour`'],
    ['[target.root]', '1:2: unknown key `target`; did you mean `targets`?'],
    ['[root]\n[root.keep]', '1:2: unknown key `root`; a target is written `[targets.root]`'],
    ['[targets.root]\nachive = "/a"', '2:1: unknown key `achive` in `[targets.root]`; did you mean `archive`?'],
    ['[targets.root.keep]\n\n  dialy = 3', '3:3: unknown key `dialy` in `[targets.root.keep]`; did you mean `daily`?'],
    ['[targets.root.prune]\nmaxAge = "3d"', '2:1: unknown key `maxAge` in `[targets.root.prune]`; did you mean `max_age`?'],
    ['targets.root.keep.dialy = 3', '1:19: unknown key `dialy` in `[targets.root.keep]`; did you mean `daily`?'],
    ['targets = { root = { keep = { Daily = 3 } } }', '1:31: unknown key `Daily` in `[targets.root.keep]`; did you mean `daily`?'],
    [
      '[targets.root.keep]\nmax_age = "3d"',
      '2:1: unknown key `max_age` in `[targets.root.keep]`; it belongs in the table `prune` of a target',
    ],
    ['[targets.root]\ndaily = 3', '2:1: unknown key `daily` in `[targets.root]`; it belongs in the table `keep` of a target'],
    [
      '[targets.root]\ntimezone = "UTC"',
      '2:1: unknown key `timezone` in `[targets.root]`; it belongs at the top of the file, before the first table',
    ],
    ['device = "/dev/sda"', '1:1: unknown key `device`; it belongs in a table `[targets.NAME]`'],
  ])('refuses %j', async (text, problem) => {
    expect(await problems(text)).toEqual([problem]);
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('knows no key by inheritance: %s', async (key) => {
    expect(await problems(`[targets.root.keep]\n${key} = 1`)).toEqual([`2:1: unknown key \`${key}\` in \`[targets.root.keep]\``]);
    expect(await problems(`${key}.polluted = 1`)).toEqual([`1:1: unknown key \`${key}\`; a target is written \`[targets.${key}]\``]);
    expect({}).not.toHaveProperty('polluted');
  });

  it.each([
    ['[diff]\nignore = []', '1:2: `diff` is not supported by this version yet'],
    ['[targets.home.rotate]\nslots = 7', '1:15: `rotate` is not supported by this version yet'],
    ['[targets.root]\ndataset = "rpool/root"', '2:1: `dataset` is not supported by this version yet'],
    ['[targets.root.prune]\ngrace = "1d"', '2:1: `grace` is not supported by this version yet'],
    ['[targets.root.prune]\nmin_free = "10%"', '2:1: `min_free` is not supported by this version yet'],
    ['targets.root.backend = "zfs"', '1:24: `backend` `zfs` is not supported by this version yet'],
    ['targets.root.backend = "bcachefs"', '1:24: `backend` `bcachefs` is not supported by this version yet'],
  ])('never ignores what is to come: %j', async (text, problem) => {
    expect(await problems(text)).toEqual([problem]);
  });
});

describe('types', () => {
  it.each([
    ['targets = 3', '1:11: `targets` must be a table, not a number'],
    ['[[targets]]\nroot = 3', '1:3: `targets` must be a table, not an array'],
    ['targets.root = "x"', '1:16: `root` must be a table, not text'],
    ['[[targets.root]]\n[targets.root.keep]\nlast = 1', '1:11: `root` must be a table, not an array'],
    ['targets.root.keep = 3', '1:21: `keep` must be a table, not a number'],
    ['targets.root.keep.daily = "3"', '1:27: `daily` must be a whole number, not text'],
    ['targets.root.keep.daily = 3.0', '1:27: `daily` must be a whole number, not a floating-point number'],
    ['targets.root.keep.daily = inf', '1:27: `daily` must be a whole number, not a floating-point number'],
    ['targets.root.keep.daily = true', '1:27: `daily` must be a whole number, not true'],
    ['targets.root.live = [1]\ntargets.root.archive = "/a"', '1:21: `live` must be text in quotes, not an array'],
    ['timezone = 2026-01-01', '1:12: `timezone` must be text in quotes, not a date or time'],
    ['targets.root.backend = {}', '1:24: `backend` must be text in quotes, not a table'],
    ['targets.root.prune.max_age = 30', '1:30: `max_age` must be a duration in quotes, such as `14d`, `36h` or `1y6m`, not a number'],
  ])('refuses %j', async (text, problem) => {
    expect(await problems(text)).toEqual([problem]);
  });
});

describe('values', () => {
  it.each([
    ['last = 0', '2:8: `last` must be at least 1: it is the floor that no other rule goes below'],
    ['last = -1', '2:8: `last` must be at least 1: it is the floor that no other rule goes below'],
    ['daily = -1', '2:9: `daily` must not be negative'],
    ['yearly = 100_001', '2:10: `yearly` must be at most 100000'],
    ['hourly = 99999999999999999999', '2:10: `hourly` must be at most 100000'],
    ['within = "2 weeks"', '2:10: `within` `2 weeks` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['within = "-1d"', '2:10: `within` `-1d` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['within = ""', '2:10: `within` `` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['within = "0d"', '2:10: `within` `0d` is no time at all; leave the key out to have no such limit'],
  ])('refuses keep.%s', async (line, problem) => {
    expect(await problems(`[targets.root.keep]\n${line}`)).toEqual([problem]);
  });

  it('accepts the largest and the smallest count', async () => {
    expect(await target('targets.root.keep = { last = 1, daily = 100000, weekly = -0 }')).toMatchObject({
      policy: { last: 1, daily: 100_000, weekly: 0 },
    });
  });

  it.each(['0', '0h', '0d0h'])('refuses a max_age of %s, which would mean everything', async (age) => {
    expect(await problems(`targets.root.prune.max_age = "${age}"`)).toEqual([
      `1:30: \`max_age\` \`${age}\` is no time at all; leave the key out to have no such limit`,
    ]);
  });

  it.each([
    ['Berlin', '; did you mean `Europe/Berlin`?'],
    ['Europe/Berlln', '; did you mean `Europe/Berlin`?'],
    ['utx', '; did you mean `UTC`?'],
    ['+02:00', '; write a name such as `Europe/Berlin`'],
    ['', '; write a name such as `Europe/Berlin`'],
    ['local time', '; write a name such as `Europe/Berlin`'],
  ])('refuses the time zone %j', async (zone, advice) => {
    expect(await problems(`timezone = "${zone}"`)).toEqual([`1:12: \`timezone\` \`${zone}\` is not a time zone${advice}`]);
    expect(await problems(`name_timezone = "${zone}"`)).toEqual([`1:17: \`name_timezone\` \`${zone}\` is not a time zone${advice}`]);
  });

  it.each(['UTC', 'Europe/Berlin', 'Etc/GMT-2', 'Asia/Kolkata'])('accepts the time zone %s', async (zone) => {
    expect(await parseConfig(`timezone = "${zone}"`, FILE)).toMatchObject({ timezone: zone });
  });

  it('refuses an unknown backend, and does not judge the paths by a guess', async () => {
    const text = '[targets.root]\nbackend = "brtfs"\narchive = "old"';
    expect(await problems(text)).toEqual(['2:11: `backend` `brtfs` is unknown, it must be `btrfs` or `directory`; did you mean `btrfs`?']);
  });

  it.each(['root:1', '', 'a b', '-x', '_x', 'é', 'a/b', 'a.b', '__proto__'])('refuses the target name %j', async (name) => {
    expect(await problems(`[targets.${JSON.stringify(name)}]`)).toEqual([
      `1:10: \`${name}\` cannot name a target: a name is made of letters, digits, \`-\` and \`_\`, and begins with a letter or digit`,
    ]);
  });

  it.each(['root', 'Home-2_x', '0', 'constructor'])('accepts the target name %s', async (name) => {
    expect(await target(`[targets.${name}]`)).toStrictEqual({ name, policy: {} });
  });
});

describe('within and max_age', () => {
  const policy = (within: string, maxAge: string) => `targets.root = { keep.within = "${within}", prune.max_age = "${maxAge}" }`;

  it.each([
    ['31d', '30d'],
    ['2m', '30d'],
    ['13m', '1y'],
    ['2y', '23m'],
    ['1y1d', '1y'],
    ['5w', '1m'],
    ['25h', '1d'],
    ['1m1h', '1m'],
    ['2y', '1y11m'],
  ])('cannot take effect: within %s, max_age %s', async (within, maxAge) => {
    expect(await problems(policy(within, maxAge))).toEqual([
      `1:32: \`within\` \`${within}\` is longer than \`max_age\` \`${maxAge}\`, which removes what is older: the rule can never take effect in full`,
    ]);
  });

  it.each([
    ['30d', '30d'],
    ['1m', '30d'],
    ['31d', '1m'],
    ['12m', '1y'],
    ['1y', '365d'],
    ['24h', '1d'],
    ['2w', '14d'],
    ['11m', '1y'],
  ])('can: within %s, max_age %s', async (within, maxAge) => {
    expect((await target(policy(within, maxAge))).policy).toMatchObject({ within: { text: within }, maxAge: { text: maxAge } });
  });
});

describe('where a target is', () => {
  const btrfs = (keys: string) => `targets.root = { device = "/dev/sda", archive = "old", ${keys} }`;
  const directory = (keys: string) => `targets.root = { backend = "directory", ${keys} }`;

  it.each([
    ['device = "/dev/sda"', '1:9: target `root`: `archive` is missing, without which `device` has no meaning'],
    ['backend = "btrfs", archive = "old"', '1:9: target `root`: `device` is missing, without which `archive` has no meaning'],
    [
      'backend = "btrfs", live = "root", blank = "b"',
      '1:9: target `root`: `device` and `archive` are missing, without which `live` and `blank` have no meaning',
    ],
    ['live = "/root"', '1:9: target `root`: `archive` is missing, without which `live` has no meaning'],
    ['backend = "directory"', '1:28: `backend` `directory` needs `archive`, which is missing'],
    ['archive = "old"', '1:28: `archive` must be an absolute path where no `device` is given, not `old`'],
    [
      'archive = "/old", backend = "directory", device = "/dev/sda"',
      '1:68: `device` has no meaning for the backend `directory`, whose paths are absolute',
    ],
  ])('says what is missing: { %s }', async (keys, problem) => {
    expect(await problems(`targets.root = { ${keys} }`)).toEqual([problem]);
  });

  it('does not call missing what is there and wrong', async () => {
    expect(await problems('targets.root = { device = 3, archive = [], live = "root" }')).toEqual([
      '1:27: `device` must be text in quotes, not a number',
      '1:40: `archive` must be text in quotes, not an array',
    ]);
  });

  it.each([
    ['sda2', '1:26: `device` must be an absolute path, not `sda2`'],
    ['LABEL=nixos', '1:26: `device` must be an absolute path such as `/dev/disk/by-label/…`, not `LABEL=nixos`'],
    ['PARTUUID=1', '1:26: `device` must be an absolute path such as `/dev/disk/by-partuuid/…`, not `PARTUUID=1`'],
    ['/dev/../sda', '1:26: `device` must not hold a component `..`'],
    ['', '1:26: `device` must be an absolute path, not ``'],
    ['/', '1:26: `device` must not be `/`'],
  ])('refuses the device %j', async (device, problem) => {
    expect(await problems(`targets.root = {device = "${device}", archive = "old"}`)).toEqual([problem]);
  });

  it.each([
    ['', 'must not be empty'],
    ['/', 'must name a place below the top level of the filesystem, not the top level itself'],
    ['//a', 'must not hold `//`'],
    ['a//b', 'must not hold `//`'],
    ['a/', 'must not end in a slash'],
    ['..', 'must not hold a component `..`'],
    ['a/../../b', 'must not hold a component `..`'],
    ['./a', 'must not hold a component `.`'],
    ['a\\u0000', 'must not hold a NUL character'],
  ])('btrfs: refuses the path %j', async (path, problem) => {
    expect(await problems(btrfs(`blank = "${path}"`))).toEqual([`1:64: \`blank\` ${problem}`]);
  });

  it.each([
    ['old', 'must be an absolute path for the backend `directory`, not `old`'],
    ['', 'must be an absolute path for the backend `directory`, not ``'],
    ['/', 'must not be `/`'],
    ['/a//b', 'must not hold `//`'],
    ['/a/', 'must not end in a slash'],
    ['/a/..', 'must not hold a component `..`'],
    ['/a\\u0000b', 'must not hold a NUL character'],
  ])('directory: refuses the archive %j', async (path, problem) => {
    expect(await problems(directory(`archive = "${path}"`))).toEqual([`1:51: \`archive\` ${problem}`]);
  });

  it('the top level is no live root: the archive is in it', async () => {
    expect(await problems(btrfs('live = "/"'))).toEqual([
      '1:63: `live` must name a place below the top level of the filesystem, not the top level itself',
    ]);
  });

  it.each([
    ['live = "old"', '1:49: `archive` must not be the same as `live`, `old`'],
    ['blank = "/old"', '1:49: `archive` must not be the same as `blank`, `old`'],
    ['live = "old/x"', '1:63: `live` must not lie inside `archive`, `old`'],
    ['live = "x", blank = "/x"', '1:76: `blank` must not be the same as `live`, `x`'],
  ])('trees must not overlap: %s', async (keys, problem) => {
    expect(await problems(btrfs(keys))).toEqual([problem]);
  });

  it('the archive must not lie inside what the next boot puts aside, nor in the blank', async () => {
    expect(await problems(directory('live = "/x", archive = "/x/old"'))).toEqual([
      '1:64: `archive` must not lie inside `live`, `/x`: the next boot would put it aside as well',
    ]);
    expect(await problems(directory('blank = "/x", archive = "/x/old"'))).toEqual(['1:65: `archive` must not lie inside `blank`, `/x`']);
  });

  it('compares by whole components, and lets a blank stand in the archive', async () => {
    expect(await target(btrfs('live = "ol", blank = "old/blank"'))).toMatchObject({ live: 'ol', blank: 'old/blank' });
    expect(await target(btrfs('live = "old-root", blank = "old_"'))).toMatchObject({ live: 'old-root' });
  });

  it('a directory live root may be `/`, with the archive on a mount in it', async () => {
    expect(await target(directory('live = "/", archive = "/persist/old"'))).toMatchObject({ live: '/', archive: '/persist/old' });
  });

  it('two targets cannot share an archive, however it is written', async () => {
    const text = `
      [targets.root]
      device = "/dev/sda"
      archive = "old"
      [targets.home]
      device = "/dev/sda"
      archive = "/old"
      [targets.other]
      device = "/dev/sdb"
      archive = "old"`;
    expect(await problems(text)).toEqual(['7:17: `archive` is the archive of target `root` already, `old`']);
    expect(await problems('targets.a.archive = "/old"\ntargets.b = { backend = "directory", archive = "/old" }')).toEqual([
      '2:48: `archive` is the archive of target `a` already, `/old`',
    ]);
  });
});

describe('the report', () => {
  it('has every problem, in the order of the file, under one heading', async () => {
    const text = `timezone = "Mars/Base"

[targets.root]
backend = "directory"
archive = "old"
[targets.root.keep]
last = 0
dialy = 3
within = "60d"
[targets.root.prune]
max_age = "30d"
grace = "1d"
`;
    const error = await failure(parseConfig(text, '/etc/roots.toml'));
    expect(error.kind).toBe('usage');
    expect(error.message).toBe(
      [
        '/etc/roots.toml: 6 problems',
        '/etc/roots.toml:1:12: `timezone` `Mars/Base` is not a time zone; write a name such as `Europe/Berlin`',
        '/etc/roots.toml:5:11: `archive` must be an absolute path for the backend `directory`, not `old`',
        '/etc/roots.toml:7:8: `last` must be at least 1: it is the floor that no other rule goes below',
        '/etc/roots.toml:8:1: unknown key `dialy` in `[targets.root.keep]`; did you mean `daily`?',
        '/etc/roots.toml:9:10: `within` `60d` is longer than `max_age` `30d`, which removes what is older: the rule can never take effect in full',
        '/etc/roots.toml:12:1: `grace` is not supported by this version yet',
      ]
        .join('\n')
        .replace('6 problems', '6 problems'),
    );
  });

  it('lets nothing of the file reach a terminal raw', async () => {
    const evil = '\\u001b[2J\\u202e\\u0007\\u0085\\n';
    const error = await failure(
      parseConfig(
        [
          `"${evil}" = 1`,
          `timezone = "${evil}"`,
          `[targets."${evil}"]`,
          `"k${evil}" = 1`,
          `backend = "${evil}"`,
          `archive = "${evil}"`,
          `[targets.a]`,
          `device = "${evil}"`,
          `archive = "a${evil}"`,
          `[targets.a.keep]`,
          `within = "${evil}"`,
        ].join('\n'),
        'evil\u001b[31m\n.toml',
      ),
    );
    expect(error.message).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(error.message.split('\n')).toHaveLength(8);
    expect(error.message).toContain('evil\\e[31m\\n.toml:1:1: unknown key `\\e[2J\\u{202e}\\x07\\u{85}\\n`');
  });

  it('cuts long text', async () => {
    const [problem] = await problems(`${'x'.repeat(100_000)} = 1`);
    expect(problem).toBe(`1:1: unknown key \`${'x'.repeat(80)}…\``);
  });
});

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

describe('the manual', async () => {
  const manual = await readFile(new URL('../../man/roots.toml.5', import.meta.url), 'utf8');
  const section = manual.split(/^\.Sh /m).find((part) => part.startsWith('EXAMPLES')) ?? '';
  const examples = Array.from(section.matchAll(/^\.Bd -literal.*\n([^]*?)^\.Ed$/gm), ([, text = '']) => text);

  it('has examples, in text that roff leaves alone', () => {
    expect(examples).toHaveLength(3);
    expect(examples.filter((example) => /^[.']|\\/m.test(example))).toEqual([]);
  });

  it.each(examples)('an example parses: %s', async (example) => {
    expect((await parseConfig(example, FILE)).targets).not.toEqual([]);
  });

  it.each([TOP_LEVEL, TARGET, KEEP, PRUNE].flatMap(({ entries }) => Object.keys(entries)))('has the key %s', (key) => {
    const tables = ['targets', 'keep', 'prune'];
    expect(manual).toMatch(tables.includes(key) ? new RegExp(`\\b${key}\\b`) : new RegExp(`^\\.It Ic ${key} No =`, 'm'));
  });
});
