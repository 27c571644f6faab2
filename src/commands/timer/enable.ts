import { basename } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { fromText } from '../../byte-path.ts';
import { enableTimer, printTimer, type TimerRequest } from '../../operations/timer.ts';
import { absolutePath } from '../../ui/arguments.ts';
import { enabledContract, planContract, renderEnabled, renderTimerPlan } from '../../ui/timer-view.ts';

export default class TimerEnable extends BaseCommand {
  static override readonly summary = 'Prune, and rotate where that is configured, by a systemd timer.';
  static override readonly description =
    'Once a day and some time after each boot, with the configuration that is read now. The units are written to /etc/systemd/system; where that would not survive the next boot or belongs to NixOS, nothing is written, and what to put where is printed (exit status 1).';
  static override readonly examples = [
    '<%= config.bin %> timer enable',
    '<%= config.bin %> timer enable --on-calendar "Sun 03:00" --on-failure notify@%n.service',
    '<%= config.bin %> timer enable --print',
  ];
  static override readonly flags = {
    'on-calendar': Flags.string({ summary: 'When to run instead of once a day, as systemd.time(7) has it.', helpValue: 'EVENT' }),
    'on-failure': Flags.string({ summary: 'A unit to start when a run fails.', helpValue: 'UNIT' }),
    print: Flags.boolean({ summary: 'Print the units and write nothing. Needs neither root nor systemd.' }),
    'dry-run': Flags.boolean({ char: 'n', summary: 'Say what would be written and change nothing.', exclusive: ['print'] }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(TimerEnable);
    const context = await this.context(flags);
    const { file, timezone: zone } = context.config;
    const request: TimerRequest = {
      program: howStarted(),
      config: file === null ? null : absolutePath(file, process.cwd()),
      onCalendar: flags['on-calendar'] ?? null,
      onFailure: flags['on-failure'] ?? null,
    };
    if (flags.print) {
      const plan = await printTimer(context, request);
      this.show(() => renderTimerPlan(plan));
      return planContract(plan);
    }
    const outcome = await enableTimer(context, request, { dryRun: flags['dry-run'] });
    this.show(() => renderEnabled(this.screen, outcome, { now: context.now, zone }));
    if (outcome.why !== null) this.end('failed');
    return enabledContract(outcome);
  }
}

/** As a script of Node, or as a program of its own. */
function howStarted(): TimerRequest['program'] {
  const program = absolutePath(process.execPath, '/');
  const script = process.argv[1];
  return script !== undefined && basename(process.execPath).startsWith('node') ? [program, fromText(script)] : [program];
}
