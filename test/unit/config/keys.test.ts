import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { FILE, problems } from './parsed.ts';

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
    ['[targets.root]\ndatset = "rpool/root"', '2:1: unknown key `datset` in `[targets.root]`; did you mean `dataset`?'],
    ['dataset = "rpool/root"', '1:1: unknown key `dataset`; it belongs in a table `[targets.NAME]`'],
    ['[rotate]\nslots = 7', '1:2: unknown key `rotate`; it belongs in a table `[targets.NAME]`'],
    ['[targets.root.prune]\nmin-free = "10%"', '2:1: unknown key `min-free` in `[targets.root.prune]`; did you mean `min_free`?'],
    ['[targets.root.prune]\ngrase = "1d"', '2:1: unknown key `grase` in `[targets.root.prune]`; did you mean `grace`?'],
    ['[targets.root.rotate]\nslots = 7\nslot = 7', '3:1: unknown key `slot` in `[targets.root.rotate]`; did you mean `slots`?'],
    ['[targets.root]\ngrace = "1d"', '2:1: unknown key `grace` in `[targets.root]`; it belongs in the table `prune` of a target'],
    [
      '[targets.root.keep]\nmin_free = "10%"',
      '2:1: unknown key `min_free` in `[targets.root.keep]`; it belongs in the table `prune` of a target',
    ],
    ['[targets.root]\nslots = 7', '2:1: unknown key `slots` in `[targets.root]`; it belongs in the table `rotate` of a target'],
  ])('refuses %j', async (text, problem) => {
    expect(await problems(text)).toEqual([problem]);
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('knows no key by inheritance: %s', async (key) => {
    expect(await problems(`[targets.root.keep]\n${key} = 1`)).toEqual([`2:1: unknown key \`${key}\` in \`[targets.root.keep]\``]);
    expect(await problems(`${key}.polluted = 1`)).toEqual([`1:1: unknown key \`${key}\`; a target is written \`[targets.${key}]\``]);
    expect({}).not.toHaveProperty('polluted');
  });

  it('reads what `diff` hides', async () => {
    expect((await parseConfig('[diff]\npersisted = ["/var/log"]\nignore = ["*.log", "!a.log"]', FILE)).diff).toEqual({
      persisted: ['/var/log'],
      ignore: ['*.log', '!a.log'],
    });
    expect(await problems('[diff]\npersisted = ["var/log"]')).toEqual([
      '2:13: `persisted` must be an absolute path, as on the live system, not `var/log`',
    ]);
    expect(await problems('[diff]\nignore = [""]')).toEqual(['2:10: `ignore` must hold patterns, each of one line, not ``']);
    expect(await problems('[diff]\nignore = "*.log"')).toEqual(['2:10: `ignore` must be an array of texts in quotes, not text']);
    expect(await problems('[diff]\nhide = []')).toEqual(['2:1: unknown key `hide` in `[diff]`']);
    expect(await problems('ignore = ["*.log"]')).toEqual(['1:1: unknown key `ignore`; it belongs in the table `[diff]`']);
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
    ['targets.root.dataset = ["rpool/root"]', '1:24: `dataset` must be text in quotes, not an array'],
    ['timezone = 2026-01-01', '1:12: `timezone` must be text in quotes, not a date or time'],
    ['targets.root.backend = {}', '1:24: `backend` must be text in quotes, not a table'],
    ['targets.root.prune.max_age = 30', '1:30: `max_age` must be a duration in quotes, such as `14d`, `36h` or `1y6m`, not a number'],
    [
      'targets.root.prune.min_free = 10',
      '1:31: `min_free` must be an amount of space in quotes, such as `10%`, `20G` or `500M`, not a number',
    ],
    [
      'targets.root.prune.grace = 1.5',
      '1:28: `grace` must be a duration in quotes, such as `1d` or `12h`, or `0`, not a floating-point number',
    ],
    ['targets.root.prune.grace = false', '1:28: `grace` must be a duration in quotes, such as `1d` or `12h`, or `0`, not false'],
    ['targets.root.rotate = 7', '1:23: `rotate` must be a table, not a number'],
    ['targets.root.rotate.slots = "7"', '1:29: `slots` must be a whole number, not text'],
  ])('refuses %j', async (text, problem) => {
    expect(await problems(text)).toEqual([problem]);
  });
});
