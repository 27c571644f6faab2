import { describe, expect, it } from 'vitest';
import { problems, target } from './parsed.ts';

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
    ['archive = "old"', '1:28: `archive` must be an absolute path where no `device` or `dataset` is given, not `old`'],
    [
      'archive = "/old", backend = "directory", device = "/dev/sda"',
      '1:68: `device` has no meaning for the backend `directory`, whose paths are absolute',
    ],
  ])('says what is missing: { %s }', async (keys, problem) => {
    expect(await problems(`targets.root = { ${keys} }`)).toEqual([problem]);
  });

  it.each([
    [
      'backend = "directory", archive = "/old", live = "/live", rotate.slots = 7',
      '1:75: `rotate` has no meaning for the backend `directory`, which has no snapshots',
    ],
    ['device = "/dev/sda", archive = "old", rotate = { slots = 7 }', '1:65: `rotate` takes snapshots of `live`, which is missing'],
    ['archive = "/old", rotate = { slots = 7 }', '1:45: `rotate` takes snapshots of `live`, which is missing'],
  ])('rotate needs snapshots, and a live root to take them of: { %s }', async (keys, problem) => {
    expect(await problems(`targets.root = { ${keys} }`)).toEqual([problem]);
  });

  it.each([
    'rotate.slots = 7',
    'backend = "btrfs", rotate.slots = 7',
    'device = "/dev/sda", archive = "old", live = "root", rotate.slots = 7',
    'archive = "/old", live = "/", rotate.slots = 7',
  ])('rotate can work: { %s }', async (keys) => {
    expect(await target(`targets.root = { ${keys} }`)).toMatchObject({ rotate: { slots: 7 } });
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
    ['/dev/sda:/', '1:26: `device` must not be `/`'],
    ['/dev/sda:/dev//sdb', '1:26: `device` must not hold `//`'],
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

  it.each(['/dev/sda:/dev/disk/by-path/pci-0000:00:1f.2-ata-1', '/dev/disk/by-path/pci-0000:00:1f.2'])(
    'bcachefs: takes the devices %s',
    async (device) => {
      const keys = `device = "${device}", live = "/root", blank = "blank_root", archive = "old_roots"`;
      expect(await target(`targets.root = { backend = "bcachefs", ${keys} }`)).toStrictEqual({
        name: 'root',
        backend: 'bcachefs',
        device,
        live: 'root',
        blank: 'blank_root',
        archive: 'old_roots',
        policy: {},
      });
    },
  );

  it.each([
    ['archive = "old"', '1:9: target `root`: `device` is missing, without which `archive` has no meaning'],
    ['device = "/dev/sda"', '1:9: target `root`: `archive` is missing, without which `device` has no meaning'],
    ['device = "/dev/sda", archive = "a/../b"', '1:71: `archive` must not hold a component `..`'],
    ['device = "/dev/sda", archive = "old", rotate.slots = 7', '1:78: `rotate` takes snapshots of `live`, which is missing'],
    ['device = "/dev/sda", archive = "a", live = "a/b"', '1:83: `live` must not lie inside `archive`, `a`'],
  ])('bcachefs: refuses { %s }', async (keys, problem) => {
    expect(await problems(`targets.root = { backend = "bcachefs", ${keys} }`)).toEqual([problem]);
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
