import { chmodSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromText, toText } from '../../../src/byte-path.ts';
import { disableTimer, enableTimer, printTimer, type TimerRequest } from '../../../src/operations/timer.ts';
import { HEADER } from '../../../src/units/unit.ts';
import { REQUEST, ROTATING, withMachine, type Machine } from './timer-machine.ts';

const enable = (machine: Machine, request: Partial<TimerRequest> = {}, dryRun = false): ReturnType<typeof enableTimer> =>
  enableTimer(machine.context, { ...REQUEST, ...request }, { dryRun }, machine.places);

describe('enabling', () => {
  it('writes the units, then has systemd read them and start the timer', async () => {
    await withMachine(async (machine) => {
      machine.show = `NextElapseUSecRealtime=Sat 2026-11-21 00:07:12 UTC\nNextElapseUSecMonotonic=infinity\n`;
      const outcome = await enable(machine);
      expect(outcome).toMatchObject({ enabled: true, why: null, nixModule: null, nextRun: new Date('2026-11-21T00:07:12Z') });
      expect(outcome.files.map(({ action }) => action)).toEqual(['create', 'create']);
      expect(readdirSync(machine.units).sort()).toEqual(['roots-prune.service', 'roots-prune.timer']);
      const service = readFileSync(join(machine.units, 'roots-prune.service'), 'utf8');
      expect(service).toContain('ExecStart=/usr/bin/env /usr/lib/roots/run.js prune --yes\n');
      expect(service).toContain(`ReadWritePaths=/run "-${machine.path}/persist/old roots"\n`);
      expect(machine.told).toEqual(['daemon-reload', 'enable --now roots-prune.timer']);
    });
  });

  it('again changes nothing, and otherwise replaces', async () => {
    await withMachine(async (machine) => {
      await enable(machine);
      expect((await enable(machine)).files.map(({ action }) => action)).toEqual(['keep', 'keep']);
      const changed = await enable(machine, { onCalendar: 'Sun 03:00', onFailure: 'mail' });
      expect(changed.files.map(({ action }) => action)).toEqual(['replace', 'replace']);
      expect(readFileSync(join(machine.units, 'roots-prune.timer'), 'utf8')).toContain('OnCalendar=Sun 03:00\n');
    });
  });

  it('has a unit for rotation as long as that is configured', async () => {
    await withMachine(
      async (machine) => {
        const outcome = await enable(machine);
        expect(readdirSync(machine.units).sort()).toEqual(['roots-prune.service', 'roots-prune.timer', 'roots-rotate.service']);
        expect(outcome.warnings.join()).toContain('home: ');
        const { context } = machine;
        const without = { ...context.config, targets: context.config.targets.filter(({ name }) => name === 'root') };
        const later = await enableTimer({ ...context, config: without }, REQUEST, { dryRun: false }, machine.places);
        expect(later.files.map(({ action }) => action)).toEqual(['replace', 'replace', 'remove']);
        expect(readdirSync(machine.units).sort()).toEqual(['roots-prune.service', 'roots-prune.timer']);
      },
      { more: ROTATING },
    );
  });

  it('names a configuration that is not the usual one', async () => {
    await withMachine(async (machine) => {
      await enable(machine, { config: fromText('/persist/my roots.toml') });
      expect(readFileSync(join(machine.units, 'roots-prune.service'), 'utf8')).toContain('prune --yes --config "/persist/my roots.toml"\n');
    });
  });

  it('with --dry-run tells, and changes nothing', async () => {
    await withMachine(async (machine) => {
      const outcome = await enable(machine, {}, true);
      expect(outcome).toMatchObject({ enabled: false, why: null });
      expect(outcome.files).toHaveLength(2);
      expect(readdirSync(machine.units)).toEqual([]);
      expect(machine.told).toEqual([]);
    });
  });

  it('writes nothing where the next boot resets it', async () => {
    await withMachine(
      async (machine) => {
        const outcome = await enable(machine);
        expect(outcome).toMatchObject({ enabled: false, nixModule: null, why: expect.stringContaining('live root of `root`') as string });
        expect(outcome.files[0]?.text).toContain('[Service]');
        expect(readdirSync(machine.units)).toEqual([]);
        expect(machine.told).toEqual([]);
      },
      { unitsIn: 'live/etc/systemd/system' },
    );
  });

  it('follows a link to where the units really are', async () => {
    await withMachine(
      async (machine) => {
        const link = join(machine.path, 'link');
        symlinkSync(machine.units, link);
        const places = { ...machine.places, units: fromText(link) };
        const outcome = await enableTimer(machine.context, REQUEST, { dryRun: false }, places);
        expect(outcome.why).toContain('live root of `root`');
      },
      { unitsIn: 'live/etc/systemd/system' },
    );
  });

  it('writes nothing where NixOS makes /etc, and has a module for it', async () => {
    await withMachine(async (machine) => {
      writeFileSync(join(machine.path, 'etc/NIXOS'), '');
      const outcome = await enable(machine);
      expect(outcome).toMatchObject({ enabled: false, why: expect.stringContaining('NixOS') as string });
      expect(outcome.nixModule).toContain('systemd.timers.roots-prune = {');
      expect(readdirSync(machine.units)).toEqual([]);
      expect(machine.told).toEqual([]);
    });
  });

  it.each([
    ['a file of somebody else', (file: string) => writeFileSync(file, '[Unit]\nDescription=mine\n')],
    ['the link of a masked unit', (file: string) => symlinkSync('/dev/null', file)],
  ])('leaves %s alone, and writes nothing beside it', async (_, put) => {
    await withMachine(async (machine) => {
      put(join(machine.units, 'roots-prune.timer'));
      await expect(enable(machine)).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringContaining('roots-prune.timer') as string,
      });
      expect(readdirSync(machine.units)).toEqual(['roots-prune.timer']);
      expect(machine.told).toEqual([]);
    });
  });

  it('warns where no policy is configured, and where what is started may be gone or replaced', async () => {
    await withMachine(
      async (machine) => {
        const script = join(machine.path, 'live/run.js');
        writeFileSync(script, '');
        chmodSync(script, 0o666);
        const { warnings } = await enable(machine, { program: [fromText('/usr/bin/env'), fromText(script)] });
        expect(warnings).toEqual([
          expect.stringContaining('root: no policy is configured'),
          expect.stringContaining('run.js is on the live root of `root`, which the next boot resets'),
          expect.stringContaining('can be changed by others than root'),
        ]);
      },
      { policy: '' },
    );
  });

  it('refuses what the service would not see', async () => {
    await withMachine(async (machine) => {
      const places = { ...machine.places, hidden: [fromText(join(machine.path, 'persist'))] };
      const error = { kind: 'usage', message: expect.stringContaining('persist') as string };
      await expect(enableTimer(machine.context, REQUEST, { dryRun: false }, places)).rejects.toMatchObject(error);
      expect(readdirSync(machine.units)).toEqual([]);
    });
  });

  it.each([
    ['without systemd', { booted: '/nonexistent' }, {}, {}, 'unsupported'],
    ['without privileges', {}, { privileged: false }, {}, 'not-permitted'],
    ['with a calendar event that systemd does not know', {}, {}, { onCalendar: 'dayly' }, 'usage'],
    ['with what is no name of a unit', {}, {}, { onFailure: 'a b' }, 'usage'],
  ])('%s is refused', async (_, places, context, request, kind) => {
    await withMachine(async (machine) => {
      const enabling = enableTimer(
        { ...machine.context, ...context },
        { ...REQUEST, ...request },
        { dryRun: false },
        { ...machine.places, ...places },
      );
      await expect(enabling).rejects.toMatchObject({ kind });
      expect(readdirSync(machine.units)).toEqual([]);
      expect(machine.told).toEqual([]);
    });
  });

  it('says what systemd refused', async () => {
    await withMachine(async (machine) => {
      machine.refuse = 'enable';
      await expect(enable(machine)).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringContaining('Unit is broken.') as string,
      });
    });
  });
});

describe('printing', () => {
  it('needs neither root nor systemd, and writes nothing', async () => {
    await withMachine(async (machine) => {
      const places = { ...machine.places, booted: '/nonexistent' };
      const plan = await printTimer({ ...machine.context, privileged: false }, REQUEST, places);
      expect(plan.files.map(({ path }) => toText(path).split('/').at(-1))).toEqual(['roots-prune.service', 'roots-prune.timer']);
      expect(readdirSync(machine.units)).toEqual([]);
    });
  });

  it('takes archives from the configuration where they cannot be looked at', async () => {
    await withMachine(async (machine) => {
      const targets = machine.context.config.targets.map((target) => ({ ...target, archive: '/not/there/old_roots' }));
      const context = { ...machine.context, config: { ...machine.context.config, targets } };
      const plan = await printTimer(context, REQUEST, machine.places);
      expect(plan.files[0]?.text).toContain('ReadWritePaths=/run -/not/there/old_roots\n');
    });
  });
});

describe('disabling', () => {
  it('stops the timer before the services, and removes what enabling wrote', async () => {
    await withMachine(
      async (machine) => {
        await enable(machine);
        writeFileSync(join(machine.units, 'other.service'), '');
        machine.told.length = 0;
        const { removed } = await disableTimer(machine.context, { dryRun: true }, machine.places);
        expect(removed).toHaveLength(3);
        expect(readdirSync(machine.units)).toHaveLength(4);
        expect(machine.told).toEqual([]);
        expect(await disableTimer(machine.context, { dryRun: false }, machine.places)).toEqual({ removed });
        expect(readdirSync(machine.units)).toEqual(['other.service']);
        expect(machine.told).toEqual([
          'stop roots-prune.timer',
          'stop roots-prune.service',
          'stop roots-rotate.service',
          'disable roots-prune.timer',
          'daemon-reload',
        ]);
      },
      { more: ROTATING },
    );
  });

  it('of nothing does nothing', async () => {
    await withMachine(async (machine) => {
      expect(await disableTimer(machine.context, { dryRun: false }, machine.places)).toEqual({ removed: [] });
      expect(machine.told).toEqual([]);
    });
  });

  it('leaves all alone if one file is of somebody else', async () => {
    await withMachine(async (machine) => {
      await enable(machine);
      machine.told.length = 0;
      writeFileSync(join(machine.units, 'roots-prune.service'), `# edited\n${HEADER}\n`);
      await expect(disableTimer(machine.context, { dryRun: false }, machine.places)).rejects.toMatchObject({ kind: 'failed' });
      expect(readdirSync(machine.units)).toHaveLength(2);
      expect(machine.told).toEqual([]);
    });
  });
});
