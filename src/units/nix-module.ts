/**
 * The same units as a module for NixOS, where nothing may be written to /etc.
 */
import type { BackendName } from '../backend/backend.ts';
import type { Setting, Unit } from './unit.ts';

export interface NixOptions {
  /** What old roots are on, as far as it is known. */
  readonly backends: ReadonlySet<BackendName>;
}

export function renderNixModule(units: readonly Unit[], { backends }: NixOptions): string {
  const packages = [...PACKAGES, ...[...backends].flatMap((backend) => PACKAGES_FOR[backend])];
  const header = backends.has('zfs') ? '{ config, pkgs, ... }:' : '{ pkgs, ... }:';
  return `${header}\n{\n${units.map((unit) => renderNixUnit(unit, packages)).join('\n')}}\n`;
}

/** What `roots` starts; NixOS gives a service only what it names. */
const PACKAGES = ['attr', 'bash', 'btrfs-progs', 'coreutils', 'e2fsprogs', 'findutils', 'util-linux'];
/** Those that not every machine should have to build. Of ZFS, the programs must be those of the kernel module that runs. */
const PACKAGES_FOR: Readonly<Record<BackendName, readonly string[]>> = {
  btrfs: [],
  zfs: ['config.boot.zfs.package'],
  bcachefs: ['bcachefs-tools'],
  directory: [],
};

function renderNixUnit({ name, sections }: Unit, packages: readonly string[]): string {
  const [stem, kind] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)];
  const { Unit: unit = [], Service: service, Timer: timer, Install: install = [] } = sections;
  const wantedBy = install.filter(([key]) => key === 'WantedBy').flatMap(([, value]) => value.split(' '));
  return [
    `  systemd.${kind}s.${stem} = {`,
    ...(service === undefined ? [] : [`    path = with pkgs; [ ${packages.join(' ')} ];`]),
    ...(wantedBy.length === 0 ? [] : [`    wantedBy = [ ${wantedBy.map(nixString).join(' ')} ];`]),
    ...renderAttributes('unitConfig', unit),
    ...(service === undefined ? [] : renderAttributes('serviceConfig', service)),
    ...(timer === undefined ? [] : renderAttributes('timerConfig', timer)),
    '  };\n',
  ].join('\n');
}

function renderAttributes(name: string, settings: readonly Setting[]): string[] {
  return [`    ${name} = {`, ...[...byKey(settings)].map(([key, values]) => `      ${key} = ${nixValue(values)};`), '    };'];
}

/** What a unit file may say several times is a list in NixOS. */
function byKey(settings: readonly Setting[]): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const [key, value] of settings) values.set(key, [...(values.get(key) ?? []), value]);
  return values;
}

function nixValue(values: readonly string[]): string {
  const [only, ...more] = values.map(nixString);
  return only === undefined || more.length > 0 ? `[ ${values.map(nixString).join(' ')} ]` : only;
}

function nixString(text: string): string {
  return `"${text.replace(/["\\]|\$(?=\{)/g, '\\$&')}"`;
}
