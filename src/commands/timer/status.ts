import { BaseCommand } from '../../base-command.ts';
import { timerStatus } from '../../operations/timer-status.ts';
import { renderStatus, statusContract } from '../../ui/timer-view.ts';

export default class TimerStatus extends BaseCommand {
  static override readonly summary = 'Show the last runs and the next one, and what failed.';
  static override readonly description =
    'What systemd knows of this boot, and what the archives know of the boots before. The exit status is 1 if something is failing.';
  static override readonly examples = ['<%= config.bin %> timer status', '<%= config.bin %> timer status --json'];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(TimerStatus);
    const context = await this.context(flags);
    const status = await timerStatus(context);
    this.show(() => renderStatus(this.screen, status, { now: context.now, zone: context.config.timezone }));
    if (status.failing.length > 0) this.end('failed');
    return statusContract(status);
  }
}
