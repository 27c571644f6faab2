import { expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { renderNixModule } from '../../../src/units/nix-module.ts';
import { timerUnits, type TimerOptions } from '../../../src/units/timer-units.ts';

const OPTIONS: TimerOptions = {
  program: [fromText('/opt/roots')],
  config: fromText('/persist/a "b" ${c} %d.toml'),
  writable: [],
  rotates: true,
  onCalendar: null,
  onFailure: 'notify@%n',
};

/** Of a string of Nix, or of a list of them. */
const strings = (value: string): string[] =>
  [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1'));

it('says every setting of every unit, once', () => {
  const units = timerUnits(OPTIONS);
  const module = renderNixModule(units, { backends: new Set(['btrfs']) });
  for (const { name, sections } of units) {
    const [stem = '', kind = ''] = name.split('.');
    const part = new RegExp(`^  systemd\\.${kind}s\\.${stem} = \\{\\n([^]*?)^  \\};$`, 'm').exec(module)?.[1] ?? '';
    const settings = [...(sections.Unit ?? []), ...(sections.Service ?? []), ...(sections.Timer ?? [])];
    const said = [...part.matchAll(/^ {6}(\w+) = (.*);$/gm)].map(([, key = '', value = '']) => ({ key, values: strings(value) }));
    expect(said.flatMap(({ key, values }) => values.map((value) => [key, value]))).toEqual(settings.map(([key, value]) => [key, value]));
    // Nix refuses an attribute that is there twice.
    for (const section of part.split(/^ {4}\};$/m)) {
      const keys = [...section.matchAll(/^ {6}(\w+) = /gm)].map(([, key]) => key);
      expect(keys).toEqual([...new Set(keys)]);
    }
  }
  expect(module).toContain('wantedBy = [ "timers.target" ];');
  expect(module).toContain('DeviceAllow = [ "block-* rw" "/dev/zfs rw" ];');
});

it.each([
  [['btrfs', 'directory'], '{ pkgs, ... }:', 'util-linux ];'],
  [['bcachefs'], '{ pkgs, ... }:', 'util-linux bcachefs-tools ];'],
  [['zfs', 'bcachefs'], '{ config, pkgs, ... }:', 'util-linux config.boot.zfs.package bcachefs-tools ];'],
] as const)('names what the programs for %s are in, and no more', (backends, header, end) => {
  const module = renderNixModule(timerUnits(OPTIONS), { backends: new Set(backends) });
  expect(module.split('\n')[0]).toBe(header);
  const paths = module.split('\n').filter((line) => line.includes(' path = '));
  expect(paths).toHaveLength(2);
  for (const line of paths) expect(line).toBe(`    path = with pkgs; [ attr bash btrfs-progs coreutils e2fsprogs findutils ${end}`);
});

it('has nothing that Nix would fill in', () => {
  expect(renderNixModule(timerUnits(OPTIONS), { backends: new Set() })).toContain(
    String.raw`--config \"/persist/a \\\"b\\\" $\${c} %%d.toml\"`,
  );
});
