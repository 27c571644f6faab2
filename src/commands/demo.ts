import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { buildDemo, cleanDemos, type DemoScene } from '../operations/demo.ts';

export default class Demo extends BaseCommand {
  static override readonly summary = 'Build a scratch machine and show the main job on it, without risk.';
  static override readonly description =
    'As root on a real btrfs image, else on plain directories, all in one temporary folder. It stays, to be tried on, until `roots demo --clean` or the next demo.';
  static override readonly examples = ['<%= config.bin %> demo', '<%= config.bin %> demo --clean'];
  static override readonly flags = { clean: Flags.boolean({ summary: 'Remove what earlier demos made.' }) };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Demo);
    const context = await this.context(flags);
    const cleaned = await cleanDemos(context);
    if (flags.clean) {
      this.show(() => (cleaned.length === 0 ? 'There is no demo to remove.' : cleaned.map((folder) => `removed  ${folder}`).join('\n')));
      return { cleaned };
    }
    if (cleaned.length > 0) this.show(() => `Removed the earlier demo in ${cleaned.join(', ')}.\n`);
    const scene = await buildDemo(context);
    if (!this.jsonEnabled()) await this.#show(scene);
    return { folder: scene.folder, config: scene.config, live: scene.live, backend: scene.backend, lostFile: scene.lostFile };
  }

  async #show(scene: DemoScene): Promise<void> {
    const kind = scene.backend === 'btrfs' ? 'a real btrfs image' : `plain directories (${scene.whyNoBtrfs ?? ''})`;
    this.show(() => `A machine that forgets, with two months of boots behind it, on ${kind}.\nIts live root is ${scene.live}.\n`);
    process.env['ROOTS_CONFIG'] = scene.config;
    await this.#step('Which old roots are there, and what becomes of them?', ['ls']);
    await this.#step('What will the next boot lose?', ['diff']);
    await this.#step('Alice lost her thesis. It is in an old root; bring it back.', ['restore', scene.lostFile, '--yes']);
    await this.#step('Protect one old root from the policy.', ['pin', 'latest~5', '--note', 'before the upgrade']);
    await this.#step('What would be removed, and why?', ['prune', '--dry-run']);
    await this.#step('Do it.', ['prune', '--yes']);
    const roots = process.argv[1]?.endsWith('bin/run.js') === true ? 'node bin/run.js' : 'roots';
    this.show(() =>
      [
        this.screen.style('bold', 'Go on trying:'),
        `  export ROOTS_CONFIG=${scene.config}`,
        `  ${roots} show latest`,
        `  ${roots} diff latest~1 latest`,
        `  echo gone > ${scene.live}/etc/machine-id; ${roots} restore ${scene.live}/etc/machine-id --overwrite --backup`,
        `  ${roots} prune --at ${new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10)}`,
        '',
        this.screen.style('bold', 'And when you have seen enough:'),
        `  ${roots} demo --clean`,
      ].join('\n'),
    );
  }

  /** The very command that a user would type. */
  async #step(why: string, command: readonly string[]): Promise<void> {
    this.show(() => `${this.screen.style('bold', `# ${why}`)}\n${this.screen.style('cyan', `$ roots ${command.map(quoted).join(' ')}`)}`);
    const [id = '', ...args] = command;
    await this.config.runCommand(id, args);
    this.show(() => '');
  }
}

function quoted(word: string): string {
  return /^[\w./~:-]+$/.test(word) ? word : `"${word}"`;
}
