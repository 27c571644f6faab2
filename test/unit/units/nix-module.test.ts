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

it('says every setting of every unit, once', () => {
  const units = timerUnits(OPTIONS);
  const module = renderNixModule(units);
  for (const { name, sections } of units) {
    const [stem = '', kind = ''] = name.split('.');
    const part = new RegExp(`^  systemd\\.${kind}s\\.${stem} = \\{\\n([^]*?)^  \\};$`, 'm').exec(module)?.[1] ?? '';
    const settings = [...(sections.Unit ?? []), ...(sections.Service ?? []), ...(sections.Timer ?? [])];
    const said = [...part.matchAll(/^ {6}(\w+) = "((?:[^"\\]|\\.)*)";$/gm)].map(([, key, value = '']) => [
      key,
      value.replace(/\\(.)/g, '$1'),
    ]);
    expect(said).toEqual(settings.map(([key, value]) => [key, value]));
  }
  expect(module).toContain('wantedBy = [ "timers.target" ];');
  expect(module).toContain('btrfs-progs');
});

it('has nothing that Nix would fill in', () => {
  expect(renderNixModule(timerUnits(OPTIONS))).toContain(String.raw`--config \"/persist/a \\\"b\\\" $\${c} %%d.toml\"`);
});
