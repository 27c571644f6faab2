/** What systemd itself understands of a unit file: it loads it in its test mode and prints it, and starts nothing. */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BytePath } from '../../../src/byte-path.ts';
import { withScratch } from '../../support/scratch.ts';

export interface LoadedUnit {
  /** The words of each ExecStart=, with `$$` as it is written: variables are for when it runs. */
  readonly commands: readonly (readonly BytePath[])[];
  /** Its other lines. */
  readonly lines: readonly BytePath[];
}

const NOBODY = 65534;

/** `text` is that of a service. */
export async function loadService(text: string): Promise<LoadedUnit> {
  return withScratch(async ({ path }) => {
    const [units, runtime] = [join(path, 'units'), join(path, 'runtime')];
    mkdirSync(units);
    mkdirSync(runtime);
    // Nothing else is there for it to depend on.
    writeFileSync(join(units, 'tested.service'), `[Unit]\nDefaultDependencies=no\n${text}`);
    const asRoot = process.geteuid?.() === 0;
    if (asRoot) {
      // It refuses to do this as root.
      for (const folder of [path, units]) chmodSync(folder, 0o755);
      chmodSync(join(units, 'tested.service'), 0o644);
      chownSync(runtime, NOBODY, NOBODY);
    }
    const command = ['systemd', '--test', '--user', '--unit=tested.service'];
    const prefix = asRoot ? ['setpriv', `--reuid=${String(NOBODY)}`, `--regid=${String(NOBODY)}`, '--clear-groups', '--'] : [];
    const [program = '', ...args] = [...prefix, ...command];
    const env = {
      PATH: process.env['PATH'],
      LC_ALL: 'C',
      SYSTEMD_UNIT_PATH: units,
      XDG_RUNTIME_DIR: runtime,
      SYSTEMD_LOG_LEVEL: 'warning',
    };
    const { stdout, stderr } = await promisify(execFile)(program, args, {
      env,
      encoding: 'latin1',
      cwd: '/',
      maxBuffer: 1 << 28,
      timeout: 20_000,
    });
    const dump = /-> Unit tested\.service:\n((?:\t.*\n)*)/.exec(stdout)?.[1];
    if (dump === undefined) throw new Error(`systemd --test: ${stderr}${stdout}`);
    const lines = dump.split('\n').map((line) => line.replace(/^\t+/, '') as BytePath);
    const commands = lines.flatMap((line) => (line.startsWith('Command Line: ') ? [words(line.slice('Command Line: '.length))] : []));
    return { commands, lines };
  });
}

/** As systemd prints a command line: bare words, or in double quotes with escapes as in C. */
function words(line: string): BytePath[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|[^ "]+/gs)].map(
    ([bare, quoted]) => (quoted === undefined ? bare : unescape(quoted)) as BytePath,
  );
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescape(text: string): BytePath {
  return fromLatin1(
    text.replace(/\\(?:([0-7]{3})|x([0-9a-f]{2})|(.))/gs, (_, octal?: string, hex?: string, letter = '') =>
      octal !== undefined
        ? String.fromCharCode(Number.parseInt(octal, 8))
        : hex !== undefined
          ? String.fromCharCode(Number.parseInt(hex, 16))
          : (ESCAPES[letter as string] ?? (letter as string)),
    ),
  );
}

function fromLatin1(text: string): BytePath {
  return text as BytePath;
}
