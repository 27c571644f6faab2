/**
 * In a mount namespace as the units of `roots timer` get it from systemd: all mounts copied, read-only and nosuid, no other namespace to be had, and few
 * capabilities. With a real systemd it is run in test/vm.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { timerUnits } from '../../src/units/timer-units.ts';
import { fromText } from '../../src/byte-path.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Prune } from './contracts.ts';
import { roots, traces, writeConfig, type Result } from './roots.ts';

const OPTIONS = {
  program: [fromText('/bin/true')] as const,
  config: null,
  writable: [],
  rotates: false,
  onCalendar: null,
  onFailure: null,
};
const CAPABILITIES = (timerUnits(OPTIONS)[0]?.sections.Service ?? [])
  .filter(([key]) => key === 'CapabilityBoundingSet')
  .flatMap(([, value]) => value.toLowerCase().split(' '));

/** $1: the runtime directory, which systemd makes; $2: programs that fail as RestrictNamespaces= has it. Then the command. */
const AS_UNIT = `set -e
mount --make-rslave / && mount --make-rshared /
mount -t tmpfs roots-test "$1"
grep -o '^[^ ]* [^ ]* [^ ]* [^ ]* [^ ]*' /proc/self/mountinfo | cut -d' ' -f5 | sort -u | while read -r at; do
  case $at in "$1" | /proc* | /sys* | /dev*) ;; *) mount -o remount,bind,ro,nosuid "$(printf %b "$at")" 2>/dev/null || : ;; esac
done
export RUNTIME_DIRECTORY="$1" ROOTS_PRIVATE_NAMESPACE=1 PATH="$2:$PATH"
shift 2
exec setpriv --no-new-privs --bounding-set=-all${CAPABILITIES.map((name) => `,+${name.replace('cap_', '')}`).join('')} -- "$@"`;

requires.btrfs('roots prune in a hardened unit', () => {
  let field: FieldArchive;
  let config: string;
  let runtime: string;
  let forbidden: string;

  beforeEach(async () => {
    field = await buildFieldArchive({ now: new Date() });
    config = writeConfig(field, '[targets.root.keep]\nlast = 3');
    [runtime, forbidden] = [join(field.scratch, 'runtime'), join(field.scratch, 'forbidden')];
    mkdirSync(runtime);
    mkdirSync(forbidden);
    for (const program of ['unshare', 'nsenter']) {
      writeFileSync(join(forbidden, program), `#!/bin/sh\necho "${program}: failed: Operation not permitted" >&2\nexit 1\n`, {
        mode: 0o755,
      });
    }
  });
  afterEach(() => {
    field.close();
  });

  const once = (...args: readonly string[]): Promise<Result> =>
    roots([...args, '--config', config], {
      within: ['unshare', '--mount', '--propagation', 'slave', '--', 'sh', '-c', AS_UNIT, 'sh', runtime, forbidden],
    });
  /** Other tests, running at this moment, keep namespaces by mounts that it cannot look into. */
  const asUnit = async (...args: readonly string[]): Promise<Result> => {
    for (let tries = 0; ; tries += 1) {
      const result = await once(...args);
      if (tries > 20 || !result.stdout.includes('that is kept at')) return result;
    }
  };
  const archived = (): Promise<string[]> => field.withTopLevel((top) => readdirSync(join(top, 'old_roots')));
  const target = (result: Result): Prune['targets'][number] => (result.json as Prune).targets[0]!;

  it('removes what it would remove outside, and leaves no mount', async () => {
    const before = traces(field.device, field.scratch);
    const planned = target(await roots(['prune', '--dry-run', '--json', '--config', config])).remove.map(({ name }) => name);
    expect(planned.length).toBeGreaterThan(3);
    expect(await archived()).toEqual(expect.arrayContaining(planned));
    const result = await asUnit('prune', '--yes', '--json');
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect((await archived()).filter((name) => planned.includes(name))).toEqual([]);
    expect(traces(field.device, field.scratch)).toEqual(before);
    expect(readdirSync(runtime)).toEqual([]);
  });

  it('sees what is mounted outside of it', async () => {
    const { name } = field.boots[0]!;
    field.image.mount({ subvolume: `old_roots/${name}` }, join(field.scratch, 'mounted'));
    const result = await asUnit('prune', '--yes', '--json');
    expect(target(result).keep).toContainEqual(expect.objectContaining({ name, reasons: expect.arrayContaining(['mounted']) as string[] }));
    expect(await archived()).toContain(name);
  });

  it('removes nothing while a mount keeps a namespace that it cannot look into', async () => {
    const keeper = join(field.scratch, 'keeper');
    mkdirSync(keeper);
    // What the namespace is bound to must not be shared with it.
    tool('mount', '-t', 'tmpfs', 'roots-test', keeper);
    tool('mount', '--make-private', keeper);
    try {
      const file = join(keeper, 'namespace');
      writeFileSync(file, '');
      tool('unshare', `--mount=${file}`, 'true');
      try {
        const result = await once('prune', '--yes', '--json');
        expect(target(result).remove.filter(({ result: how }) => how === 'removed')).toEqual([]);
        expect(JSON.stringify(result.json)).toContain(file);
      } finally {
        tool('umount', file);
      }
    } finally {
      tool('umount', keeper);
    }
  });
});
