import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { FILE, problems, target } from './parsed.ts';

describe('a place on ZFS', () => {
  const dataset = (keys: string) => `targets.root = { dataset = "rpool/root", ${keys} }`;

  it('is a dataset, a snapshot and a dataset', async () => {
    const keys = 'blank = "rpool/blank@blank", archive = "rpool/old_roots"';
    expect(await target(`targets.root = { backend = "zfs", dataset = "rpool/root", ${keys} }`)).toStrictEqual({
      name: 'root',
      backend: 'zfs',
      dataset: 'rpool/root',
      blank: 'rpool/blank@blank',
      archive: 'rpool/old_roots',
      policy: {},
    });
  });

  it.each([
    ['blank = "rpool/root@blank"', { blank: 'rpool/root@blank' }],
    ['blank = "rpool@empty", archive = "rpool/safe/old roots"', { blank: 'rpool@empty', archive: 'rpool/safe/old roots' }],
    ['rotate.slots = 7', { rotate: { slots: 7 } }],
    ['archive = "rpool/root2"', { archive: 'rpool/root2' }],
    ['blank = "rpool/old/-x:1_2.3@a b"', { blank: 'rpool/old/-x:1_2.3@a b' }],
  ])('may be { %s }', async (keys, place) => {
    expect(await target(dataset(keys))).toStrictEqual({ name: 'root', backend: 'zfs', dataset: 'rpool/root', policy: {}, ...place });
  });

  it.each([
    ['', 'must not be empty'],
    ['/rpool/root', 'must be the name of a dataset, such as `rpool/root`, not the path `/rpool/root`'],
    ['rpool/', 'must not end in a slash'],
    ['rpool//root', 'must not hold `//`'],
    ['rpool/../root', 'must not hold a component `..`'],
    ['-r', 'must begin with the name of a pool, and so with a letter, not `-r`'],
    ['1pool/root', 'must begin with the name of a pool, and so with a letter, not `1pool/root`'],
    ['rpool/root@blank', 'must be a dataset, not the snapshot `rpool/root@blank`'],
    ['rpool/a%b', 'must not hold `%`: names of ZFS are made of letters, digits, `-`, `_`, `.`, `:` and spaces'],
    ['rpool/a#b', 'must not hold `#`: names of ZFS are made of letters, digits, `-`, `_`, `.`, `:` and spaces'],
    ['rpool/ü', 'must not hold `ü`: names of ZFS are made of letters, digits, `-`, `_`, `.`, `:` and spaces'],
    ['rpool/a\\nb', 'must not hold `\\n`: names of ZFS are made of letters, digits, `-`, `_`, `.`, `:` and spaces'],
    [`rpool/${'x'.repeat(250)}`, 'must be at most 255 characters long, as ZFS has it'],
  ])('refuses the dataset %j', async (name, problem) => {
    expect(await problems(`targets.root = { dataset = "${name}" }`)).toEqual([`1:28: \`dataset\` ${problem}`]);
    expect(await problems(dataset(`archive = "${name}"`))).toEqual([`1:52: \`archive\` ${problem}`]);
  });

  it('takes a name as long as ZFS does', async () => {
    const name = `rpool/${'x'.repeat(249)}`;
    expect(await target(`targets.root.dataset = "${name}"`)).toMatchObject({ dataset: name });
  });

  it.each(['', 'rpool/blank', '@blank', 'rpool/blank@', 'rpool/blank@a@b'])('refuses the blank %j, which is no snapshot', async (name) => {
    expect(await problems(dataset(`blank = "${name}"`))).toEqual([
      `1:50: \`blank\` must be a snapshot with its dataset, such as \`rpool/blank@blank\`, not \`${name}\``,
    ]);
  });

  it.each([
    ['/rpool/blank@blank', 'must be the name of a dataset, such as `rpool/root`, not the path `/rpool/blank`'],
    ['rpool/blank@a,b', 'must not hold `,`: names of ZFS are made of letters, digits, `-`, `_`, `.`, `:` and spaces'],
    ['rpool/blank@a/b', 'must not hold `/`: names of ZFS are made of letters, digits, `-`, `_`, `.`, `:` and spaces'],
    [`rpool/blank@${'x'.repeat(250)}`, 'must be at most 255 characters long, as ZFS has it'],
  ])('refuses the blank %j', async (name, problem) => {
    expect(await problems(dataset(`blank = "${name}"`))).toEqual([`1:50: \`blank\` ${problem}`]);
  });

  it.each([
    ['backend = "zfs", archive = "rpool/old"', '1:9: target `root`: `dataset` is missing, without which `archive` has no meaning'],
    ['backend = "zfs", blank = "rpool/b@b"', '1:9: target `root`: `dataset` is missing, without which `blank` has no meaning'],
    [
      'backend = "zfs", archive = "rpool/old", rotate.slots = 7',
      '1:9: target `root`: `dataset` is missing, without which `archive` has no meaning',
    ],
    ['dataset = "rpool/root", live = "rpool/root"', '1:49: `live` has no meaning for the backend `zfs`, whose live root is the `dataset`'],
    [
      'backend = "zfs", dataset = "rpool/root", device = "/dev/sda"',
      '1:68: `device` has no meaning for the backend `zfs`, whose live root is the `dataset`',
    ],
    [
      'dataset = "rpool/root", device = "/dev/sda", archive = "old"',
      '1:28: `dataset` has no meaning beside `device`: a place on ZFS is a `dataset`, one on btrfs or bcachefs has a `device`',
    ],
    [
      'backend = "btrfs", dataset = "rpool/root", device = "/dev/sda", archive = "old"',
      '1:47: `dataset` has no meaning for the backend `btrfs`, which is on a `device`',
    ],
    [
      'backend = "directory", dataset = "rpool/root", archive = "/old"',
      '1:51: `dataset` has no meaning for the backend `directory`, whose paths are absolute',
    ],
  ])('has keys of its own: { %s }', async (keys, problem) => {
    expect(await problems(`targets.root = { ${keys} }`)).toEqual([problem]);
  });

  it.each([
    ['archive = "rpool/root"', '1:52: `archive` must not be the same as `dataset`, `rpool/root`'],
    ['archive = "rpool/root/old"', '1:52: `archive` must not lie inside `dataset`, `rpool/root`: the next boot would put it aside as well'],
    ['archive = "rpool"', '1:28: `dataset` must not lie inside `archive`, `rpool`'],
    ['archive = "tank/old_roots"', '1:52: `archive` must be in the pool of `dataset`, `rpool`: nothing can be renamed into another pool'],
  ])('has its archive beside its live root: { %s }', async (keys, problem) => {
    expect(await problems(dataset(keys))).toEqual([problem]);
  });

  it('says all that is wrong at once', async () => {
    expect(await problems(`targets.root = { dataset = "rpool/%", blank = "x", archive = "/y", rotate.slots = 0 }`)).toHaveLength(4);
  });
});

describe('several places on ZFS', () => {
  const targets = (root: string, home: string) => `targets.root = { ${root} }\ntargets.home = { ${home} }`;

  it('may be in one pool', async () => {
    const text = targets(
      'dataset = "rpool/root", archive = "rpool/old/roots"',
      'dataset = "rpool/home", blank = "rpool/root@x", archive = "rpool/old/homes"',
    );
    expect((await parseConfig(text, FILE)).targets).toHaveLength(2);
  });

  it.each([
    [
      'dataset = "p/root", archive = "p/old"',
      'dataset = "p/home", archive = "p/old"',
      '2:48: `archive` is the archive of target `root` already, `p/old`',
    ],
    ['dataset = "p/root", archive = "p/old"', 'dataset = "p/root"', '2:28: `dataset` is the live root of target `root` already, `p/root`'],
    [
      'dataset = "p/root", archive = "p/old"',
      'dataset = "p/old/home"',
      '2:28: `dataset` must not be in the archive of target `root`, `p/old`',
    ],
    ['dataset = "p/root", archive = "p/old"', 'dataset = "p/old"', '2:28: `dataset` must not be in the archive of target `root`, `p/old`'],
    [
      'dataset = "p/old/home"',
      'dataset = "p/root", archive = "p/old"',
      '1:28: `dataset` must not be in the archive of target `home`, `p/old`',
    ],
    ['dataset = "p/root"', 'dataset = "p/root/home"', '2:28: `dataset` must not be in the live root of target `root`, `p/root`'],
    [
      'dataset = "p/root"',
      'dataset = "p/home", archive = "p/root/homes"',
      '2:48: `archive` must not be in the live root of target `root`, `p/root`',
    ],
  ])('must not overlap: { %s } and { %s }', async (root, home, problem) => {
    expect(await problems(targets(root, home))).toEqual([problem]);
  });
});
