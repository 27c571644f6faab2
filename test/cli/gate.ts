/** A program that waits where it is told to, so that a test can do something in the middle of a step: first in PATH, then the real one. */
import { accessSync, chmodSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Gate {
  readonly env: { readonly PATH: string };
  /** Resolves when a call waits. */
  reached(): Promise<void>;
  /** Lets every call pass from now on. */
  open(): void;
}

/** `arguments`: a pattern of the shell for the calls that wait, all arguments in a row. */
export function makeGate(scratch: string, program: string, calls = '*'): Gate {
  const folder = join(scratch, `gate-${program}`);
  const [reached, opened] = [join(folder, 'reached'), join(folder, 'opened')];
  // A gate that was taken away with its folder holds nobody.
  const wait = `: >'${reached}'; while [ -e '${reached}' ] && [ ! -e '${opened}' ]; do sleep 0.02; done`;
  const PATH = standIn(folder, program, `case "$*" in ${calls}) ${wait} ;; esac\nexec "$real" "$@"`);
  return {
    env: { PATH },
    reached: async () => {
      for (let tries = 0; !existsSync(reached); tries += 1) {
        if (tries > 1500) throw new Error(`${program} was not called`);
        await sleep(20);
      }
    },
    open: () => {
      if (existsSync(folder)) writeFileSync(opened, '');
    },
  };
}

/** A PATH in which a script, that knows the real program as `$real`, is found before it. */
export function standIn(folder: string, program: string, script: string): string {
  const path = process.env['PATH'] ?? '';
  const real = path
    .split(delimiter)
    .map((each) => join(each, program))
    .find(isExecutable);
  if (real === undefined) throw new Error(`${program} is not installed`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, program), `#!/bin/sh\nreal='${real}'\n${script}\n`);
  chmodSync(join(folder, program), 0o755);
  return `${folder}${delimiter}${path}`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
