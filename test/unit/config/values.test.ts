import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { FILE, problems, target } from './parsed.ts';

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
    ['within = "0d"', '2:10: `within` `0d` is no time at all; leave it out to have no such limit'],
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
      `1:30: \`max_age\` \`${age}\` is no time at all; leave it out to have no such limit`,
    ]);
  });

  it('does not take for ever over a long row of zeros', async () => {
    const zeros = '0'.repeat(10_000);
    expect(await problems(`targets.root.prune = { max_age = "${zeros}!", grace = "${zeros}!", min_free = "${zeros}!" }`)).toHaveLength(3);
  });

  it.each([
    ['10%', { kind: 'percent', percent: 10 }],
    ['2.5%', { kind: 'percent', percent: 2.5 }],
    ['20G', { kind: 'bytes', bytes: 20 * 2 ** 30 }],
    ['500MiB', { kind: 'bytes', bytes: 500 * 2 ** 20 }],
  ])('accepts a min_free of %s', async (space, minFree) => {
    expect((await target(`targets.root.prune.min_free = "${space}"`)).policy).toStrictEqual({ minFree: { ...minFree, text: space } });
  });

  it.each([
    ['10', 'has no unit; write it such as `10%`, `20G` or `500M`'],
    ['0', 'is no space at all; leave it out to have no such limit'],
    ['0%', 'is no space at all; leave it out to have no such limit'],
    ['0.0GiB', 'is no space at all; leave it out to have no such limit'],
    ['100%', 'is out of range; a share goes from `1%` to `99%`'],
    ['0.5%', 'is out of range; a share goes from `1%` to `99%`'],
    ['99999999T', 'is out of range'],
    ['10 GB', 'is not an amount of space; did you mean `10G`?'],
    ['10GB', 'is not an amount of space; did you mean `10G`?'],
    ['10 %', 'is not an amount of space; did you mean `10%`?'],
    ['1.5g', 'is not an amount of space; did you mean `1.5G`?'],
    ['-10%', 'is not an amount of space; write it such as `10%`, `20G` or `500M`'],
    ['1e3G', 'is not an amount of space; write it such as `10%`, `20G` or `500M`'],
    ['10%G', 'is not an amount of space; write it such as `10%`, `20G` or `500M`'],
    ['', 'is not an amount of space; write it such as `10%`, `20G` or `500M`'],
  ])('refuses a min_free of %j', async (space, problem) => {
    expect(await problems(`[targets.root.prune]\n  min_free = "${space}"`)).toEqual([`2:14: \`min_free\` \`${space}\` ${problem}`]);
  });

  it('reads a grace, which is no rule of the policy', async () => {
    const { policy, grace } = await target('targets.root.prune.grace = "1d"');
    expect(policy).toStrictEqual({});
    expect(grace).toMatchObject({ days: 1, hours: 0, text: '1d' });
  });

  it.each(['0', '0x0', '"0"', '"0d"', '"00h"'])('a grace of %s deletes at once, as none does', async (grace) => {
    expect(await target(`targets.root.prune.grace = ${grace}`)).toStrictEqual({ name: 'root', policy: {} });
  });

  it.each([
    ['"1 day"', '`1 day` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['"-1d"', '`-1d` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['"0 d"', '`0 d` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['""', '`` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['1', '`1` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    ['-1', '`-1` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
  ])('refuses a grace of %s', async (grace, problem) => {
    expect(await problems(`[targets.root.prune]\ngrace = ${grace}`)).toEqual([`2:9: \`grace\` ${problem}`]);
  });

  it.each([1, 7, 1000])('accepts %i slots', async (slots) => {
    expect(await target(`targets.root.rotate.slots = ${slots}`)).toStrictEqual({ name: 'root', policy: {}, rotate: { slots } });
  });

  it.each([
    ['slots = 0', '2:9: `slots` must be at least 1; leave the table `rotate` out to have no slots'],
    ['slots = -7', '2:9: `slots` must be at least 1; leave the table `rotate` out to have no slots'],
    ['slots = 1001', '2:9: `slots` must be at most 1000'],
    ['slots = 7.0', '2:9: `slots` must be a whole number, not a floating-point number'],
    ['', '1:15: `rotate` needs `slots`, which is missing'],
  ])('refuses rotate.%s', async (line, problem) => {
    expect(await problems(`[targets.root.rotate]\n${line}`)).toEqual([problem]);
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
    expect(await problems(text)).toEqual([
      '2:11: `backend` `brtfs` is unknown, it must be `btrfs`, `zfs`, `bcachefs` or `directory`; did you mean `btrfs`?',
    ]);
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
