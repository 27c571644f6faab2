/**
 * The same units as a module for NixOS, where nothing may be written to /etc.
 */
import type { Setting, Unit } from './unit.ts';

export function renderNixModule(units: readonly Unit[]): string {
  return `{ pkgs, ... }:\n{\n${units.map(renderNixUnit).join('\n')}}\n`;
}

/** What `roots` starts; NixOS gives a service only what it names. */
const PROGRAMS = ['attr', 'bash', 'btrfs-progs', 'coreutils', 'e2fsprogs', 'findutils', 'util-linux'];

function renderNixUnit({ name, sections }: Unit): string {
  const [stem, kind] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)];
  const { Unit: unit = [], Service: service, Timer: timer, Install: install = [] } = sections;
  const wantedBy = install.filter(([key]) => key === 'WantedBy').flatMap(([, value]) => value.split(' '));
  return [
    `  systemd.${kind}s.${stem} = {`,
    ...(service === undefined ? [] : [`    path = with pkgs; [ ${PROGRAMS.join(' ')} ];`]),
    ...(wantedBy.length === 0 ? [] : [`    wantedBy = [ ${wantedBy.map(nixString).join(' ')} ];`]),
    ...renderAttributes('unitConfig', unit),
    ...(service === undefined ? [] : renderAttributes('serviceConfig', service)),
    ...(timer === undefined ? [] : renderAttributes('timerConfig', timer)),
    '  };\n',
  ].join('\n');
}

function renderAttributes(name: string, settings: readonly Setting[]): string[] {
  return [`    ${name} = {`, ...settings.map(([key, value]) => `      ${key} = ${nixString(value)};`), '    };'];
}

function nixString(text: string): string {
  return `"${text.replace(/["\\]|\$(?=\{)/g, '\\$&')}"`;
}
