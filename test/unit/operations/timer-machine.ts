/** A machine for `roots timer`: an archive, a folder for units, and a systemctl that only listens. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromText } from '../../../src/byte-path.ts';
import { parseConfig } from '../../../src/config.ts';
import type { Context } from '../../../src/operations/context.ts';
import type { TimerPlaces, TimerRequest } from '../../../src/operations/timer.ts';
import { run as realRun, type Run } from '../../../src/system/run.ts';
import { withScratch } from '../../support/scratch.ts';

export interface Machine {
  readonly path: string;
  readonly units: string;
  readonly places: TimerPlaces;
  readonly context: Context;
  /** What systemctl was told, in order. */
  readonly told: string[];
  /** What `systemctl show` answers. */
  show: string;
  /** What systemctl refuses. */
  refuse: string | undefined;
}

export const REQUEST: TimerRequest = {
  program: [fromText('/usr/bin/env'), fromText('/usr/lib/roots/run.js')],
  config: fromText('/etc/roots.toml'),
  onCalendar: null,
  onFailure: null,
};
export const NOW = new Date('2026-11-20T12:00:00Z');
export const ROTATING =
  '[targets.home]\ndevice = "/dev/nonexistent"\nlive = "home"\narchive = "old_homes"\n[targets.home.rotate]\nslots = 7\n';

/** An archive of plain directories, a folder for units beside it (`in`: below the scratch directory), and a systemctl that only listens. */
export async function withMachine(
  use: (machine: Machine) => Promise<void>,
  { more = '', unitsIn = 'etc/systemd/system', policy = '[targets.root.keep]\nlast = 3\n' } = {},
): Promise<void> {
  await withScratch(async ({ path }) => {
    const units = join(path, unitsIn);
    for (const folder of [units, join(path, 'live'), join(path, 'persist/old roots/2026-11-19_08:00:00')])
      mkdirSync(folder, { recursive: true });
    const target = `[targets.root]\nbackend = "directory"\nlive = "${path}/live"\narchive = "${path}/persist/old roots"\n${policy}${more}`;
    const told: string[] = [];
    const run: Run = async (program, args, options) => {
      if (program === 'systemd-analyze') return { status: args.includes('dayly') ? 1 : 0, stdout: Buffer.of(), stderr: 'Failed to parse' };
      if (program !== 'systemctl') return realRun(program, args, options);
      if (args[0] === 'show') return { status: 0, stdout: Buffer.from(machine.show), stderr: '' };
      told.push(args.flatMap((word) => (typeof word === 'string' && word !== '--no-ask-password' ? [word] : [])).join(' '));
      const refused = machine.refuse !== undefined && args.includes(machine.refuse);
      return { status: refused ? 1 : 0, stdout: Buffer.of(), stderr: refused ? 'Failed: Unit is broken.' : '' };
    };
    const config = await parseConfig(target, '/etc/roots.toml');
    const machine: Machine = {
      path,
      units,
      places: { etc: fromText(join(path, 'etc')), units: fromText(units), hidden: [], booted: path },
      context: { run, signal: new AbortController().signal, now: NOW, config, privileged: true },
      told,
      show: '',
      refuse: undefined,
    };
    await use(machine);
  });
}
