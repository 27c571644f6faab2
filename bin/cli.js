import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Config } from '@oclif/core/config';
import { normalizeArgv } from '@oclif/core/help';
import { closest, distance } from 'fastest-levenshtein';
import { reportError } from '../src/base-command.ts';
import { fromBytes, textOfArgument } from '../src/byte-path.ts';
import { RootsError } from '../src/errors.ts';
import { RootsHelp } from '../src/help.ts';

/**
 * Runs the command line. `root`: the folder of the commands (src/ while developing), or of a bundle and its manifest; `commands`: how to
 * load each command of that bundle, by its id.
 */
export async function cli({ root, commands }) {
  const pjson = createRequire(import.meta.url)('../package.json');
  const plugins = commands && new Map([[pjson.name, bundled({ root, pjson, commands })]]);
  const args = argumentsAsWritten();
  try {
    // No plug-ins: oclif would otherwise load those that the user's data folder names, as root.
    const config = await Config.load({ root, pjson, plugins, userPlugins: false, devPlugins: false });
    await dispatch(config, args);
  } catch (error) {
    reportError(error, { json: beforeSeparator(args).includes('--json') });
  }
}

/** What oclif's own `run` does, which knows neither `roots help ls` nor `roots --json ls`, and whose errors are not ours. */
async function dispatch(config, args) {
  if (args[0] === '--version') return void process.stdout.write(`${config.userAgent}\n`);
  const words = args[0] === 'help' ? args.slice(1) : args;
  const [flags, rest] = leadingFlags(words);
  const [id, ...others] = normalizeArgv(config, rest);
  if (id !== undefined && !config.findCommand(id) && !config.findTopic(id)) throw unknownCommand(config, id);

  const help = ['--help', '-h'].some((flag) => beforeSeparator(words).includes(flag));
  if (help || args.length === 0 || args[0] === 'help' || (id !== undefined && !config.findCommand(id))) {
    return new RootsHelp(config).showHelp(id === undefined ? [] : [id]);
  }
  if (id === undefined) throw new RootsError('usage', `a command is missing after \`${flags.join(' ')}\``, { hint: 'see roots --help' });
  return config.runCommand(id, [...flags, ...others]);
}

/** Flags that stand before the command are the command's own. */
function leadingFlags(args) {
  const count = args.findIndex((arg, at) => !arg.startsWith('-') && args[at - 1] !== '--config');
  const end = count === -1 ? args.length : count;
  return [args.slice(0, end), args.slice(end)];
}

function beforeSeparator(args) {
  const end = args.indexOf('--');
  return end === -1 ? args : args.slice(0, end);
}

function unknownCommand(config, id) {
  const ids = [...config.commandIDs, 'help'].map((each) => each.replaceAll(':', ' '));
  const asked = id.replaceAll(':', ' ');
  const best = closest(asked, ids);
  const hint = distance(asked, best) <= 2 ? `did you mean \`roots ${best}\`?` : 'see roots --help';
  return new RootsError('usage', `there is no command \`${asked}\``, { hint });
}

/** Byte for byte: what is not UTF-8 reaches `fromText` as lone surrogates. */
function argumentsAsWritten() {
  const args = process.argv.slice(2);
  if (!args.some((arg) => arg.includes('\ufffd'))) return args;
  const raw = fromBytes(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1);
  return raw.slice(raw.length - args.length).map(textOfArgument);
}

/**
 * What oclif would make of the folder of a plug-in, from what the build knows already (20 ms: its own way looks for files, and sorts by
 * locale, for which ICU loads its tables).
 */
function bundled({ root, pjson, commands }) {
  const manifest = createRequire(import.meta.url)(`${root}/oclif.manifest.json`);
  const common = { pluginAlias: pjson.name, pluginName: pjson.name, pluginType: 'core' };
  const plugin = {
    _base: pjson.name,
    alias: pjson.name,
    commandIDs: Object.keys(manifest.commands),
    commands: Object.values(manifest.commands).map((command) => ({ ...command, ...common, load: () => plugin.findCommand(command.id) })),
    commandsDir: undefined,
    findCommand: async (id) => Object.assign(await commands[id]?.(), { id, plugin }),
    hasManifest: true,
    hooks: {},
    isRoot: true,
    load: async () => {},
    manifest,
    moduleType: 'commonjs',
    name: pjson.name,
    options: { root },
    pjson,
    root,
    topics: Object.entries(pjson.oclif.topics).map(([name, topic]) => ({ name, ...topic })),
    type: 'core',
    valid: true,
    version: pjson.version,
  };
  return plugin;
}
