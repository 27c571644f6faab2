import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG, parseConfig } from '../../../src/config.ts';
import { FILE, failure, problems, target } from './parsed.ts';

describe('a sound file', () => {
  it('gives every key its place', async () => {
    const config = await parseConfig(
      `timezone = "Europe/Berlin"
       name_timezone = "America/New_York"
       [diff]
       persisted = ["/var/lib/nixos"]
       ignore = ["*.log"]
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
       min_free = "10%"
       grace = "36h"
       [targets.root.rotate]
       slots = 7
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
      diff: { persisted: ['/var/lib/nixos'], ignore: ['*.log'] },
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
            minFree: { kind: 'percent', percent: 10, text: '10%' },
          },
          grace: { ...zero, hours: 36, text: '36h' },
          rotate: { slots: 7 },
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

  it('leaves it to the machine what filesystem a device or an absolute archive is of', async () => {
    expect(await target('targets.root = { device = "/dev/sda2", archive = "/old_roots" }')).toStrictEqual({
      name: 'root',
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

  it('takes ZFS from a dataset', async () => {
    expect(await target('targets.root.dataset = "rpool/root"')).toStrictEqual({
      name: 'root',
      backend: 'zfs',
      dataset: 'rpool/root',
      policy: {},
    });
  });

  it.each(['btrfs', 'zfs', 'bcachefs'])('takes the backend %s alone: the place is detected', async (backend) => {
    expect(await target(`targets.root.backend = "${backend}"`)).toStrictEqual({ name: 'root', backend, policy: {} });
  });

  it('reads the whole of TOML: dotted keys, inline tables, literal strings, hexadecimal numbers', async () => {
    const text = `targets.root.keep = { daily = 0x07, within = '''36h''' }\ntargets."root".prune."max_age" = "30d"`;
    expect(await target(text)).toMatchObject({ policy: { daily: 7, within: { text: '36h' }, maxAge: { text: '30d' } } });
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
grace = "1 day"
[targets.root.rotate]
slots = 0
`;
    const error = await failure(parseConfig(text, '/etc/roots.toml'));
    expect(error.kind).toBe('usage');
    expect(error.message).toBe(
      [
        '/etc/roots.toml: 8 problems',
        '/etc/roots.toml:1:12: `timezone` `Mars/Base` is not a time zone; write a name such as `Europe/Berlin`',
        '/etc/roots.toml:5:11: `archive` must be an absolute path for the backend `directory`, not `old`',
        '/etc/roots.toml:7:8: `last` must be at least 1: it is the floor that no other rule goes below',
        '/etc/roots.toml:8:1: unknown key `dialy` in `[targets.root.keep]`; did you mean `daily`?',
        '/etc/roots.toml:9:10: `within` `60d` is longer than `max_age` `30d`, which removes what is older: the rule can never take effect in full',
        '/etc/roots.toml:12:9: `grace` `1 day` is not a duration; write it such as `14d`, `36h` or `1y6m`',
        '/etc/roots.toml:13:15: `rotate` has no meaning for the backend `directory`, which has no snapshots',
        '/etc/roots.toml:14:9: `slots` must be at least 1; leave the table `rotate` out to have no slots',
      ].join('\n'),
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
          `[targets.a.prune]`,
          `min_free = "${evil}"`,
          `grace = "${evil}"`,
        ].join('\n'),
        'evil\u001b[31m\n.toml',
      ),
    );
    expect(error.message).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(error.message.split('\n')).toHaveLength(10);
    expect(error.message).toContain('evil\\e[31m\\n.toml:1:1: unknown key `\\e[2J\\u{202e}\\x07\\u{85}\\n`');
  });

  it('cuts long text', async () => {
    const [problem] = await problems(`${'x'.repeat(100_000)} = 1`);
    expect(problem).toBe(`1:1: unknown key \`${'x'.repeat(80)}…\``);
  });
});
